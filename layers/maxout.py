"""Maxout units: the maximum of several linear pieces."""

import numbers

import keras
from keras import ops


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
        units,
        *,
        pieces,
        use_bias=True,
        kernel_initializer="glorot_uniform",
        bias_initializer="zeros",
        kernel_regularizer=None,
        bias_regularizer=None,
        kernel_constraint=None,
        bias_constraint=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        for name, value in (("units", units), ("pieces", pieces)):
            integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
            if not integer or value < 1:
                raise ValueError(f"`{name}` is a positive integer. Received: {name}={value!r}")
        self.units, self.pieces, self.use_bias = int(units), int(pieces), use_bias
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
        linear = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            linear = linear + self.bias
        shape = (*ops.shape(linear)[:-1], self.units, self.pieces)
        return ops.max(ops.reshape(linear, shape), axis=-1)

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
