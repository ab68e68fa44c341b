"""A restricted Boltzmann machine, as a model from images to the logits of their reconstruction."""

import keras

from layers import RBM
from reproduce.spec import Rbm, Run, derived_seed

# Hinton, "A practical guide to training restricted Boltzmann machines" (2010), section 8.
INITIAL_DEVIATION = 0.01


@keras.saving.register_keras_serializable("reproduce")
class Reconstruction(keras.layers.Layer):
    """The logits of the visible units of an RBM, given the probabilities of its hidden units."""

    def __init__(self, rbm: RBM, **kwargs):
        super().__init__(**kwargs)
        self.rbm = rbm

    def call(self, hidden):
        return self.rbm.reconstruction_logits(hidden)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.rbm.kernel.shape[0])

    def get_config(self):
        return {**super().get_config(), "rbm": keras.saving.serialize_keras_object(self.rbm)}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("rbm")), **config)


def build(run: Run, shape: tuple[int, ...]) -> keras.Model:
    """The machine of `run`, with weights, masks and samples drawn from its seed."""
    net = run.net
    assert isinstance(net, Rbm)
    inputs = keras.Input(shape, name="pixels")
    drawn = keras.initializers.RandomNormal(
        stddev=INITIAL_DEVIATION, seed=derived_seed(run.seed, "weights", 0)
    )
    rbm = RBM(
        net.hidden[0],
        1 - run.keeps[0],
        steps=net.steps,
        kernel_initializer=drawn,
        kernel_regularizer=keras.regularizers.L2(run.l2) if run.l2 else None,
        seed=derived_seed(run.seed, "masks"),
        name="hidden_1",
    )
    hidden = rbm(keras.layers.Flatten(name="flat")(inputs))
    return keras.Model(inputs, Reconstruction(rbm, name="reconstruction")(hidden), name="rbm")
