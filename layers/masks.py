"""Counter-based Bernoulli masks: the bits are a pure function of (seed, layer, call, unit).

Threefry-2x32-20 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011) in integer `keras.ops` gives the same bits eagerly, in a graph and under XLA, where the
backends' own generators differ. One block holds 64 bits and serves four units with 16 bits each:
keep probabilities are multiples of 1/65536, and the scale uses the probability so realised.
"""

import math
import numbers
import random
import zlib

import keras
from keras import ops

STEPS = 1 << 16
_ROTATIONS = ((13, 15, 26, 6), (17, 29, 16, 24))
_PARITY = 0x1BD11BDA


def _uint32(value):
    return ops.cast(value, "uint32")


def threefry(key, counter):
    """Threefry-2x32-20: encrypts a counter with a key.

    Args:
        key: Pair of uint32 tensors that broadcast against the counter.
        counter: Pair of uint32 tensors of one shape.

    Returns:
        Pair of uint32 tensors of the counter's shape: 64 random bits an element.
    """
    keys = (*key, ops.bitwise_xor(ops.bitwise_xor(*key), _uint32(_PARITY)))
    low, high = counter[0] + keys[0], counter[1] + keys[1]
    for group in range(5):
        for bits in _ROTATIONS[group % 2]:
            low = low + high
            rotated = ops.bitwise_or(
                ops.left_shift(high, _uint32(bits)), ops.right_shift(high, _uint32(32 - bits))
            )
            high = ops.bitwise_xor(rotated, low)
        low = low + keys[(group + 1) % 3]
        high = high + keys[(group + 2) % 3] + _uint32(group + 1)
    return low, high


def _block_words(seed, layer, call, blocks):
    """Two uint32 tensors of shape (blocks,): the generator's output for counters (call, 0), ..."""
    # int32, then a cast: an arange of dtype uint32 fails under XLA on TensorFlow.
    index = _uint32(ops.arange(blocks, dtype="int32"))
    key = (_uint32(seed), _uint32(layer))
    return threefry(key, (ops.zeros_like(index) + _uint32(call), index))


def random_bernoulli(seed, layer, call, threshold, shape):
    """Boolean tensor of shape `shape`: whether each unit's 16 random bits are below `threshold`.

    Unit i of the flattened shape, of n units in b = ceil(n / 4) blocks, has the low half of the
    first word of block i % b if i // b is 0, then the high half, and those of the second word.

    Args:
        seed, layer, call: Integer scalars that name the draw.
        threshold: Integer scalar in [0, 65536]: the probability of True, times 65536.
        shape: Tuple of the units' dimensions, integers or scalar tensors.
    """
    units = math.prod(shape)
    blocks = (units + 3) // 4
    first, second = _block_words(seed, layer, call, blocks)
    low, threshold = _uint32(STEPS - 1), _uint32(threshold)
    lanes = (
        ops.bitwise_and(first, low),
        ops.right_shift(first, _uint32(16)),
        ops.bitwise_and(second, low),
        ops.right_shift(second, _uint32(16)),
    )
    packed = sum(ops.where(bits < threshold, _uint32(1 << i), 0) for i, bits in enumerate(lanes))
    spread = ops.bitwise_and(_computed_once(packed)[None], _uint32([[1], [2], [4], [8]]))
    return ops.reshape(ops.reshape(spread, (4 * blocks,))[:units], shape) > 0


def _computed_once(small):
    """`small`, uint32 below 2048, unchanged, but computed once where XLA compiles.

    XLA takes integer operations for cheap, and would run the whole generator anew for each unit of
    a block and again for the gradient. A square root it takes for dear, and keeps: that of
    (small + 1)^2 is exact.
    """
    value = ops.cast(small, "float32")
    return _uint32(ops.round(ops.sqrt(value * (value + 2) + 1)) - 1)


def random_32_bits(seed, layer, call, shape):
    """uint32 tensor of shape `shape`, uniform integers in [0, 2^32), one a unit.

    Args: those of `random_bernoulli`.
    """
    units = math.prod(shape)
    blocks = (units + 1) // 2
    words = ops.concatenate(_block_words(seed, layer, call, blocks))
    return ops.reshape(words[:units], shape)


def random_normal(seed, layer, call, shape):
    """Float32 tensor of shape `shape`, standard normal, by the Box-Muller transform.

    Args: those of `random_bernoulli`.
    """
    units = math.prod(shape)
    blocks = (units + 1) // 2
    # In (0, 1) in steps of 2^-23, never 0 or 1: the logarithm is finite.
    top = ops.right_shift(random_32_bits(seed, layer, call, (2, blocks)), _uint32(9))
    uniform = (ops.cast(top, "float32") + 0.5) * 2.0**-23
    radius = ops.sqrt(-2.0 * ops.log(uniform[0]))
    angle = 2 * math.pi * uniform[1]
    pair = ops.stack([radius * ops.cos(angle), radius * ops.sin(angle)])
    return ops.reshape(ops.reshape(pair, (2 * blocks,))[:units], shape)


def compiled_in_graphs(function, like):
    """function(shape of `like`), compiled by XLA where TensorFlow builds a graph that may not be.

    There each of the generator's hundred integer operations would be a kernel of its own.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        if not tf.executing_eagerly():
            compiled = tf.function(
                lambda *unknown: function(ops.shape(unknown[0]) if unknown else tuple(like.shape)),
                jit_compile=True,
                autograph=False,
            )
            # A known shape is a constant, so that masks need not wait for what they are drawn for.
            return compiled() if like.shape.is_fully_defined() else compiled(like)
    return function(ops.shape(like))


def check_seed(seed):
    """Returns `seed` as an integer in [0, 2^32), or raises a ValueError.

    None becomes a number from Python's generator, which `keras.utils.set_random_seed` fixes.
    """
    if seed is None:
        return random.randrange(1 << 31)
    integer = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if not integer or not 0 <= int(seed) < 1 << 32:
        raise ValueError(f"`seed` is None or an integer in [0, 2^32). Received: seed={seed!r}")
    return int(seed)


class MaskStream(keras.random.SeedGenerator):
    """All that decides the masks of one layer: (seed, layer, call, keep threshold).

    Keras tracks it as a seed generator: it is state of the model but none of its weights, so
    `get_weights` and `set_weights` work to and from models with other dropout layers.

    Args:
        seed: Integer in [0, 2^32).
        path: String, the layer's path in its model, which tells it from others of the same seed.
        keep: Float in (0, 1], the probability to keep a unit.
    """

    state: keras.Variable

    def __init__(self, seed, path, keep):
        super().__init__(seed)
        dtype = self.state.dtype  # the backend's choice for seeds
        words = [seed, zlib.crc32(path.encode()), 0, round(keep * STEPS)]
        self.state = keras.Variable(
            lambda shape, dtype: ops.convert_to_tensor(words, dtype=dtype),
            shape=(4,),
            dtype=dtype,
            trainable=False,
            name="mask_stream",
        )

    def restore(self, words):
        """Takes up a saved stream's seed, layer and call; but keeps its own rate."""
        own = ops.convert_to_numpy(self.state).copy()
        own[:3] = words[:3]
        self.state.assign(own)

    def set_keep(self, keep):
        """Changes the keep probability of all later masks, in compiled functions too."""
        words = ops.convert_to_numpy(self.state).copy()
        words[3] = round(keep * STEPS)
        self.state.assign(words)

    def keep(self, dtype="float32"):
        """Scalar: the keep probability that the masks realise, exact in float32 and above."""
        return ops.cast(self.state[3], dtype) / STEPS

    def draw(self, shape):
        """Boolean tensor of shape `shape`, True where a unit is kept; advances the call count."""
        threshold = self.state[3]

        def kept(seed, layer, call, shape):
            return random_bernoulli(seed, layer, call, threshold, shape)

        return self.draw_with(kept, shape)

    def draw_with(self, generator, shape):
        """What `generator(seed, layer, call, shape)` gives for this call; advances the count."""
        drawn = generator(self.state[0], self.state[1], self.state[2], shape)
        self.state.assign(self.state + ops.cast([0, 0, 1, 0], self.state.dtype))
        return drawn
