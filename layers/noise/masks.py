"""Counter-based random bits: a pure function of (seed, layer, call, unit) on every backend.

Philox-4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC 2011). TensorFlow and JAX have it as one operation of their own, with and without XLA; elsewhere
it is written out in 64-bit integers. All give the same bits, eagerly and compiled.

Word 4 b + i is the i-th one of block b: the key is (seed, layer), the counter (b, call, seed,
layer), its lowest word first. A word serves two units with 16 bits each, its low half first: keep
probabilities are multiples of 1/65536, and the scale uses the probability so realised.
"""

import functools
import math

import keras
import numpy as np
from keras import ops

STEPS = 1 << 16
ROUNDS = 10
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
_LOW_WORD = 0xFFFFFFFF


def random_32_bits(seed, layer, call, shape):
    """Tensor of shape `shape`: uniform integers in [0, 2^32), one a unit.

    Args:
        seed, layer, call: Integers in [0, 2^32), or scalar tensors of them, that name the draw.
        shape: Tuple of the units' dimensions, integers or scalar tensors.

    Returns:
        uint32, or int64 on PyTorch, which has no arithmetic for it.
    """
    return ops.reshape(_words(seed, layer, call, _size(shape)), shape)


def random_bernoulli(seed, layer, call, threshold, shape):
    """Boolean tensor of shape `shape`: whether each unit's 16 random bits are below `threshold`.

    Args:
        seed, layer, call, shape: Those of `random_32_bits`.
        threshold: Integer scalar in [1, 65536]: the probability of True, times 65536.
    """
    units = _size(shape)
    if _is_plain_torch(seed, layer, call, threshold):
        import torch

        words = _numpy_words(seed.item(), layer.item(), call.item(), (units + 1) // 2)
        halves = words.astype("<u4").view("<u2")[:units]
        return torch.from_numpy(halves <= threshold.item() - 1).reshape(shape)
    halves = _halves(_words(seed, layer, call, (units + 1) // 2))
    halves = ops.reshape(ops.reshape(halves, (-1,))[:units], shape)
    # 65536 itself has no place in 16 bits.
    return halves <= ops.cast(threshold - 1, halves.dtype)


def random_uniform(seed, layer, call, shape):
    """Float32 tensor of shape `shape`, uniform in (0, 1) in steps of 2^-23, never 0 or 1.

    Args: those of `random_32_bits`.
    """
    words = random_32_bits(seed, layer, call, shape)
    return (ops.cast(words // 512, "float32") + 0.5) * 2.0**-23


def random_normal(seed, layer, call, shape):
    """Float32 tensor of shape `shape`, standard normal, by the Box-Muller transform.

    Args: those of `random_32_bits`.
    """
    units = _size(shape)
    blocks = (units + 1) // 2
    uniform = random_uniform(seed, layer, call, (2, blocks))
    radius = ops.sqrt(-2.0 * ops.log(uniform[0]))
    angle = 2 * math.pi * uniform[1]
    pair = ops.stack([radius * ops.cos(angle), radius * ops.sin(angle)])
    return ops.reshape(ops.reshape(pair, (2 * blocks,))[:units], shape)


def _size(shape):
    """The number of units; where even the rank is unknown, `shape` is a tensor."""
    return math.prod(shape) if isinstance(shape, (tuple, list)) else ops.prod(shape)


def _words(seed, layer, call, count):
    """The first `count` words of a draw, by the backend's own Philox where it has one."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        return _tensorflow_words(seed, layer, call, count)
    if backend == "jax":
        return _jax_words(seed, layer, call, count)
    if backend == "torch":
        return _torch_words(seed, layer, call, count)
    return _numpy_words(seed, layer, call, count).astype(np.uint32)


def _numpy_words(seed, layer, call, count):
    blocks = np.arange((count + 3) // 4, dtype=np.uint64)
    seed, layer, call = (int(word) for word in (seed, layer, call))  # quicker than NumPy's scalars
    words = philox(seed, layer, call, blocks)
    return np.stack(words, axis=1).reshape(-1)[:count]


def philox(seed, layer, call, blocks, upper=lambda product: product >> 32):
    """The four words of each block, of arrays of 64-bit integers: the definition, written out.

    `upper` shifts a product right by a word, for arrays that have no operator for it.
    """
    key = [seed, layer]
    counter = [blocks, blocks * 0 + call, blocks * 0 + seed, blocks * 0 + layer]
    for _ in range(ROUNDS):
        products = [counter[2 * i] * _MULTIPLIERS[i] for i in (0, 1)]
        high = [upper(product) & _LOW_WORD for product in products]
        low = [product & _LOW_WORD for product in products]
        counter = [high[1] ^ counter[1] ^ key[0], low[1], high[0] ^ counter[3] ^ key[1], low[0]]
        key = [(word + step) & _LOW_WORD for word, step in zip(key, _KEY_STEPS, strict=True)]
    return counter


def _tensorflow_words(seed, layer, call, count):
    import tensorflow as tf
    from tensorflow.python.ops.control_flow_util import GraphOrParentsInXlaContext

    seed, layer, call = (tf.cast(word, tf.uint32) for word in (seed, layer, call))
    # Two words each, the low one first.
    counter = tf.bitcast(tf.stack([[tf.zeros_like(call), call], [seed, layer]]), tf.uint64)

    def draw(size, dtype):
        philox = tf.random.Algorithm.PHILOX.value
        return tf.raw_ops.StatelessRandomUniformFullIntV2(
            shape=tf.reshape(size, (1,)), key=counter[1:], counter=counter, alg=philox, dtype=dtype
        )

    # TensorFlow tells its own code only whether XLA compiles what is traced.
    is_for_xla = GraphOrParentsInXlaContext(tf.compat.v1.get_default_graph())
    if not is_for_xla or tf.config.list_physical_devices("GPU"):
        return draw(count, tf.uint32)
    # On a CPU, XLA computes a block again for each of its words; drawn in pairs that are parted
    # here, they take a third of the time. TensorFlow's own code is slower so.
    pairs = draw((count + 1) // 2, tf.uint64)
    upper = tf.bitwise.right_shift(pairs, tf.constant(32, tf.uint64))
    parted = tf.stack([tf.cast(pairs, tf.uint32), tf.cast(upper, tf.uint32)], axis=1)
    return tf.reshape(parted, (-1,))[:count]


def _torch_words(seed, layer, call, count):
    import torch

    if _is_plain_torch(seed, layer, call):
        drawn = _numpy_words(seed.item(), layer.item(), call.item(), count)
        return torch.from_numpy(drawn.view(np.int64))
    seed, layer, call = (ops.cast(word, "int64") for word in (seed, layer, call))
    device = keras.src.backend.torch.core.get_device()
    blocks = torch.arange((count + 3) // 4, dtype=torch.int64, device=device)
    return torch.stack(philox(seed, layer, call, blocks), dim=1).reshape(-1)[:count]


def _is_plain_torch(*words):
    """Whether all are tensors of PyTorch on the CPU, outside compilation, a trace and `torch.func`.

    Then NumPy draws, with the same bits: PyTorch takes several microseconds an operation, however
    small, and Keras's call of it tens.
    """
    if keras.backend.backend() != "torch":
        return False
    import torch

    device = keras.src.backend.torch.core.get_device()
    if device != "cpu" or torch.compiler.is_compiling():
        return False
    is_wrapped = torch._C._functorch.is_functorch_wrapped_tensor
    return all(
        type(word) is torch.Tensor and word.device.type == "cpu" and not is_wrapped(word)
        for word in words
    )


def _jax_words(seed, layer, call, count):
    import jax

    # The upper half of the counter is the key, by XLA's own definition.
    state = jax.numpy.stack([jax.numpy.uint32(word) for word in (seed, layer, 0, call)])
    return _jax_generator(count)(state)


@functools.lru_cache(maxsize=1024)
def _jax_generator(count):
    """The first `count` words of a state. Under `jax.vmap` JAX itself would give all members the
    words that follow from the first one's state."""
    import jax

    @jax.custom_batching.custom_vmap
    def words(state):
        philox = jax.lax.RandomAlgorithm.RNG_PHILOX
        return jax.lax.rng_bit_generator(state, (count,), jax.numpy.uint32, philox)[1]

    @words.def_vmap
    def of_each(size, is_batched, states):
        return jax.lax.map(words, states), True

    return words


def _halves(words):
    """The two 16-bit halves of each word, of shape (words, 2), the low one first."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.bitcast(words, tf.uint16)
    if backend == "jax":
        import jax

        return jax.lax.bitcast_convert_type(words, jax.numpy.uint16)
    if backend == "torch":
        return ops.stack([words & (STEPS - 1), words >> 16], axis=1)
    return words.view(np.uint16).reshape(-1, 2)
