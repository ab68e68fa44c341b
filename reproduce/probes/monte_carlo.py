"""Predictions averaged over k dropout networks, for many k, as in Figure 11.

The predictions of POOL networks are stored; for each k, RESAMPLES sets of k networks are drawn
without replacement. Large sets share networks, so they differ less than independent sets. Their
standard deviation is therefore divided by sqrt(1 - k / POOL), the finite population correction for
a mean.
"""

from collections.abc import Iterator

import numpy as np

from reproduce.probes.trained import Trained
from reproduce.training import MEASURES, Measured

# The values of Figure 11, and some in between.
KS = (1, 2, 3, 4, 5, 7, 9, 13, 17, 21, 25, 31, 41, 51, 65, 79, 90, 101, 110, 119, 120)
POOL, RESAMPLES = 240, 20
MEASURED = ("error_percent", "nll", "calibration_percent")


def find(trained: Trained) -> Iterator[Measured]:
    pool = np.stack(list(trained.samples(trained.images, POOL)))
    generator = trained.generator("resamples")
    for k in KS:
        weights = np.zeros((RESAMPLES, POOL), np.float32)
        for drawn in weights:
            drawn[generator.choice(POOL, k, replace=False)] = 1 / k
        values = []
        for mean in np.tensordot(weights, pool, 1):
            logits = np.log(np.maximum(mean, np.finfo(np.float32).tiny))
            values.append([MEASURES[name](logits, trained.labels) for name in MEASURED])
        means = np.mean(values, axis=0)
        sds = np.std(values, axis=0, ddof=1) / np.sqrt(1 - k / POOL)
        for name, mean, sd in zip(MEASURED, means, sds, strict=True):
            yield trained.row(f"monte_carlo_{name}", mean, x=k)
            yield trained.row(f"monte_carlo_{name}_sd", sd, x=k)
