"""Ten forward passes of one test digit: each dropout layer's masks, and its masked outputs."""

import math
from collections.abc import Iterator

import keras
import numpy as np

from reproduce.probes.trained import Picture, Trained, mosaic
from reproduce.training import Measured

PASSES = 10
# Number of feature maps drawn.
MAPS = 8
# Passes that are tried until one drops something: with one map in ten, a fifth of them drop none.
DRAWS = 20
# Grey level of kept units in a mask, so that masks stand out from the white lines between them.
KEPT_GREY = 0.8


def find(trained: Trained) -> Iterator[Measured | Picture]:
    # The first test digit, ten times.
    digits = np.repeat(trained.images[:1], PASSES, axis=0)
    label = trained.labels[0]
    layers = trained.model.layers
    dropped = [layer for layer in layers if layer.name.startswith("dropout_")]
    before = [np.array(layer.stream.state) for layer in dropped]
    outputs = [layer.output for layer in dropped] + [trained.model.output]
    *masked, logits = keras.Model(trained.model.input, outputs)(digits, training=True)
    probabilities = np.asarray(keras.ops.softmax(logits))
    for i, each in enumerate(probabilities):
        yield trained.row("pass_missed_percent", 100 * (1 - each[label]), x=i + 1)
    yield trained.row("mean_missed_percent", 100 * (1 - probabilities.mean(axis=0)[label]))
    for layer, values, state in zip(dropped, masked, before, strict=True):
        # Draw the masks again, on ones: a value of 0 may also be a dark pixel or an inactive unit.
        layer.stream.state.assign(state)
        kept = np.asarray(layer(np.ones(values.shape, np.float32), training=True)) > 0
        shape = _shape(values.shape[1:], trained.training.dataset.shape)
        number = layer.name.removeprefix("dropout_")
        brightest = max(np.max(values), 1e-12)
        for name, tiles in (("mask", KEPT_GREY * kept), ("masked", values / brightest)):
            tiles = np.asarray(tiles, np.float32).reshape(PASSES, *shape)
            yield Picture(f"{name}_{number}", mosaic(tiles, PASSES // 2))


def _shape(units: tuple[int, ...], images: tuple[int, ...]) -> tuple[int, ...]:
    """The shape of the images or, for hidden units, of the most nearly square block they fill."""
    number = math.prod(units)
    if number == math.prod(images):
        return images
    width = next(w for w in range(math.isqrt(number), 0, -1) if number % w == 0)
    return (number // width, width)


def find_in_maps(trained: Trained) -> Iterator[Picture]:
    """The most active maps of the first convolution: one row before dropout, one row after it. If
    nothing in the maps themselves is dropped, both rows are the same. If whole maps are dropped, at
    least one of those is drawn, from the first pass that drops one."""
    model, image = trained.model, trained.images[:1]
    whole = model.get_layer("pool_1").output
    names = {layer.name for layer in model.layers}
    left = model.get_layer("dropout_1").output if "dropout_1" in names else whole
    both = keras.Model(model.input, [whole, left])
    for _ in range(DRAWS):
        before, after = (np.asarray(maps) for maps in both(image, training=True))
        before, after = before[0], after.reshape(before.shape[1:])  # flat, if a dense layer follows
        if ((before != 0) & (after == 0)).any():
            break
    by_activity = np.argsort(before.mean(axis=(0, 1)))[::-1]
    largest = by_activity[:MAPS].copy()
    gone = [i for i in by_activity if before[..., i].any() and not after[..., i].any()]
    if gone and not set(gone) & set(largest):
        largest[-1] = gone[0]
    # Kept units are scaled up in training; here both rows use the same grey scale.
    tiles = np.concatenate([np.moveaxis(maps[..., largest], -1, 0) for maps in (before, after)])
    # A narrow net may have fewer maps than are drawn of a wide one.
    yield Picture("map_masks", mosaic(tiles / max(before.max(), 1e-12), len(largest)))
