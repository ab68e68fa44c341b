"""DropBlock: dropout of blocks of a feature map."""

import numbers
from typing import Any

import keras
from keras import ops

from ..checks import check_flag
from ..noise.masks import STEPS, random_32_bits
from .structured import GroupDropout, check_data_format

# The calibrated seed probability lies between the published one and 12 times that: for a map that
# one block covers the factor is log(rate kept) / rate, at most 11.1 at the masks' resolution.
LARGEST_FACTOR = 12
# Halvings of that interval: to 12 / 2^14 of the published probability. Not more: comparisons in
# floating point between finer steps could fall differently eagerly and compiled.
BISECTIONS = 14


@keras.saving.register_keras_serializable("dropout")
class DropBlock2D(GroupDropout):
    """Drops square or rectangular blocks of each feature map.

    Every cell of the map is the centre of a dropped block with the same small probability; blocks
    are cut off at the map's edge. A block larger than the map is clamped to it. Kept units are
    divided by their own probability to be kept, which is larger near the edge, so that the
    expectation of every unit is preserved (the publication divides by the mask's mean instead).

    The published seed probability counts overlapping blocks twice, so it drops less than `rate`:
    asked for 0.1 about 0.095, for 0.25 about 0.22, for 0.5 about 0.39. With `calibrated=True` the
    probability is the one whose expected fraction dropped is `rate`, to 0.15 % of it (the rate as
    the masks realise it, a multiple of 1/65536); `realised_rate` tells either.

    Args:
        rate: Float in [0, 1), the fraction of units to drop, in the publication's sense unless
            `calibrated`.
        block_size: Positive integer, or a pair (height, width), in cells.
        calibrated: Boolean; whether to drop a fraction `rate` in expectation.
        shared_channels: Boolean; whether all channels of an example lose the same blocks.
        data_format: "channels_last" or "channels_first"; None for Keras's configured one.
        seed: Optional integer in [0, 2^32).

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
        rate: float,
        *,
        block_size: int | tuple[int, int],
        calibrated: bool = False,
        shared_channels: bool = False,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.block_size = _check_block_size(block_size)
        self.calibrated = check_flag("calibrated", calibrated)
        self.shared_channels = check_flag("shared_channels", shared_channels)
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def realised_rate(self, height, width):
        """Float32 scalar: the expected fraction of units dropped on a map of this size."""
        rows, columns = self._covering(height, width)
        dropping = ops.convert_to_tensor(STEPS - round((1 - self.rate) * STEPS), "int32")
        return _dropped(self._threshold(dropping, rows, columns), rows, columns)

    def _drawn(self, inputs, precise):
        kept, keep = self._draw(ops.shape(inputs))
        scaled = ops.cast(ops.cast(inputs, precise) / ops.cast(keep, precise), inputs.dtype)
        return ops.where(kept, scaled, ops.zeros_like(scaled))

    def _draw(self, shape):
        """Which units are kept, and each one's probability to be, broadcasting against them."""
        first = self.data_format == "channels_first"
        axes = (2, 3) if first else (1, 2)
        channels = 1 if self.shared_channels else shape[1 if first else 3]
        height, width = shape[axes[0]], shape[axes[1]]
        size = (channels, height, width) if first else (height, width, channels)
        rows, columns = self._covering(height, width)
        dropping = STEPS - ops.cast(self.stream.state[3], "int32")
        threshold = self._threshold(dropping, rows, columns)
        hits = ops.cast(self.stream.bits(random_32_bits, (shape[0], *size)) < threshold, "float32")
        for axis, block in zip(axes, self.block_size, strict=True):
            hits = _window_sum(hits, block, axis)
        keep = ops.exp(_log_keep(threshold, rows, columns))[None]
        # Sums of zeros and ones, exact in float32: half a hit cannot be.
        return hits < 0.5, keep[:, None] if first else keep[..., None]

    def _covering(self, height, width):
        """Two int32 vectors: how many rows, and how many columns, can drop each row and column."""
        sizes = zip((height, width), self.block_size, strict=True)
        windows = [_window(size, block) for size, block in sizes]
        return [last - before for before, last in windows]

    def _threshold(self, dropping, rows, columns):
        """uint32: a cell is a seed if its 32 random bits are below; `dropping` of 65536 units drop.

        In integers, where a floating-point probability would differ between eager and compiled.
        """
        # rate * height / sum(rows) * width / sum(columns): the expected number of units dropped,
        # blocks that overlap counted twice, is the rate's share of the map.
        low = ops.left_shift(ops.cast(dropping, "uint32"), ops.cast(16, "uint32"))
        for covering in (rows, columns):
            low = _times_size_over_sum(low, covering)
        if not self.calibrated:
            return low
        rate = ops.cast(dropping, "float32") / STEPS
        top = ops.cast(0xFFFFFFFF, "uint32")
        factor = ops.cast(LARGEST_FACTOR, "uint32")
        high = ops.where(low < top // factor, low * factor, top)
        for _ in range(BISECTIONS):
            middle = low + ops.right_shift(high - low, ops.cast(1, "uint32"))
            below = _dropped(middle, rows, columns) < rate
            low, high = ops.where(below, middle, low), ops.where(below, high, middle)
        return low

    def get_config(self):
        return {
            **super().get_config(),
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


def _times_size_over_sum(x, covering):
    """x * len(covering) / sum(covering), rounded down, in uint32 without overflow."""
    size = ops.cast(ops.shape(covering)[0], "uint32")
    total = ops.cast(ops.sum(covering), "uint32")
    return x // total * size + x % total * size // total


def _log_keep(threshold, rows, columns):
    """Float32 of shape (height, width): the logarithm of each unit's probability to be kept."""
    seed_probability = ops.cast(threshold, "float32") * 2.0**-32
    seeds = ops.cast(rows[:, None] * columns[None, :], "float32")
    return seeds * ops.log1p(-seed_probability)


def _dropped(threshold, rows, columns):
    """Float32 scalar: the expected fraction of units dropped."""
    return ops.mean(-ops.expm1(_log_keep(threshold, rows, columns)))


def _window(length, block):
    """For each cell of an axis: the last cell, and the one before the first, of its window."""
    block = ops.minimum(block, length)
    index = ops.arange(length, dtype="int32")
    before = ops.maximum(index - (block - 1) // 2 - 1, -1)
    return before, ops.minimum(index + block // 2, length - 1)


def _window_sum(x, block, axis):
    """Sums of x over windows of `block` cells along an axis, cut off at its ends.

    By differences of running sums, which unlike pooling takes unknown sizes, blocks of any size
    (clamped to the axis) and either data format.
    """
    before, last = _window(ops.shape(x)[axis], block)
    sums = ops.cumsum(x, axis=axis)
    shape = [1] * len(x.shape)
    shape[axis] = -1
    inside = ops.reshape(ops.cast(before >= 0, x.dtype), shape)
    return ops.take(sums, last, axis=axis) - inside * ops.take(
        sums, ops.maximum(before, 0), axis=axis
    )
