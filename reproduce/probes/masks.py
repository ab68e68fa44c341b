"""Ten forward passes of one test digit: what is left of it, and of the first hidden layer."""

import math
from collections.abc import Iterator

import keras
import numpy as np

from reproduce.probes import Measured, Picture, Trained, mosaic

PASSES = 10


def find(trained: Trained) -> Iterator[Measured | Picture]:
    # The first test digit, ten times.
    digits = np.repeat(trained.images[:1], PASSES, axis=0)
    label = trained.labels[0]
    layers = trained.model.layers
    dropped = [layer for layer in layers if layer.name.startswith("dropout_")]
    outputs = [layer.output for layer in dropped] + [trained.model.output]
    *masked, logits = keras.Model(trained.model.input, outputs)(digits, training=True)
    probabilities = np.asarray(keras.ops.softmax(logits))
    for i, each in enumerate(probabilities):
        yield trained.row("pass_missed_percent", 100 * (1 - each[label]), x=i + 1)
    yield trained.row("mean_missed_percent", 100 * (1 - probabilities.mean(axis=0)[label]))
    for layer, values in zip(dropped, masked, strict=True):
        tiles = np.asarray(values).reshape(PASSES, -1)
        shape = trained.training.dataset.shape
        if tiles.shape[1] != np.prod(shape):  # hidden units, in as square a block as they fill
            units = tiles.shape[1]
            width = next(w for w in range(math.isqrt(units), 0, -1) if units % w == 0)
            shape = (units // width, width)
        tiles = tiles.reshape(PASSES, *shape) / max(tiles.max(), 1e-12)
        yield Picture(layer.name, mosaic(tiles, PASSES // 2))
