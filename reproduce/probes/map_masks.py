"""A feature map of one test image, whole and as dropout leaves it; and the image itself."""

from collections.abc import Iterator

import keras
import numpy as np

from reproduce.probes import Picture, Trained, mosaic

MAPS = 8


def find(trained: Trained) -> Iterator[Picture]:
    """The most active maps of the first convolution: a row whole, and a row after dropout. Where
    nothing of the maps themselves is dropped both rows are the same."""
    model, image = trained.model, trained.images[:1]
    whole = model.get_layer("pool_1").output
    names = {layer.name for layer in model.layers}
    left = model.get_layer("dropout_1").output if "dropout_1" in names else whole
    before, after = keras.Model(model.input, [whole, left])(image, training=True)
    before = np.asarray(before)[0]
    after = np.reshape(after, before.shape)  # where it feeds a dense layer it is flat
    largest = np.argsort(before.mean(axis=(0, 1)))[::-1][:MAPS]
    # Kept units are scaled up in training; here both rows have one scale.
    tiles = np.concatenate([np.moveaxis(maps[..., largest], -1, 0) for maps in (before, after)])
    yield Picture("map_masks", mosaic(tiles / max(before.max(), 1e-12), MAPS))
