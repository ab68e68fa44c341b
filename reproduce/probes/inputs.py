"""The first test images as the network sees them: what preparing them leaves."""

from collections.abc import Iterator

import numpy as np

from reproduce.probes import Picture, Trained, mosaic

COLUMNS, ROWS = 8, 2
# Pixels beyond this quantile are drawn black or white.
DRAWN_QUANTILE = 0.995


def find(trained: Trained) -> Iterator[Picture]:
    images = trained.images[: COLUMNS * ROWS]
    reach = np.quantile(np.abs(images), DRAWN_QUANTILE)
    is_centred = images.min() < 0
    yield Picture("inputs", mosaic(0.5 + images / (2 * reach) if is_centred else images, COLUMNS))
