"""Draws layers/masks.svg: what each dropout layer drops, from real masks.

Run by `make pictures`. The only file of the project that uses both the layers and matplotlib.
"""

from itertools import count
from pathlib import Path

from reproduce.machine import import_tensorflow

import_tensorflow()

import keras
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt
import numpy as np

import layers

STYLE: dict = {
    "svg.hashsalt": "reproduce",
    "font.size": 9,
    "axes.titlesize": 9.5,
    # In inches: else the title would touch the first row.
    "figure.constrained_layout.h_pad": 6 / 72,
}
TITLE = "What each layer drops: dark is dropped, brighter is scaled up"
TARGET = Path(__file__).parents[1] / "layers" / "masks.svg"


def kept(layer: keras.Layer, shape: tuple[int, ...]) -> np.ndarray:
    """The layer's output in training for an input of ones: 0 where a unit is dropped."""
    return trained_output(layer, np.ones(shape, "float32"))


def trained_output(layer: keras.Layer, x: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(layer(x, training=True))


def maps(picture: np.ndarray) -> np.ndarray:
    """Four feature maps, given as (height, width, 4), side by side with a blank line between."""
    gap = np.full((picture.shape[0], 1), np.nan)
    parts = [part for i in range(4) for part in (picture[..., i], gap)][:-1]
    return np.concatenate(parts, axis=1)


def one_map_dropped(shape: tuple[int, ...]) -> np.ndarray:
    """Of the first seed that drops one map: at this rate a quarter of all seeds drop none."""
    drawn = (kept(layers.SpatialDropout2D(0.3, seed=seed), shape)[0] for seed in count(1))
    return next(each for each in drawn if np.sum(each[0, 0] == 0) == 1)


def pictures() -> dict[str, np.ndarray]:
    sequence = (1, 24, 12)
    image = (1, 14, 14, 4)
    weights = layers.DropConnect(
        keras.layers.Dense(24, use_bias=False, kernel_initializer="ones"), 0.5, seed=1
    )
    return {
        "Dropout(0.5)\n12 examples (down), 24 units": kept(layers.Dropout(0.5, seed=1), (12, 24)),
        "GaussianDropout(0.5)\nnoise of mean 1": kept(
            layers.GaussianDropout(0.5, seed=1), (12, 24)
        ),
        "DropConnect(Dense, 0.5)\n12 x 24 weights": trained_output(
            weights, np.eye(12, dtype="float32")
        ),
        "Dropout(0.5) on a sequence\n12 units (down), 24 steps": kept(
            layers.Dropout(0.5, seed=1), sequence
        )[0].T,
        "SequenceDropout(0.5)\none mask for all steps": kept(
            layers.SequenceDropout(0.5, seed=1), sequence
        )[0].T,
        "SpatialDropout1D(0.5)\nthe same, for channels": kept(
            layers.SpatialDropout1D(0.5, seed=2), sequence
        )[0].T,
        "Dropout(0.3)\nfour feature maps": maps(kept(layers.Dropout(0.3, seed=1), image)[0]),
        "SpatialDropout2D(0.3)\none of four maps is dropped": maps(one_map_dropped(image)),
        "DropBlock2D(0.3, block_size=5)\nblocks of each map": maps(
            kept(layers.DropBlock2D(0.3, block_size=5, calibrated=True, seed=1), image)[0]
        ),
    }


def draw() -> None:
    matplotlib.rcdefaults()
    # 600 points are 800 pixels, as wide as a README shows it: text is of 9 points there too.
    with plt.rc_context(STYLE):
        figure, grid = plt.subplots(
            3, 3, figsize=(600 / 72, 5.1), layout="constrained", height_ratios=(2, 2, 1)
        )
        figure.suptitle(TITLE, x=0.01, ha="left", size=12.5, weight="bold")
        for axes, (title, picture) in zip(grid.flat, pictures().items(), strict=True):
            axes.imshow(picture, cmap="viridis", vmin=0, vmax=2, aspect="equal")
            axes.set(title=title, xticks=[], yticks=[])
        figure.savefig(TARGET, format="svg", metadata={"Date": None, "Title": TITLE})
        plt.close(figure)


if __name__ == "__main__":
    draw()
