"""DropConnect: dropout of single weights."""

from typing import Any

import keras
from keras import ops

from ..checks import Fixed, check_flag, keep_from_quantization
from ..noise.inputs import check_dense
from ..units.dropout import Dropout
from .linear import (
    KNOWN,
    check_moments,
    check_per_example,
    check_plain,
    linear,
    linear_each,
    spread_bias,
)
from .moments import average, mixed_by

INFERENCES = ("mean", "moments")


@keras.saving.register_keras_serializable("dropout")
class DropConnect(keras.layers.Layer):
    """Drops single weights of a dense or convolutional layer in training, not its units.

    The wrapped layer keeps its kernel: each training call uses a masked copy, kept weights divided
    by 1 - rate. At inference either the mean kernel is used ("mean": the kernel as it is), or the
    pre-activation is taken as normal, with the mean and the variance that the random masks give
    it, and the activation is averaged over it ("moments"). For recurrent weights see
    `VariationalRNN`.

    Args:
        layer: A keras.layers Dense, EinsumDense, Conv1D, Conv2D, Conv3D, DepthwiseConv1D or
            DepthwiseConv2D.
        rate: Float in [0, 1), the fraction of weights dropped.
        per_example: Boolean; whether every example of a batch has a mask of its own, as
            published, or all share one. Needs memory for one kernel an example.
        drop_bias: Boolean; whether biases are dropped too.
        inference: "mean" or "moments". The moments of a masked layer's output assume independent
            masks, and an elementwise activation.
        seed: Optional integer in [0, 2^32).
        calls_per_mask: Positive integer: so many training calls in a row share one mask.

    Call arguments:
        inputs: The wrapped layer's inputs.
        training: Boolean; whether to drop weights.

    Output shape: the wrapped layer's.

    Raises:
        ValueError: for another layer; an activation that mixes units (such as softmax), or an
            equation that sums over an axis the kernel lacks, with "moments"; groups, or an
            equation without a batch axis of its own, with `per_example`.

    Reference: Wan et al., "Regularization of neural networks using DropConnect", ICML 2013.

    Example:

    >>> layer = DropConnect(keras.layers.Dense(4, "relu"), rate=0.5, inference="moments")
    >>> tuple(layer(keras.ops.ones((2, 3))).shape)
    (2, 4)
    """

    calls_per_mask = Fixed()

    def __init__(
        self,
        layer: keras.layers.Layer,
        rate: float,
        *,
        per_example: bool = False,
        drop_bias: bool = False,
        inference: str = "mean",
        seed: int | None = None,
        calls_per_mask: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(layer, KNOWN):
            names = ", ".join(kind.__name__ for kind in KNOWN)
            raise ValueError(f"`layer` is one of {names}. Received: layer={layer!r}")
        check_plain(layer)
        if per_example:
            check_per_example(layer)
        self.layer = layer
        keep_from_quantization(layer, self)
        # The wrapped layer itself is never called, so its penalty is this layer's to add.
        self.activity_regularizer = layer.activity_regularizer
        self.per_example = check_flag("per_example", per_example)
        self.drop_bias = check_flag("drop_bias", drop_bias)
        self.inference, self.seed, self.calls_per_mask = inference, seed, calls_per_mask
        self.supports_masking = True
        settings = {"seed": seed, "calls_per_mask": calls_per_mask, "dtype": layer.dtype_policy}
        self.dropout = Dropout(rate, name="weights", **settings)
        self.bias_dropout = Dropout(rate, name="bias", **settings) if drop_bias else None

    @property
    def rate(self):
        return self.dropout.rate

    @rate.setter
    def rate(self, rate):
        self.dropout.rate = rate
        if self.bias_dropout is not None:
            self.bias_dropout.rate = rate

    @property
    def inference(self):
        return self._inference

    @inference.setter
    def inference(self, inference):
        if inference not in INFERENCES:
            raise ValueError(f"`inference` is one of {INFERENCES}. Received: {inference!r}")
        name = mixed_by(self.layer.activation)
        if inference == "moments" and name:
            raise ValueError(
                f"'moments' needs an elementwise activation. Received: {name}; leave it to a "
                "layer of its own"
            )
        if inference == "moments":
            check_moments(self.layer)
        self._inference = inference

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        # Here, so that their paths lie within this layer's.
        self.dropout.build(self.layer.kernel.shape)
        if self.bias_dropout is not None:
            self.bias_dropout.build((None,))

    def call(self, inputs, training=None):
        check_dense(inputs)
        if training:
            return self._masked_call(inputs, self.per_example)
        if self.inference == "moments":
            return ops.cast(self._moments(inputs), self.compute_dtype)
        bias = None if self.layer.bias is None else self._cast(self.layer.bias)
        return self._finished(linear(self.layer, inputs, self._cast(self.layer.kernel)), bias)

    def _masked_call(self, inputs, per_example):
        batch = (ops.shape(inputs)[0],) if per_example else ()

        def masked(dropout, weight):
            return dropout(ops.broadcast_to(weight, (*batch, *weight.shape)), training=True)

        kernel = masked(self.dropout, self._cast(self.layer.kernel))
        out = (linear_each if per_example else linear)(self.layer, inputs, kernel)
        if self.layer.bias is None:
            return self._finished(out, None)
        bias = self._cast(self.layer.bias)
        bias = masked(self.bias_dropout, bias) if self.drop_bias else bias
        return self._finished(out, bias, batched=per_example and self.drop_bias)

    def _finished(self, out, bias, batched=False):
        if bias is not None:
            out = out + spread_bias(self.layer, bias, len(out.shape), batched)
        return ops.cast(self._activate(out), self.compute_dtype)

    def _activate(self, x):
        return x if self.layer.activation is None else self.layer.activation(x)

    def _cast(self, weight):
        return ops.cast(weight, self.layer.compute_dtype)

    def _moments(self, inputs):
        # In float32 at least: squares leave the range of float16.
        dtype = keras.backend.result_type(self.layer.compute_dtype, "float32")
        kernel = ops.cast(self.layer.kernel, dtype)
        inputs = ops.cast(inputs, dtype)
        keep = self.dropout.stream.keep(dtype)
        spread = (1 - keep) / keep
        mean = linear(self.layer, inputs, kernel)
        variance = linear(self.layer, ops.square(inputs), ops.square(kernel))
        if self.layer.bias is not None:
            bias = spread_bias(
                self.layer, ops.cast(self.layer.bias, dtype), len(mean.shape), batched=False
            )
            mean = mean + bias
            if self.drop_bias:
                variance = variance + ops.square(bias)
        variance = spread * variance
        certain = variance <= 0
        deviation = ops.sqrt(ops.where(certain, 1, variance))
        return ops.where(
            certain, self._activate(mean), average(self.layer.activation, mean, deviation)
        )

    def compute_mask(self, inputs, previous_mask=None):
        # Other layers may change the number of steps that a mask is of; Keras's own drop it.
        return previous_mask if isinstance(self.layer, keras.layers.Dense) else None

    def compute_output_shape(self, input_shape):
        return self.layer.compute_output_shape(input_shape)

    def get_config(self):
        return {
            **super().get_config(),
            "layer": keras.saving.serialize_keras_object(self.layer),
            "rate": self.rate,
            "per_example": self.per_example,
            "drop_bias": self.drop_bias,
            "inference": self.inference,
            "seed": self.seed,
            "calls_per_mask": self.calls_per_mask,
        }

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})
