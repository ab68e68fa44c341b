"""Random images and labels of a case's size: their content does not affect the timing."""

import numpy as np

from benchmarks.cases import SEED, Case


def draw(case: Case) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(SEED)
    images = rng.random((case.examples, *case.shape), dtype=np.float32)
    labels = rng.integers(0, 10, case.examples).astype(np.int32)
    labels[:10] = np.arange(10)
    return images, labels
