"""ConcreteDropout: dropout whose rate is learned by gradient descent."""

import math
from typing import Any

import keras
from keras import ops

from ..checks import check_rate, is_real, keep_from_quantization
from ..noise.inputs import check_dense, shape_of
from ..noise.masks import random_uniform
from ..noise.stream import give_back_state
from .structured import GroupDropout

KNOWN = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)


@keras.saving.register_keras_serializable("dropout")
class ConcreteDropout(keras.layers.Layer):
    """Drops inputs of the wrapped layer at a rate that is learned with the weights.

    Masks are a smooth approximation of zeros and ones, so that the loss has a gradient with
    respect to the rate. Two penalties are added to the loss, in training and inference: with K the
    wrapped layer's kernel, p the rate and d the number of inputs (of channels, for a convolution),

        weight_regularizer * sum(K^2) / (1 - p)
            + dropout_regularizer * d * (p log p + (1 - p) log(1 - p)).

    The second rewards rates near 1/2, and more so the smaller the data set is: it should be
    proportional to 1 / (number of training examples). Inference is the wrapped layer itself. The
    mean of a unit is preserved to 1.7 % at the default temperature, since a smooth mask's mean is
    not exactly 1 - p; at higher temperatures to less (at 0.5, 28 % more for p = 0.9).

    Args:
        layer: A keras.layers Dense, Conv1D, Conv2D or Conv3D. The inputs of a convolution lose
            whole feature maps.
        rate: Float in (0, 1), the fraction dropped at the start.
        weight_regularizer: Float, the strength of the weights' penalty: in a Gaussian process's
            terms length_scale^2 / (precision * examples).
        dropout_regularizer: Float, the strength of the rate's penalty: 2 / (precision * examples)
            for a regression, 1 / examples for a classification.
        temperature: Positive float; the smaller, the nearer masks are to zeros and ones.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: The wrapped layer's inputs.
        training: Boolean; whether to drop.

    Output shape: the wrapped layer's. `layer.rate` reads the rate as learned so far.

    Raises:
        ValueError: for another layer, or a rate of 0 or out of range.

    Reference: Gal, Hron and Kendall, "Concrete dropout", NeurIPS 2017, section 3.

    Example:

    >>> layer = ConcreteDropout(keras.layers.Dense(4), rate=0.1)
    >>> tuple(layer(keras.ops.ones((2, 3)), training=True).shape)
    (2, 4)
    """

    def __init__(
        self,
        layer: keras.layers.Layer,
        rate: float = 0.1,
        *,
        weight_regularizer: float = 1e-6,
        dropout_regularizer: float = 1e-5,
        temperature: float = 0.1,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, KNOWN):
            names = ", ".join(kind.__name__ for kind in KNOWN)
            raise ValueError(f"`layer` is one of {names}. Received: layer={layer!r}")
        if getattr(layer, "quantization_mode", None) is not None:
            raise ValueError(
                "`layer` is not quantized: its penalty is of weights that are trained. "
                f"Received: {layer.name}, quantized to {layer.quantization_mode}"
            )
        # Its penalty reads the kernel.
        keep_from_quantization(layer, self)
        for name, value in (
            ("weight_regularizer", weight_regularizer),
            ("dropout_regularizer", dropout_regularizer),
        ):
            if not is_real(value) or not value >= 0:
                raise ValueError(f"`{name}` is a number from 0 up. Received: {name}={value!r}")
        self.layer, self.seed = layer, seed
        self.weight_regularizer = weight_regularizer
        self.dropout_regularizer = dropout_regularizer
        axis = 1 if getattr(layer, "data_format", None) == "channels_first" else -1
        self.noise = ConcreteNoise(
            rate,
            axis=None if isinstance(layer, keras.layers.Dense) else axis,
            temperature=temperature,
            seed=seed,
            name="noise",
            dtype=self.dtype_policy,
        )
        self.channels_axis = axis
        self.supports_masking = layer.supports_masking

    @property
    def rate(self):
        return self.noise.rate

    @rate.setter
    def rate(self, rate):
        self.noise.rate = rate

    def build(self, input_shape):
        if input_shape[self.channels_axis] is None:  # the penalty depends on it
            raise ValueError(
                "the number of input features is known. Received: inputs of shape "
                f"{tuple(input_shape)}"
            )
        if not self.layer.built:
            self.layer.build(input_shape)
        self.noise.build(input_shape)

    def call(self, inputs, training=None):
        check_dense(inputs)
        self.add_loss(self._penalty(inputs.shape[self.channels_axis]))
        return self.layer(self.noise(inputs, training=training))

    def _penalty(self, size):
        logit = ops.cast(self.noise.logit, "float32")
        rate, keep = ops.sigmoid(logit), ops.sigmoid(-logit)
        weights = ops.sum(ops.square(ops.cast(self.layer.kernel, "float32"))) / keep
        negative_entropy = rate * ops.log_sigmoid(logit) + keep * ops.log_sigmoid(-logit)
        return (
            self.weight_regularizer * weights + self.dropout_regularizer * size * negative_entropy
        )

    def compute_mask(self, inputs, previous_mask=None):
        return previous_mask if isinstance(self.layer, keras.layers.Dense) else None

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "rate": self.noise.first_rate,
            "weight_regularizer": self.weight_regularizer,
            "dropout_regularizer": self.dropout_regularizer,
            "temperature": self.noise.temperature,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


class ConcreteNoise(GroupDropout):
    """Multiplies by smooth masks; its rate is the sigmoid of a trainable weight."""

    def __init__(self, rate, *, axis, temperature, seed, **kwargs):
        super().__init__(rate, seed=seed, **kwargs)
        if rate == 0 or not is_real(temperature) or not temperature > 0:
            raise ValueError(
                "`rate` is in (0, 1), where it can be learned, and `temperature` above 0. "
                f"Received: rate={rate!r}, temperature={temperature!r}"
            )
        self.axis, self.temperature, self.first_rate = axis, temperature, rate

    def build(self, input_shape):
        self.logit = self.add_weight(
            name="logit",
            shape=(),
            initializer=keras.initializers.Constant(_logit(self.first_rate)),
            dtype="float32",
            autocast=False,
        )

    @property
    def rate(self):
        if not self.built:
            return self.first_rate
        give_back_state(self.logit)
        return float(ops.sigmoid(self.logit))

    @rate.setter
    def rate(self, rate):
        if check_rate(rate) == 0:
            raise ValueError(f"`rate` is in (0, 1), where it can be learned. Received: rate={rate}")
        if self.built:
            give_back_state(self.logit)
            self.logit.assign(_logit(rate))
        self.first_rate = rate

    def _mask_shape(self, shape):
        if self.axis is None:
            return shape
        ones = (1,) * (len(shape) - 2)
        return (shape[0], shape[1], *ones) if self.axis == 1 else (shape[0], *ones, shape[-1])

    def _drawn(self, inputs, precise):
        uniform = self.stream.bits(random_uniform, self._mask_shape(shape_of(inputs)))
        noise = ops.log(uniform) - ops.log1p(-uniform)
        # 1 - sigmoid(x) is sigmoid(-x): what is kept.
        kept = ops.sigmoid(-(self.logit + noise) / self.temperature)
        factor = ops.cast(kept / ops.sigmoid(-self.logit), precise)
        return ops.cast(ops.cast(inputs, precise) * factor, inputs.dtype)

    def save_own_variables(self, store):
        store["0"] = self.logit

    def load_own_variables(self, store):
        self.logit.assign(store["0"])


def _logit(rate):
    return math.log(rate) - math.log1p(-rate)
