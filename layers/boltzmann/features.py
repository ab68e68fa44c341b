"""What stands around a deep Boltzmann machine: RBMs below, other layers and networks above."""

from typing import Any

import keras
import numpy as np
from keras import ops

from ..checks import check_built
from .machine import Machine

# Of an RBM.
WEIGHTS = ("kernel", "visible_bias", "hidden_bias")


class AroundDBM(keras.layers.Layer):
    """A layer that has a `DBM` inside, and is saved with it."""

    def __init__(self, dbm: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dbm = dbm

    def build(self, input_shape):
        if not self.dbm.built:
            self.dbm.build(input_shape)

    def get_config(self):
        return {**super().get_config(), "dbm": keras.saving.serialize_keras_object(self.dbm)}

    @classmethod
    def from_config(cls, config):
        dbm = keras.saving.deserialize_keras_object(config["dbm"])
        return cls(**{**config, "dbm": dbm})


@keras.saving.register_keras_serializable("dropout")
class Features(AroundDBM):
    """The mean-field probabilities of a DBM's hidden layers from the second one up, from its
    visible units of shape (batch, visible): a list of tensors of shape (batch, units)."""

    def call(self, inputs):
        return [ops.stop_gradient(each) for each in self.dbm.probabilities(inputs)[2:]]

    def compute_output_shape(self, input_shape):
        return [(*input_shape[:-1], units) for units in self.dbm.units[1:]]


def begin(dbm: Any, rbms: Any) -> None:
    """What `DBM.begin` explains; anything that holds an RBM's weights serves as one."""
    _check_rbms(dbm, rbms)
    # As arrays: on JAX a variable would share its memory with one that is assigned to it.
    kernels, below, above = (
        [ops.convert_to_numpy(getattr(rbm, name)) for rbm in rbms] for name in WEIGHTS
    )
    for variable, kernel in zip(dbm.kernels, kernels, strict=True):
        variable.assign(kernel)
    dbm.biases[0].assign(below[0])
    dbm.biases[-1].assign(above[-1])
    for i in range(1, len(rbms)):
        dbm.biases[i].assign((above[i - 1] + below[i]) / 2)


def _check_rbms(dbm, rbms):
    """Raises a ValueError for what are no RBMs of the machine's sizes."""
    given = rbms if isinstance(rbms, (list, tuple)) else [rbms]
    for layer in (dbm, *(rbm for rbm in given if isinstance(rbm, Machine))):
        check_built(layer)
    if given is not rbms or not all(hasattr(rbm, name) for rbm in rbms for name in WEIGHTS):
        raise ValueError(f"`rbms` is a list of RBMs. Received: rbms={rbms!r}")
    sizes = [tuple(rbm.kernel.shape) for rbm in rbms]
    mine = [tuple(kernel.shape) for kernel in dbm.kernels]
    if sizes != mine:
        raise ValueError(f"the RBMs have kernels of the shapes {mine}. Received: {sizes}")


def feed_forward(dbm: Any, activation: Any) -> keras.Model:
    """What `DBM.to_model` explains."""
    policy = dbm.dtype_policy
    frozen = type(dbm).from_config({**dbm.get_config(), "trainable": False, "name": "frozen"})
    inputs = x = keras.Input((dbm.kernels[0].shape[0],), name="visible")
    above = Features(frozen, name="features", dtype=policy)(inputs)
    # As arrays: on JAX a variable would share its memory with one that is assigned to it.
    for mine, its in zip(frozen.variables, dbm.variables, strict=True):
        mine.assign(ops.convert_to_numpy(its))
    kernels = [ops.convert_to_numpy(kernel) for kernel in dbm.kernels]
    for i, units in enumerate(dbm.units, 1):
        kernel = kernels[i - 1]
        if i < len(dbm.units):
            joined = keras.layers.Concatenate(name=f"with_above_{i}", dtype=policy)
            x = joined([x, above[i - 1]])
            kernel = np.concatenate([kernel, kernels[i].T])
        dense = keras.layers.Dense(units, activation, name=f"hidden_{i}", dtype=policy)
        x = dense(x)
        dense.kernel.assign(kernel)
        dense.bias.assign(ops.convert_to_numpy(dbm.biases[i]))
    return keras.Model(inputs, x)
