"""SliceDropout: dropout that saves time, since what it drops is not computed."""

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..checks import Fixed, check_rate, keep_from_quantization
from ..noise.inputs import check_dense, precise_dtype
from ..noise.masks import random_32_bits
from ..noise.stream import stream_of
from .linear import check_plain
from .moments import mixed_by

# A slice starts at a multiple of this at most, where it divides the units and the slice; and of
# less in a layer that would have fewer places to start from than these.
LARGEST_BLOCK, FEWEST_STARTS = 16, 32


@keras.saving.register_keras_serializable("dropout")
class SliceDropout(keras.layers.Layer):
    """A chain of dense layers whose hidden units are dropped a slice at a time, and not computed.

    Each training call keeps round((1 - rate) * units) neighbouring units of every hidden layer, the
    same for the whole batch, from a random place on (past the last unit it goes on at the first).
    A layer of up to 32 units has a place at each of them, a larger one 32 or more: there some
    neighbours, 16 at most, are always kept and dropped together.
    The matrix products use those rows and columns of the kernels only, so they shrink: at rate 0.5
    a product between two hidden layers to a quarter. Every unit is kept equally often, and kept
    ones are multiplied by units / kept, so the expectation of each unit is exact. Inference is
    the plain chain.

    When not to use it: where accuracy matters more than time. All examples of a batch share a mask,
    and neighbours are kept together, so it regularises less evenly than `Dropout`; the package's
    README.md has what that costs on MNIST. And in small networks, or where XLA does not compile
    the update: there the products are not what takes the time.

    Args:
        layers: List or tuple of two or more keras.layers `Dense`, all but the last hidden.
        rate: Float in [0, 1), the fraction of each hidden layer dropped. It is fixed: the sizes of
            the products follow from it.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of shape (..., features).
        training: Boolean; whether to drop.

    Output shape: that of the last layer.

    Raises:
        ValueError: for fewer layers, other layers, or a hidden activation that mixes units.

    Reference: Notin, Gomez, Yoo and Gal, "SliceOut: training transformers and CNNs faster while
    using less memory", 2020. There slices start at some places only; here at 32 or more, and
    they go round.

    Example:

    >>> hidden = [keras.layers.Dense(8, "relu"), keras.layers.Dense(6, "relu")]
    >>> block = SliceDropout([*hidden, keras.layers.Dense(2)], rate=0.5, seed=1)
    >>> tuple(block(keras.ops.ones((4, 3)), training=True).shape)
    (4, 2)
    """

    rate = Fixed()

    def __init__(
        self,
        layers: Sequence[keras.layers.Dense],
        rate: float,
        *,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        dense = isinstance(layers, (list, tuple)) and all(
            type(layer) is keras.layers.Dense for layer in layers
        )
        if not dense or len(layers) < 2:
            raise ValueError(
                f"`layers` is a list of two or more keras.layers.Dense. Received: layers={layers!r}"
            )
        self.layers, self.rate, self.seed = list(layers), check_rate(rate), seed
        for layer in self.layers:
            check_plain(layer)
            _check_hidden(layer, last=layer is self.layers[-1])
            keep_from_quantization(layer, self)
        self.stream = stream_of(self, seed, self.rate)
        self.supports_masking = True

    def build(self, input_shape):
        for layer in self.layers:
            if not layer.built:
                layer.build(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def call(self, inputs, training=None):
        check_dense(inputs)
        if not training or self.rate == 0:
            for layer in self.layers:
                inputs = layer(inputs)
            return inputs
        words = self.stream.bits(random_32_bits, (len(self.layers) - 1,))
        self.stream.advance()
        before = None
        for place, layer in enumerate(self.layers):
            kernel, bias = layer.kernel, layer.bias
            if before is not None:
                kernel = before.of(kernel, 0)
            after = None
            if layer is not self.layers[-1]:
                after = _Slice(words[place], layer.units, round((1 - self.rate) * layer.units))
                kernel = after.of(kernel, 1)
                bias = None if bias is None else after.of(bias, 0)
            dtype = layer.compute_dtype
            inputs = ops.matmul(ops.cast(inputs, dtype), ops.cast(kernel, dtype))
            if bias is not None:
                inputs = inputs + ops.cast(bias, dtype)
            inputs = inputs if layer.activation is None else layer.activation(inputs)
            if after is not None:
                precise = precise_dtype(inputs)
                inputs = ops.cast(ops.cast(inputs, precise) * after.factor, inputs.dtype)
            before = after
        return inputs

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.layers[-1].units)

    def get_config(self):
        return {
            **super().get_config(),
            "layers": [keras.saving.serialize_keras_object(layer) for layer in self.layers],
            "rate": self.rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        layers = [keras.saving.deserialize_keras_object(layer) for layer in config["layers"]]
        return cls(**{**config, "layers": layers})


class _Slice:
    """`size` neighbours among `units`, from a random one on, past the last going on at the first.

    They start at a multiple of a small block where blocks fit, so that copies move whole blocks.
    """

    def __init__(self, word, units, size):
        self.size = max(1, size)
        self.factor = units / self.size
        most = min(LARGEST_BLOCK, max(1, units // FEWEST_STARTS))
        # The largest power of two that it allows and that divides both.
        self.block = math.gcd(1 << (most.bit_length() - 1), math.gcd(units, self.size))
        total, kept = units // self.block, self.size // self.block
        first = ops.cast(word % ops.cast(total, word.dtype), "int32")
        self.kept = (first + ops.arange(kept, dtype="int32")) % total
        # For every block its place among the kept ones; for a dropped one the place after them.
        self.places = ops.minimum((ops.arange(total, dtype="int32") - first) % total, kept)

    def of(self, weight, axis):
        """The rows (axis 0) or columns (1) of a weight that are kept."""

        # The gradient of a gather is a scatter, in place of which this is another gather.
        @ops.custom_gradient
        def gather(blocks):
            def gradient(*arguments, upstream=None):
                upstream = arguments[-1] if upstream is None else upstream
                none = ops.zeros_like(ops.take(upstream, ops.arange(1), axis=axis))
                padded = ops.concatenate([upstream, none], axis=axis)
                return ops.take(padded, self.places, axis=axis)

            return ops.take(blocks, self.kept, axis=axis), gradient

        shape = weight.shape
        split = (*shape[:axis], -1, self.block, *shape[axis + 1 :])
        joined = (*shape[:axis], self.size, *shape[axis + 1 :])
        return ops.reshape(gather(ops.reshape(weight, split)), joined)


def _check_hidden(layer, last):
    name = mixed_by(layer.activation)
    if name and not last:
        raise ValueError(
            f"hidden layers need an elementwise activation. Received: {name} in {layer.name!r}"
        )
    if layer.activity_regularizer is not None:
        raise ValueError(
            f"the layers have no activity regularizer. Received: one in {layer.name!r}"
        )
