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


def _words(seed, layer, call, blocks):
    """uint32 of shape (2, blocks): the generator's output for counters (call, 0), (call, 1), ..."""
    # int32, then a cast: an arange of dtype uint32 fails under XLA on TensorFlow.
    index = _uint32(ops.arange(blocks, dtype="int32"))
    key = (_uint32(seed), _uint32(layer))
    return ops.stack(threefry(key, (ops.zeros_like(index) + _uint32(call), index)))


def random_16_bits(seed, layer, call, shape):
    """Uniform integers in [0, 65536), one a unit.

    Args:
        seed, layer, call: Integer scalars that name the draw.
        shape: Tuple of the units' dimensions, integers or scalar tensors.

    Returns:
        uint32 tensor of shape `shape`.
    """
    units = math.prod(shape)
    blocks = (units + 3) // 4
    words = ops.reshape(_words(seed, layer, call, blocks), (2, 1, blocks))
    # Halves by broadcasting, not by concatenation: XLA fuses this into the use of the mask.
    halves = ops.right_shift(words, _uint32([[[0], [16]]]))
    flat = ops.reshape(ops.bitwise_and(halves, _uint32(STEPS - 1)), (4 * blocks,))
    return ops.reshape(flat[:units], shape)


def random_32_bits(seed, layer, call, shape):
    """uint32 tensor of shape `shape`, uniform integers in [0, 2^32), one a unit.

    Args: those of `random_16_bits`.
    """
    units = math.prod(shape)
    blocks = (units + 1) // 2
    words = ops.reshape(_words(seed, layer, call, blocks), (2 * blocks,))
    return ops.reshape(words[:units], shape)


def random_normal(seed, layer, call, shape):
    """Float32 tensor of shape `shape`, standard normal, by the Box-Muller transform.

    Args: those of `random_16_bits`.
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
        threshold = _uint32(self.state[3])
        return self.draw_with(random_16_bits, shape) < threshold

    def draw_with(self, generator, shape):
        """What `generator(seed, layer, call, shape)` gives for this call; advances the count."""
        drawn = generator(self.state[0], self.state[1], self.state[2], shape)
        self.state.assign(self.state + ops.cast([0, 0, 1, 0], self.state.dtype))
        return drawn
