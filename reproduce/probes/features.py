"""The first layer's weights, as pictures, and how rough they are."""

import math
from collections.abc import Iterator

import numpy as np

from reproduce.probes import Measured, Picture, Trained, mosaic

# Weights beyond this quantile are drawn black or white.
DRAWN_QUANTILE = 0.995


def find(trained: Trained) -> Iterator[Measured | Picture]:
    kernel = np.array(trained.model.trainable_variables[0])
    if kernel.ndim == 4:  # of a convolution: (height, width, colours, filters)
        features = np.moveaxis(kernel, -1, 0)
    else:
        features = kernel.T.reshape(-1, *trained.training.dataset.shape)
    if features.shape[-1] == 1:
        features = features[..., 0]
    yield trained.row("feature_roughness", np.mean([roughness(f) for f in features]))
    columns = math.ceil(math.sqrt(len(features)))
    reach = np.quantile(np.abs(features), DRAWN_QUANTILE)
    yield Picture("features", mosaic(0.5 + features / (2 * reach), columns))


def roughness(feature: np.ndarray) -> float:
    """Mean squared difference of neighbouring pixels over twice the variance (Geary's C).

    1 for noise without structure, near 0 for smooth strokes.
    """
    steps = [np.diff(feature, axis=axis).ravel() for axis in (0, 1)]
    return float(np.mean(np.concatenate(steps) ** 2) / (2 * feature.var() + 1e-12))
