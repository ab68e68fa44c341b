"""Random shifts and reflections, inside the compiled update and the same on every machine."""

from zlib import crc32

import keras
from keras import ops

from layers.checks import check_seed
from layers.noise.masks import random_32_bits
from layers.noise.stream import MaskStream


@keras.saving.register_keras_serializable("reproduce")
class RandomShift(keras.layers.Layer):
    """Shifts each image by whole pixels along both axes; pixels shifted in are 0: black
    on MNIST, about the mean image where images are whitened.

    Args:
        pixels: Positive integer, the largest shift along each axis; all are equally likely.
        seed: Integer in [0, 2^32).

    Call arguments:
        inputs: Tensor of shape (batch, height, width) or (batch, height, width, channels).
        training: Boolean; whether to shift. At inference the layer is the identity.
    """

    def __init__(self, pixels, *, seed, **kwargs):
        super().__init__(**kwargs)
        self.pixels, self.seed = pixels, check_seed(seed)

    def build(self, input_shape):
        self.stream = MaskStream(self.seed, crc32(self.path.encode()), 1.0)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        _, height, width, *channels = inputs.shape
        around = [(0, 0), (self.pixels,) * 2, (self.pixels,) * 2, *[(0, 0)] * len(channels)]
        padded = ops.pad(inputs, around)
        drawn = self.stream.bits(random_32_bits, (ops.shape(inputs)[0], 2))
        self.stream.advance()
        starts = ops.cast(ops.mod(drawn, ops.cast(2 * self.pixels + 1, "uint32")), "int32")
        trailing = (1,) * (1 + len(channels))
        rows = ops.arange(height)[None] + starts[:, :1]
        columns = ops.arange(width)[None] + starts[:, 1:]
        shifted = ops.take_along_axis(padded, ops.reshape(rows, (-1, height, *trailing)), axis=1)
        columns = ops.reshape(columns, (-1, 1, width, *trailing[1:]))
        return ops.take_along_axis(shifted, columns, axis=2)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "pixels": self.pixels, "seed": self.seed}


@keras.saving.register_keras_serializable("reproduce")
class RandomFlip(keras.layers.Layer):
    """Mirrors each image left to right with probability 1/2.

    Args:
        seed: Integer in [0, 2^32).

    Call arguments:
        inputs: Tensor of shape (batch, height, width) or (batch, height, width, channels).
        training: Boolean; whether to mirror. At inference the layer is the identity.
    """

    def __init__(self, *, seed, **kwargs):
        super().__init__(**kwargs)
        self.seed = check_seed(seed)

    def build(self, input_shape):
        self.stream = MaskStream(self.seed, crc32(self.path.encode()), 1.0)

    def call(self, inputs, training=None):
        if not training:
            return inputs
        ones = (1,) * (len(inputs.shape) - 1)
        drawn = self.stream.bits(random_32_bits, (ops.shape(inputs)[0], *ones))
        self.stream.advance()
        is_flipped = ops.equal(ops.mod(drawn, ops.cast(2, "uint32")), 0)
        return ops.where(is_flipped, ops.flip(inputs, axis=2), inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "seed": self.seed}
