"""Boltzmann machines, as models from images to the logits of their reconstruction.

An RBM may stand on others that were trained before: then its visible units are the probabilities of
their hidden ones, as in a deep belief net (Hinton and Salakhutdinov, Science 2006). A DBM begins
with the weights of such RBMs (Salakhutdinov and Hinton, AISTATS 2009), and a net of logistic units
with those of either.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import keras
import numpy as np

from layers import DBM, RBM
from layers.boltzmann.features import AroundDBM, Features
from layers.boltzmann.machine import DEVIATION
from reproduce.spec import Dbm, Rbm, Run, derived_seed
from reproduce.training.measures import Measured


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
        rbms = [keras.saving.deserialize_keras_object(each) for each in config["rbms"]]
        return cls(**{**config, "rbms": rbms})


@keras.saving.register_keras_serializable("reproduce")
class Reconstructed(AroundDBM):
    """A DBM, which trains inside it, from pixels to the logits of the pixels that the mean-field
    probabilities of its lowest hidden layer give back."""

    def call(self, inputs, training=False):
        return self.dbm.visible_logits(self.dbm.states(inputs, training))

    def compute_output_shape(self, input_shape):
        return input_shape


def build(run: Run, shape: tuple[int, ...]) -> keras.Model:
    """The machine of `run`, with weights, masks and samples drawn from its seed, on those that it
    starts from, whose weights do not change."""
    inputs = keras.Input(shape, name="pixels")
    hidden = keras.layers.Flatten(name="flat")(inputs)
    if isinstance(run.net, Dbm):
        dbm = _dbm(run, run.net, name="machine")
        return keras.Model(inputs, Reconstructed(dbm, name="reconstruction")(hidden), name="dbm")
    assert isinstance(run.net, Rbm)
    rbms = []
    for depth, net in enumerate((*run.chain, run.net)):
        assert isinstance(net, Rbm)
        is_last = depth == len(run.chain)
        rbm = RBM(
            net.hidden[0],
            1 - run.keeps[0] if is_last else 0.0,
            steps=net.steps,
            visible_copies=net.visible_copies,
            hidden_copies=net.hidden_copies,
            kernel_initializer=_small(run, depth),
            kernel_regularizer=_cost(run) if is_last else None,
            seed=derived_seed(run.seed, "masks"),
            trainable=is_last,
            name=f"hidden_{depth + 1}",
        )
        hidden = rbm(hidden)
        rbms.append(rbm)
    return keras.Model(inputs, Reconstruction(rbms, name="reconstruction")(hidden), name="rbm")


def above(run: Run, pixels) -> list:
    """What the DBM that an Mlp starts from finds for each hidden layer above the first, given the
    pixels; nothing for other runs."""
    if run.above is None or run.shift_pixels or run.flip:
        return []
    return Features(_dbm(run, run.above, trainable=False, name="frozen"), name="above")(pixels)


def parted(run: Run, model: keras.Model) -> tuple[keras.Model | None, keras.Model]:
    """What a frozen DBM finds in the images, None without one or if images change in training; and
    the model of both that trains. They share the variables of `model`, which does the same as one
    after the other."""
    if run.above is None or run.shift_pixels or run.flip:
        return None, model
    for layer in model.layers:
        if isinstance(layer, Features):
            found = keras.tree.flatten(layer.output)
            return keras.Model(model.input, found), keras.Model([model.input, *found], model.output)
    return None, model


def _dbm(run: Run, net: Dbm, **settings) -> DBM:
    return DBM(
        net.hidden,
        mean_field=net.mean_field,
        steps=net.steps,
        chains=net.chains,
        kernel_regularizer=_cost(run),
        seed=derived_seed(run.seed, "masks"),
        **settings,
    )


def _small(run: Run, depth: int) -> keras.initializers.Initializer:
    seed = derived_seed(run.seed, "weights", depth)
    return keras.initializers.RandomNormal(stddev=DEVIATION, seed=seed)


def _cost(run: Run) -> keras.regularizers.Regularizer | None:
    return keras.regularizers.L2(run.l2) if run.l2 else None


def machines_of(model: keras.Model) -> list[Machine]:
    """The weights of all RBMs of a model, or of a DBM's layers, from the pixels up."""
    if dbm := _dbm_in(model):
        biases = list(pairwise(dbm.biases))
        each = [(w, c, b) for w, (b, c) in zip(dbm.kernels, biases, strict=True)]
    else:
        each = [_variables(layer) for layer in model.layers if isinstance(layer, RBM)]
    return [Machine(*(np.array(variable) for variable in mine)) for mine in each]


def begin(model: keras.Model, start: Start) -> None:
    """Gives the first layers, of machines or of logistic units, what the run starts from.

    Dropout that scales the kept units up, as ours does, leaves them as they are. Without that scale
    they would be multiplied by 1 / p (section 5.2).
    """
    if not start.machines:
        return
    if dbm := _dbm_in(model):
        dbm.begin(start.machines)
    if any(isinstance(layer, Reconstructed) for layer in model.layers):
        return  # the DBM is all there is
    kinds = RBM | keras.layers.Dense
    layers = [layer for layer in model.layers if isinstance(layer, kinds)]
    kernels = [machine.kernel for machine in start.machines]
    if dbm:  # each layer of an Mlp but the last one also sees the layer above it
        higher = [kernel.T for kernel in kernels[1:]]
        kernels = [np.concatenate(pair) for pair in zip(kernels, higher, strict=False)]
        kernels.append(start.machines[-1].kernel)
    assert len(layers) >= len(kernels), "each machine has its layer"
    # There may be more layers than machines, and Dense ones have no bias of visible units.
    for layer, kernel, machine in zip(layers, kernels, start.machines, strict=False):
        variables = _variables(layer) if isinstance(layer, RBM) else (layer.kernel, layer.bias)
        for variable, value in zip(variables, (kernel, *machine[1:]), strict=False):
            variable.assign(value)


def _dbm_in(model: keras.Model) -> DBM | None:
    return next((x.dbm for x in model.layers if isinstance(x, Features | Reconstructed)), None)


def _variables(rbm: RBM) -> tuple:
    return rbm.kernel, rbm.hidden_bias, rbm.visible_bias
