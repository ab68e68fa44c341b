"""Predictions averaged over k dropout networks, for many k, as in Figure 11.

Stored predictions of POOL networks; for each k, RESAMPLES sets of k of them without replacement.
"""

from collections.abc import Iterator

import numpy as np

from reproduce.measure import MEASURES
from reproduce.probes import Measured, Trained

KS = (1, 3, 5, 9, 21, 31, 51, 79, 101, 119)
POOL, RESAMPLES = 240, 20
MEASURED = ("error_percent", "nll", "calibration_percent")


def find(trained: Trained) -> Iterator[Measured]:
    pool = np.stack(list(trained.samples(trained.images, POOL)))
    generator = trained.generator("resamples")
    for k in KS:
        values = []
        for _ in range(RESAMPLES):
            mean = pool[generator.choice(POOL, k, replace=False)].mean(axis=0)
            logits = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
            values.append([MEASURES[name](logits, trained.labels) for name in MEASURED])
        for name, mean, sd in zip(MEASURED, *_moments(values), strict=True):
            yield trained.row(f"monte_carlo_{name}", mean, x=k)
            yield trained.row(f"monte_carlo_{name}_sd", sd, x=k)


def _moments(values: list[list[float]]) -> tuple[np.ndarray, np.ndarray]:
    return np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
