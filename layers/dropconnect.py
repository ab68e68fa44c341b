"""DropConnect: dropout of single weights."""

import math

import keras
from keras import ops

from layers.dropout import Dropout, check_flag
from layers.moments import MIXING, average

INFERENCES = ("mean", "moments")


@keras.saving.register_keras_serializable("dropout")
class DropConnect(keras.layers.Layer):
    """Drops single weights of a Dense or Conv layer in training, instead of its inputs or outputs.

    The wrapped layer keeps its kernel: each training call uses a masked copy, kept weights divided
    by 1 - rate. At inference either the mean kernel is used ("mean": the kernel as it is), or the
    pre-activation is taken as normal, with the mean and the variance that the random masks give
    it, and the activation is averaged over it ("moments").

    Args:
        layer: A keras.layers Dense, Conv1D, Conv2D or Conv3D.
        rate: Float in [0, 1), the fraction of weights dropped.
        per_example: Boolean; whether every example of a batch has a mask of its own, as
            published, or all share one. Needs memory for one kernel an example.
        drop_bias: Boolean; whether biases are dropped too.
        inference: "mean" or "moments". The moments of a masked layer's output assume independent
            masks, and an elementwise activation.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: The wrapped layer's inputs.
        training: Boolean; whether to drop weights.

    Output shape: the wrapped layer's.

    Raises:
        ValueError: for another layer, an activation that mixes units (such as softmax) with
            "moments", groups with `per_example`.

    Reference: Wan et al., "Regularization of neural networks using DropConnect", ICML 2013.

    Example:

    >>> layer = DropConnect(keras.layers.Dense(4, "relu"), rate=0.5, inference="moments")
    >>> tuple(layer(keras.ops.ones((2, 3))).shape)
    (2, 4)
    """

    def __init__(
        self,
        layer,
        rate,
        *,
        per_example=False,
        drop_bias=False,
        inference="mean",
        seed=None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        known = (keras.layers.Dense, keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
        if not isinstance(layer, known):
            raise ValueError(f"`layer` is a Dense or Conv1D/2D/3D layer. Received: layer={layer!r}")
        if per_example and getattr(layer, "groups", 1) != 1:
            raise ValueError(
                f"`per_example` masks are for layers with groups=1. Received: {layer.groups}"
            )
        self.layer = layer
        # Keras would quantize the wrapped layer, whose kernel this layer reads as it is.
        layer.quantize = _refuse_quantization
        # The wrapped layer itself is never called, so its penalty is this layer's to add.
        self.activity_regularizer = layer.activity_regularizer
        self.per_example = check_flag("per_example", per_example)
        self.drop_bias = check_flag("drop_bias", drop_bias)
        self.inference, self.seed = inference, seed
        self.supports_masking = True
        self.dropout = Dropout(rate, seed=seed, name="weights", dtype=layer.dtype_policy)

    @property
    def rate(self):
        return self.dropout.rate

    @rate.setter
    def rate(self, rate):
        self.dropout.rate = rate

    @property
    def inference(self):
        return self._inference

    @inference.setter
    def inference(self, inference):
        if inference not in INFERENCES:
            raise ValueError(f"`inference` is one of {INFERENCES}. Received: {inference!r}")
        activation = self.layer.activation
        mixing = activation in MIXING or isinstance(activation, keras.layers.Softmax)
        if inference == "moments" and mixing:
            name = getattr(activation, "__name__", None) or activation.name
            raise ValueError(
                f"'moments' needs an elementwise activation. Received: {name}; leave it to a "
                "layer of its own"
            )
        self._inference = inference

    def build(self, input_shape):
        if not self.layer.built:
            self.layer.build(input_shape)
        self.dropout.build(self.layer.kernel.shape)

    def call(self, inputs, training=None):
        if training:
            out = self._activate(self._masked_output(inputs))
        elif self.inference == "moments":
            out = self._moments(inputs)
        else:
            out = self._linear(inputs, self._cast(self.layer.kernel))
            if self.layer.use_bias:
                out = out + self._as_channels(self._cast(self.layer.bias), len(out.shape), False)
            out = self._activate(out)
        return ops.cast(out, self.compute_dtype)

    def _activate(self, x):
        return x if self.layer.activation is None else self.layer.activation(x)

    def _masked_output(self, inputs):
        batch = (ops.shape(inputs)[0],) if self.per_example else ()
        kernel = self._masked(self._cast(self.layer.kernel), batch)
        out = (
            self._linear_each(inputs, kernel) if self.per_example else self._linear(inputs, kernel)
        )
        if not self.layer.use_bias:
            return out
        bias = self._cast(self.layer.bias)
        bias = self._masked(bias, batch) if self.drop_bias else bias
        return out + self._as_channels(bias, len(out.shape), bool(batch and self.drop_bias))

    def _masked(self, weight, batch):
        return self.dropout(ops.broadcast_to(weight, (*batch, *weight.shape)), training=True)

    def _cast(self, weight):
        return ops.cast(weight, self.layer.compute_dtype)

    def _linear(self, inputs, kernel):
        inputs = ops.cast(inputs, kernel.dtype)
        if isinstance(self.layer, keras.layers.Dense):
            return ops.matmul(inputs, kernel)
        causal = self.layer.padding == "causal"
        return ops.conv(
            ops.pad(inputs, self.layer._compute_causal_padding()) if causal else inputs,
            kernel,
            strides=list(self.layer.strides),
            padding="valid" if causal else self.layer.padding,
            dilation_rate=self.layer.dilation_rate,
            data_format=self.layer.data_format,
        )

    def _linear_each(self, inputs, kernels):
        """The linear map of each example with its own kernel, of shape (batch, *kernel)."""
        if isinstance(self.layer, keras.layers.Dense):
            return ops.einsum("b...i,bio->b...o", ops.cast(inputs, kernels.dtype), kernels)
        # A convolution is a matrix product of patches; the patches are one themselves.
        size = math.prod(self.layer.kernel.shape[:-1])
        unit = ops.reshape(
            ops.eye(size, dtype=kernels.dtype), (*self.layer.kernel.shape[:-1], size)
        )
        patches = self._linear(inputs, unit)
        flat = ops.reshape(kernels, (-1, size, self.layer.filters))
        if self.layer.data_format == "channels_first":
            return ops.einsum("bi...,bio->bo...", patches, flat)
        return ops.einsum("b...i,bio->b...o", patches, flat)

    def _as_channels(self, bias, rank, batched):
        first = getattr(self.layer, "data_format", "channels_last") == "channels_first"
        lead = (-1,) if batched else (1,)
        ones = (1,) * (rank - 2)
        units = (bias.shape[-1],)
        return ops.reshape(bias, (*lead, *units, *ones) if first else (*lead, *ones, *units))

    def _moments(self, inputs):
        # In float32 at least: squares leave the range of float16.
        dtype = keras.backend.result_type(self.layer.compute_dtype, "float32")
        kernel = ops.cast(self.layer.kernel, dtype)
        inputs = ops.cast(inputs, dtype)
        keep = self.dropout.stream.keep(dtype)
        spread = (1 - keep) / keep
        mean = self._linear(inputs, kernel)
        variance = self._linear(ops.square(inputs), ops.square(kernel))
        if self.layer.use_bias:
            bias = self._as_channels(ops.cast(self.layer.bias, dtype), len(mean.shape), False)
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
        # A convolution may change the number of steps that a mask is of; Keras's own drop it.
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
        }

    @classmethod
    def from_config(cls, config):
        layer = keras.saving.deserialize_keras_object(config["layer"])
        return cls(**{**config, "layer": layer})


def _refuse_quantization(*args, **kwargs):
    # By this exception Keras's `quantize` knows what to leave as it is, with a warning.
    raise NotImplementedError("DropConnect drops weights in floating point: it is not quantized")
