"""A restricted Boltzmann machine, as a model from images to the logits of their reconstruction.

It may stand on others that were trained before: then its visible units are the probabilities of
their hidden ones, as in a deep belief net (Hinton and Salakhutdinov, Science 2006).
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np

from layers import RBM
from reproduce.spec import Rbm, Run, derived_seed
from reproduce.training.measures import Measured

# Hinton, "A practical guide to training restricted Boltzmann machines" (2010), section 8.
INITIAL_DEVIATION = 0.01


class Machine(NamedTuple):
    """The weights of a trained RBM, and the bias of its hidden and of its visible units."""

    kernel: np.ndarray
    hidden_bias: np.ndarray
    visible_bias: np.ndarray


class Start(NamedTuple):
    """What a run starts from: trained RBMs, from the pixels up, and what was measured of each: `x`
    counts them from 1."""

    machines: Sequence[Machine]
    history: Sequence[Measured]


NOTHING = Start((), ())


@keras.saving.register_keras_serializable("reproduce")
class Reconstruction(keras.layers.Layer):
    """The logits of the pixels, given the probabilities of the hidden units of the last of these
    RBMs, each of which stands on the one before."""

    def __init__(self, rbms: Sequence[RBM], **kwargs):
        super().__init__(**kwargs)
        self.rbms = list(rbms)

    def call(self, hidden):
        *below, last = self.rbms
        logits = last.reconstruction_logits(hidden)
        for rbm in reversed(below):
            logits = rbm.reconstruction_logits(keras.ops.sigmoid(logits))
        return logits

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.rbms[0].kernel.shape[0])

    def get_config(self):
        rbms = [keras.saving.serialize_keras_object(each) for each in self.rbms]
        return {**super().get_config(), "rbms": rbms}

    @classmethod
    def from_config(cls, config):
        rbms = [keras.saving.deserialize_keras_object(each) for each in config.pop("rbms")]
        return cls(rbms, **config)


def build(run: Run, shape: tuple[int, ...]) -> keras.Model:
    """The machine of `run`, with weights, masks and samples drawn from its seed, on those that it
    starts from, whose weights do not change."""
    assert isinstance(run.net, Rbm)
    inputs = keras.Input(shape, name="pixels")
    hidden, rbms = keras.layers.Flatten(name="flat")(inputs), []
    for depth, net in enumerate((*run.machines, run.net)):
        is_last = depth == len(run.machines)
        drawn = keras.initializers.RandomNormal(
            stddev=INITIAL_DEVIATION, seed=derived_seed(run.seed, "weights", depth)
        )
        rbm = RBM(
            net.hidden[0],
            1 - run.keeps[0] if is_last else 0.0,
            steps=net.steps,
            kernel_initializer=drawn,
            kernel_regularizer=keras.regularizers.L2(run.l2) if run.l2 and is_last else None,
            seed=derived_seed(run.seed, "masks"),
            trainable=is_last,
            name=f"hidden_{depth + 1}",
        )
        hidden = rbm(hidden)
        rbms.append(rbm)
    return keras.Model(inputs, Reconstruction(rbms, name="reconstruction")(hidden), name="rbm")


def machines_of(model: keras.Model) -> list[Machine]:
    """The weights of all RBMs of a model, from the pixels up."""
    rbms = [layer for layer in model.layers if isinstance(layer, RBM)]
    return [Machine(*(np.array(each) for each in _variables(rbm))) for rbm in rbms]


def begin(model: keras.Model, start: Start) -> None:
    """Gives the first layers, RBMs or logistic units, the weights that the run starts from.

    Dropout that scales the kept units up, as ours does, leaves them as they are. Without that scale
    they would be multiplied by 1 / p (section 5.2).
    """
    kinds = RBM | keras.layers.Dense
    layers = [layer for layer in model.layers if isinstance(layer, kinds)]
    for layer, machine in zip(layers, start.machines, strict=False):  # it may have more layers
        variables = _variables(layer) if isinstance(layer, RBM) else (layer.kernel, layer.bias)
        for variable, value in zip(variables, machine, strict=False):  # no bias of visible units
            variable.assign(value)


def _variables(rbm: RBM) -> tuple:
    return rbm.kernel, rbm.hidden_bias, rbm.visible_bias
