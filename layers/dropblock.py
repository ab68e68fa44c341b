"""DropBlock: dropout of blocks of a feature map."""

import numbers

import keras
from keras import ops

from layers.dropout import Dropout
from layers.masks import random_uniform
from layers.structured import check_data_format

# Halvings of the interval in which the calibrated DropBlock looks for its seed probability.
BISECTIONS = 24


@keras.saving.register_keras_serializable("dropout")
class DropBlock2D(Dropout):
    """Drops square or rectangular blocks of each feature map.

    Every cell of the map is the centre of a dropped block with the same small probability; blocks
    are cut off at the map's edge. A block larger than the map is clamped to it. Kept units are
    divided by their own probability to be kept, which is larger near the edge, so that the
    expectation of every unit is preserved (the publication divides by the mask's mean instead).

    The published seed probability counts overlapping blocks twice, so it drops less than `rate`:
    asked for 0.1 about 0.095, for 0.25 about 0.22, for 0.5 about 0.39. With `calibrated=True` the
    probability is the one whose expected fraction dropped is `rate`; `realised_rate` tells either.

    Args:
        rate: Float in [0, 1), the fraction of units to drop, in the publication's sense unless
            `calibrated`.
        block_size: Positive integer, or a pair (height, width), in cells.
        calibrated: Boolean; whether to drop a fraction `rate` in expectation.
        shared_channels: Boolean; whether all channels of an example lose the same blocks.
        data_format: "channels_last" or "channels_first"; None for Keras's configured one.
        seed: Optional integer.

    Call arguments:
        inputs: Tensor of shape (batch, height, width, channels), or (batch, channels, height,
            width); any of the sizes may be unknown.
        training: Boolean; whether to drop blocks.

    Output shape: the input's.

    Reference: Ghiasi, Lin and Le, "DropBlock: A regularization method for convolutional networks",
    NeurIPS 2018.

    Example:

    >>> layer = DropBlock2D(0.25, block_size=5, calibrated=True)
    >>> round(float(layer.realised_rate(32, 8)), 3)
    0.25
    """

    def __init__(
        self,
        rate,
        *,
        block_size,
        calibrated=False,
        shared_channels=False,
        data_format=None,
        seed=None,
        **kwargs,
    ):
        super().__init__(rate, seed=seed, **kwargs)
        self.block_size = _check_block_size(block_size)
        self.calibrated = bool(calibrated)
        self.shared_channels = bool(shared_channels)
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def realised_rate(self, height, width):
        """Float32 scalar: the expected fraction of units dropped on a map of this size."""
        counts = self._covering_seeds(height, width)
        return 1 - ops.mean(self._keep_probability(counts))

    def call(self, inputs, training=None):
        if not training:
            return inputs
        shape = ops.shape(inputs)
        first = self.data_format == "channels_first"
        rows, columns = (2, 3) if first else (1, 2)
        channels = 1 if self.shared_channels else shape[1 if first else 3]
        size = (shape[0], channels) if first else (shape[0], shape[rows], shape[columns], channels)
        size = (*size, shape[rows], shape[columns]) if first else size
        counts = self._covering_seeds(shape[rows], shape[columns])
        uniform = self.stream.draw_with(random_uniform, size)
        hits = ops.cast(uniform < self._seed_probability(counts), "float32")
        for axis, block in zip((rows, columns), self.block_size, strict=True):
            hits = _window_sum(hits, block, axis)
        keep = self._keep_probability(counts)[None]
        keep = keep[:, None] if first else keep[..., None]
        precise = keras.backend.result_type(inputs.dtype, "float32")
        scaled = ops.cast(ops.cast(inputs, precise) / ops.cast(keep, precise), inputs.dtype)
        # Sums of zeros and ones, exact in float32: half a hit cannot be.
        return ops.where(hits < 0.5, scaled, ops.zeros_like(scaled))

    def _covering_seeds(self, height, width):
        """Float32 of shape (height, width): how many cells' blocks cover each cell."""
        rows = _window_sum(ops.ones((height,)), self.block_size[0], 0)
        columns = _window_sum(ops.ones((width,)), self.block_size[1], 0)
        return rows[:, None] * columns[None, :]

    def _seed_probability(self, counts):
        rate = 1 - self.stream.keep()
        if not self.calibrated:
            # Expected number of units dropped, blocks that overlap counted twice, over all units.
            return rate / ops.mean(counts)
        low, high = ops.zeros_like(rate), ops.ones_like(rate)
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            dropped = 1 - ops.mean((1 - middle) ** counts)
            low, high = (
                ops.where(dropped < rate, middle, low),
                ops.where(dropped < rate, high, middle),
            )
        return low

    def _keep_probability(self, counts):
        return (1 - self._seed_probability(counts)) ** counts

    def get_config(self):
        config = super().get_config()
        del config["noise_shape"]
        return {
            **config,
            "block_size": self.block_size,
            "calibrated": self.calibrated,
            "shared_channels": self.shared_channels,
            "data_format": self.data_format,
        }


def _check_block_size(block_size):
    pair = block_size if isinstance(block_size, (tuple, list)) else (block_size, block_size)
    integers = all(isinstance(n, numbers.Integral) and not isinstance(n, bool) for n in pair)
    if len(pair) != 2 or not integers or min(pair) < 1:
        raise ValueError(
            "`block_size` is a positive integer, or a pair (height, width) of them. "
            f"Received: block_size={block_size!r}"
        )
    return tuple(int(n) for n in pair)


def _window_sum(x, block, axis):
    """Sums of x over windows of `block` cells along an axis, cut off at its ends.

    By differences of running sums, which unlike pooling takes unknown sizes, blocks of any size
    (clamped to the axis) and either data format.
    """
    length = ops.shape(x)[axis]
    block = ops.minimum(block, length)
    index = ops.arange(length, dtype="int32")
    last = ops.minimum(index + block // 2, length - 1)
    before = index - (block - 1) // 2 - 1
    sums = ops.cumsum(x, axis=axis)
    shape = [1] * len(x.shape)
    shape[axis] = -1
    inside = ops.reshape(ops.cast(before >= 0, x.dtype), shape)
    return ops.take(sums, last, axis=axis) - inside * ops.take(
        sums, ops.maximum(before, 0), axis=axis
    )
