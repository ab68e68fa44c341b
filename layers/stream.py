"""The state behind a layer's masks: seed, layer, call count and keep probability."""

import functools
import numbers
import random
import zlib

import keras
from keras import ops
from keras.src.saving.keras_saveable import KerasSaveable

from layers.masks import STEPS, random_bernoulli


@functools.cache
def _compiled(generator, shape):
    import jax

    return jax.jit(lambda *words: generator(*words, shape))


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


# Words of layers that were made at the same point of Python's generator: see `layer_word`.
_words_made: dict[tuple[int, int], int] = {}


def layer_word(seed, mark, path):
    """The integer in [0, 2^32) that tells a layer from others of its seed: a digest of its path.

    A path may hold a made-up name, such as dropout_3, whose number counts on while a process
    lives. So that a program run twice in one process draws the same, a layer whose `mark` (what
    Python's generator gave when it was made) and seed were met before has the word of that time:
    this happens where the generator was seeded again, by `keras.utils.set_random_seed`.
    """
    return _words_made.setdefault((seed, mark), zlib.crc32(path.encode()))


class MaskStream(keras.random.SeedGenerator, KerasSaveable):
    """All that decides the masks of one layer: (seed, layer, call, keep threshold).

    Keras tracks it as a seed generator: it is state of the model but none of its weights, so
    `get_weights`, `set_weights` and weight files work to and from models with other dropout
    layers. Files keep it beside the layer's own weights, where Keras's layers look for none.

    Args:
        seed: Integer in [0, 2^32).
        layer: Integer in [0, 2^32), which tells the layer from others of the same seed.
        keep: Float in (0, 1], the probability to keep a unit.
    """

    state: keras.Variable

    def __init__(self, seed, layer, keep):
        super().__init__(seed >> 1)  # whose own state, replaced here, may hold no more
        # The backend's choice for seeds; but PyTorch's, int32, holds no 32 bits without a sign.
        dtype = "int64" if keras.backend.backend() == "torch" else self.state.dtype
        words = [seed, layer, 0, round(keep * STEPS)]
        self.state = keras.Variable(
            lambda shape, dtype: ops.convert_to_tensor(words, dtype=dtype),
            shape=(4,),
            dtype=dtype,
            trainable=False,
            name="mask_stream",
        )

    def _obj_type(self):
        return "Operation"  # one of the kinds that Keras's files know

    def save_own_variables(self, store):
        store["0"] = ops.convert_to_numpy(self.state)

    def load_own_variables(self, store):
        # Absent in files of models with Keras's own Dropout: those start a new stream.
        if "0" in store:
            self.restore(store["0"][...])

    def restore(self, words):
        """Resumes a saved stream's seed, layer and call; but keeps its own rate."""
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

    def bits(self, generator, shape, *more):
        """What `generator(seed, layer, call, *more, shape)` gives for this call."""
        words = (self.state[0], self.state[1], self.state[2], *more)
        if keras.backend.backend() == "jax":  # whose operations one by one take long to call
            return _compiled(generator, tuple(shape))(*words)
        return generator(*words, shape)

    def kept(self, shape):
        """Boolean tensor of shape `shape`, True where this call keeps a unit."""
        return self.bits(random_bernoulli, shape, self.state[3])

    def advance(self, calls=1):
        """Counts a call (or, given False, none), so that the next one has masks of its own."""
        dtype = self.state.dtype
        count = ops.cast([0, 0, 1, 0], dtype)
        if not isinstance(calls, int):
            count = count * ops.cast(calls, dtype)
        self.state.assign(self.state + count)
