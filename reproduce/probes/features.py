"""Pictures of the first layer's weights, with their roughness, and of the network's inputs."""

import math
from collections.abc import Iterator

import numpy as np

from reproduce.probes.trained import Picture, Trained, mosaic
from reproduce.spec import Rbm
from reproduce.training import Measured

# Values beyond this quantile are drawn black or white.
DRAWN_QUANTILE = 0.995
INPUT_COLUMNS, INPUT_ROWS = 8, 2


def find(trained: Trained) -> Iterator[Measured | Picture]:
    kernel = np.array(trained.model.trainable_variables[0])
    if kernel.ndim == 4:  # a convolution: (height, width, colours, filters)
        features = np.moveaxis(kernel, -1, 0)
    else:
        features = kernel.T.reshape(-1, *trained.training.dataset.shape)
    if features.shape[-1] == 1:
        features = features[..., 0]
    yield trained.row("feature_roughness", np.mean([roughness(f) for f in features]))
    columns = math.ceil(math.sqrt(len(features)))
    reach = np.quantile(np.abs(features), DRAWN_QUANTILE)
    if isinstance(trained.training.run.net, Rbm):  # as Figure 12 has them, the largest first
        norms = np.sqrt(np.sum(features**2, axis=(1, 2)))
        features = features[np.argsort(-norms, kind="stable")]
    yield Picture("features", mosaic(0.5 + features / (2 * reach), columns))


def roughness(feature: np.ndarray) -> float:
    """Mean squared difference of neighbouring pixels, divided by twice the variance (Geary's C).

    1 for noise without structure, near 0 for smooth strokes.
    """
    steps = [np.diff(feature, axis=axis).ravel() for axis in (0, 1)]
    return float(np.mean(np.concatenate(steps) ** 2) / (2 * feature.var() + 1e-12))


def find_inputs(trained: Trained) -> Iterator[Picture]:
    """The first test images as the network sees them, after preparation."""
    images = trained.images[: INPUT_COLUMNS * INPUT_ROWS]
    reach = np.quantile(np.abs(images), DRAWN_QUANTILE)
    is_centred = images.min() < 0
    yield Picture(
        "inputs", mosaic(0.5 + images / (2 * reach) if is_centred else images, INPUT_COLUMNS)
    )
