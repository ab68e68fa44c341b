"""Maxout units: the maximum of several linear pieces."""

from typing import Any

import keras
from keras import ops

from .checks import check_count, check_flag
from .noise.inputs import check_dense


def largest(linear, pieces):
    """The largest of every `pieces` neighbours along the last axis."""
    shape = (*ops.shape(linear)[:-1], linear.shape[-1] // pieces, pieces)
    return ops.max(ops.reshape(linear, shape), axis=-1)


@keras.saving.register_keras_serializable("dropout")
class Maxout(keras.layers.Layer):
    """Dense layer whose every unit is the largest of `pieces` linear functions of the inputs.

    Args:
        units: Positive integer, the number of outputs.
        pieces: Positive integer, the number of linear functions of each unit.
        use_bias: Boolean.
        kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
            kernel_constraint, bias_constraint: As for Keras's Dense. The kernel has shape (inputs,
            units * pieces), so that `MaxNorm` bounds each piece's incoming weights.

    Call arguments:
        inputs: Tensor of shape (..., inputs).

    Output shape: (..., units).

    Reference: Goodfellow et al., "Maxout networks", ICML 2013; Srivastava et al., JMLR 15 (2014),
    Table 2.

    Example:

    >>> tuple(Maxout(4, pieces=5)(keras.ops.ones((2, 3))).shape)
    (2, 4)
    """

    def __init__(
        self,
        units: int,
        *,
        pieces: int,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units, self.pieces = check_count("units", units), check_count("pieces", pieces)
        self.use_bias = check_flag("use_bias", use_bias)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.bias_initializer = keras.initializers.get(bias_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.bias_regularizer = keras.regularizers.get(bias_regularizer)
        self.kernel_constraint = keras.constraints.get(kernel_constraint)
        self.bias_constraint = keras.constraints.get(bias_constraint)
        self.supports_masking = True

    def build(self, input_shape):
        outputs = self.units * self.pieces
        self.kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], outputs),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(outputs,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def call(self, inputs):
        check_dense(inputs)
        linear = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            linear = linear + self.bias
        return largest(linear, self.pieces)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "pieces": self.pieces,
            "use_bias": self.use_bias,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "bias_initializer": keras.initializers.serialize(self.bias_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": keras.regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": keras.constraints.serialize(self.kernel_constraint),
            "bias_constraint": keras.constraints.serialize(self.bias_constraint),
        }


@keras.saving.register_keras_serializable("dropout")
class MaxPieces(keras.layers.Layer):
    """The largest of every `pieces` neighbouring channels: after a linear convolution with `pieces`
    times the filters it makes maxout units.

    Args:
        pieces: Positive integer that divides the number of channels.

    Call arguments:
        inputs: Tensor of shape (..., channels).

    Output shape: (..., channels / pieces).

    Raises:
        ValueError: for channels that `pieces` does not divide, or an unknown number of them.

    Reference: Goodfellow et al., "Maxout networks", ICML 2013.

    Example:

    >>> tuple(MaxPieces(2)(keras.ops.ones((1, 8, 8, 6))).shape)
    (1, 8, 8, 3)
    """

    def __init__(self, pieces: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pieces = check_count("pieces", pieces)
        self.supports_masking = True

    def build(self, input_shape):
        if input_shape[-1] is None or input_shape[-1] % self.pieces:
            raise ValueError(
                f"the channels are a known multiple of {self.pieces} pieces. Received: "
                f"{input_shape[-1]} channels"
            )

    def call(self, inputs):
        check_dense(inputs)
        return largest(inputs, self.pieces)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], input_shape[-1] // self.pieces)

    def get_config(self):
        return {**super().get_config(), "pieces": self.pieces}
