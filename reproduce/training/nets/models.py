"""Run and data shape -> an ordinary Keras model; here the paper's keep becomes Keras's rate.

A run's numbers follow the paper (scaling at test time). The model uses inverted dropout, so each
kernel's numbers are multiplied by the factors of `paper_to_inverted` for its input units.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import keras

from layers import (
    DropBlock2D,
    DropConnect,
    Dropout,
    GaussianDropout,
    KLSparsity,
    MaxNorm,
    Maxout,
    MaxPieces,
    SliceDropout,
    SpatialDropout2D,
    paper_to_inverted,
)
from reproduce.spec import Mlp, Run, derived_seed
from reproduce.training.nets.augmentation import RandomFlip, RandomShift

CONVOLUTION, POOL, POOL_STRIDE = 5, 3, 2
# DropBlock's block size in units: the paper's last feature maps are 4 x 4.
BLOCK = 3


class Built(NamedTuple):
    """A model that returns logits, and the factors that inverted dropout needs for each trainable
    variable: on its learning rate, and on an L1 penalty (0 for biases, which have none)."""

    model: keras.Model
    learning_rate_factors: list[float]
    l1_factors: list[float]


class Stack:
    """Builds a network layer by layer; each kernel's numbers depend on its input units."""

    def __init__(self, run: Run, shape: tuple[int, ...]):
        self.run = run
        self.x = self.inputs = keras.Input(shape, name="pixels")
        if run.shift_pixels:
            seed = derived_seed(run.seed, "shifts")
            self.x = RandomShift(run.shift_pixels, seed=seed, name="shift")(self.x)
        if run.flip:
            self.x = RandomFlip(seed=derived_seed(run.seed, "flips"), name="flip")(self.x)
        # The probability to keep the units at the top; whether those are in feature maps.
        self.keep = run.keep_input
        self.on_maps = self.is_dropped = False
        self.rates: list[float] = []
        self.l1: list[float] = []
        self.depth = 0

    def flatten(self) -> None:
        if self.run.conv_dropout in ("spatial", "block"):
            self._drop()  # before the maps are flattened
        self.x = keras.layers.Flatten(name="flat")(self.x)

    def convolve(self, filters: int, next_keep: float) -> None:
        if len(self.x.shape) == 3:  # grey images have no channel axis
            self.x = keras.layers.Reshape((*self.x.shape[1:], 1), name="channel")(self.x)
        pieces = getattr(self.run.net, "pieces", 1)
        conv = {"filters": pieces * filters, "kernel_size": CONVOLUTION, "padding": "same"}
        self._feed("conv", keras.layers.Conv2D, **conv)
        if pieces > 1:
            self.x = MaxPieces(pieces, name=f"hidden_{self.depth}")(self.x)
        else:
            self._activate()
        self.x = keras.layers.MaxPooling2D(
            POOL, POOL_STRIDE, padding="same", name=f"pool_{self.depth}"
        )(self.x)
        self.keep, self.on_maps = next_keep, True

    def hidden(self, units: int, next_keep: float) -> None:
        net = self.run.net
        pieces = getattr(net, "pieces", 1)
        if pieces > 1:
            self._feed("maxout", Maxout, units=units, pieces=pieces)
        else:
            self.dense(units)
            if getattr(net, "batch_norm", False):
                self._normalise()
            self._activate()
        self.keep, self.on_maps = next_keep, False

    def beside(self, above: list) -> None:
        """Adds, to the units at the top, what a machine finds for the next layer but one."""
        if above:
            name = f"with_above_{self.depth + 1}"
            self.x = keras.layers.Concatenate(name=name)([self.x, above.pop(0)])

    def sliced(self, outputs: int) -> None:
        """All hidden layers and the last one, of whose kernels a slice is used at a time."""
        self._drop()
        net, dense = self.run.net, []
        assert isinstance(net, Mlp)
        for units, keep in zip(net.hidden, self.run.keeps, strict=True):
            dense.append(keras.layers.Dense(units, net.activation, **self._weights("dense")))
            self.keep = keep
        dense.append(keras.layers.Dense(outputs, **self._weights("dense")))
        seed = derived_seed(self.run.seed, "masks")
        self.x = SliceDropout(dense, 1 - self.keep, seed=seed, name="slices")(self.x)

    def dense(self, units: int) -> None:
        self._feed("dense", keras.layers.Dense, units=units)

    def _normalise(self) -> None:
        name = f"batch_norm_{self.depth}"
        self.x = keras.layers.BatchNormalization(momentum=0.9, name=name)(self.x)
        self.rates += [1.0, 1.0]
        self.l1 += [0.0, 0.0]

    def _activate(self) -> None:
        self.x = keras.layers.Activation(
            self.run.net.activation,
            activity_regularizer=_sparsity(self.run),
            name=f"hidden_{self.depth}",
        )(self.x)

    def _drop(self) -> None:
        """Applies dropout to the units at the top, unless their connections are dropped instead."""
        kind = self.run.conv_dropout if self.on_maps else "unit"
        if self.keep == 1 or kind == "connection" or self.is_dropped:
            return
        layers: dict[str, Callable] = {
            "unit": {"bernoulli": Dropout, "gaussian": GaussianDropout, "slice": Dropout}[
                self.run.noise
            ],
            "spatial": SpatialDropout2D,
            "block": partial(DropBlock2D, block_size=BLOCK, calibrated=True),
        }
        seed = derived_seed(self.run.seed, "masks")
        self.x = layers[kind](1 - self.keep, seed=seed, name=f"dropout_{self.depth}")(self.x)
        self.is_dropped = True

    def _feed(self, kind: str, layer: Callable, **settings) -> None:
        """Applies dropout to the units at the top, then adds a layer of weights."""
        self._drop()
        made = layer(**settings, **self._weights(kind))
        if self.on_maps and self.keep < 1 and self.run.conv_dropout == "connection":
            seed = derived_seed(self.run.seed, "masks")
            name = f"connections_{self.depth}"
            made = DropConnect(made, 1 - self.keep, seed=seed, name=name)
        self.x = made(self.x)
        self.is_dropped = False

    def _weights(self, kind: str) -> dict:
        """The settings of the layer of weights whose inputs are the units at the top."""
        run, keep, depth = self.run, self.keep, self.depth
        factor = paper_to_inverted(keep)
        part = 1.0 if depth else run.input_rate_factor
        self.rates += [factor.learning_rate * part, part]
        self.l1 += [factor.l1, 0.0]
        self.depth += 1
        return {
            # He initialisation in the paper's form, so here the standard deviation is
            # keep * sqrt(2 / fan_in). This is our guess: the paper gives no initialisation.
            "kernel_initializer": keras.initializers.VarianceScaling(
                2.0 * factor.weights**2,
                mode="fan_in",
                distribution="untruncated_normal",
                seed=derived_seed(run.seed, "weights", depth),
            ),
            "kernel_constraint": MaxNorm(run.max_norm * factor.max_norm) if run.max_norm else None,
            "kernel_regularizer": keras.regularizers.L2(run.l2 * factor.l2) if run.l2 else None,
            "name": f"{kind}_{self.depth}",
        }

    def built(self, name: str) -> Built:
        return Built(keras.Model(self.inputs, self.x, name=name), self.rates, self.l1)


def _sparsity(run: Run) -> KLSparsity | None:
    if not run.sparsity_cost:
        return None
    family = "bernoulli" if run.net.activation == "sigmoid" else "poisson"
    return KLSparsity(run.sparsity_cost, run.sparsity_target, family)
