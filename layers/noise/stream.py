"""The state behind a layer's masks: seed, layer, call count and keep probability."""

import functools
import random
import re
import sys
import zlib
from types import FrameType

import keras
import numpy as np
from keras import ops
from keras.src.saving.keras_saveable import KerasSaveable
from keras.src.utils.naming import auto_name, to_snake_case

from ..checks import check_count, check_seed
from .masks import STEPS, random_bernoulli


# With its programs, one a shape, which an eager user's sequences may have many of.
@functools.lru_cache(maxsize=1024)
def _compiled(generator, shape):
    import jax

    return jax.jit(lambda *words: generator(*words, shape))


@functools.cache
def _snapshot():
    """An operation that copies, and that PyTorch's compiler does not do again for gradients.

    It would save the state itself, as the smallest thing that masks follow from, and find it
    changed when gradients are computed.
    """
    import torch

    @torch.library.custom_op("dropout_layers::snapshot", mutates_args=())
    def snapshot(state: torch.Tensor) -> torch.Tensor:
        return state.clone()

    snapshot.register_fake(torch.empty_like)
    return snapshot


# Words of layers that were made at the same point of Python's generator: see `layer_word`.
_words_made: dict[tuple[int, int, str], int] = {}


def layer_word(seed, mark, path, made_up):
    """The integer in [0, 2^32) that tells a layer from others of its seed: a digest of its path.

    A path may hold a made-up name, such as dropout_3, whose number counts on while a process
    lives. So that a program run twice in one process draws the same, a layer whose `mark` (what
    Python's generator gave when it was made), seed, and path but for numbers were met before has
    the word of that time: this happens where the generator was seeded again, by
    `keras.utils.set_random_seed`. The layer's own number counts, but for one after `made_up`, the
    name that Keras gives layers of its class.
    """
    parents, _, own = path.rpartition("/")
    own = re.sub(rf"^({made_up})_\d+$", r"\1", own)
    named = f"{re.sub(r'_[0-9]+(?=/|$)', '', parents)}/{own}"
    return _words_made.setdefault((seed, mark, named), zlib.crc32(path.encode()))


def stream_of(layer, seed, rate, calls_per_mask=1):
    """The `MaskStream` of a Keras layer: its path is what tells it from others of its seed.

    Args:
        layer: The layer, before it is first called.
        seed: None or an integer in [0, 2^32).
        rate: Float in [0, 1), the fraction dropped.
        calls_per_mask: Positive integer: so many calls in a row share one mask.
    """
    seed, mark = check_seed(seed), random.getrandbits(64)
    # Not a closure: a deep copy of the layer must have the path of the copy.
    word = functools.partial(_word_of, layer, seed, mark)
    stream = MaskStream(seed, word, 1 - rate, auto_name(f"{layer.name}_masks"))
    stream.calls_per_mask = check_count("calls_per_mask", calls_per_mask)
    return stream


def _word_of(layer, seed, mark):
    path = f"{layer._parent_path}/{layer.name}" if layer._parent_path else layer.name
    return layer_word(seed, mark, path, to_snake_case(type(layer).__name__))


class MaskStream(keras.random.SeedGenerator, KerasSaveable):
    """All that decides the masks of one layer: (seed, layer, call, keep threshold).

    Keras tracks it as a seed generator: it is state of the model but none of its weights, so
    `get_weights`, `set_weights` and weight files work to and from models with other dropout
    layers. Files keep it beside the layer's own weights, where Keras's layers look for none. A
    model that loads a file goes on with its masks, seeds included; `set_weights` leaves them.

    Args:
        seed: Integer in [0, 2^32).
        layer: Integer in [0, 2^32), which tells the layer from others of the same seed; or a
            function that returns it, called once, when the first mask is drawn or saved.
        keep: Float in (0, 1], the probability to keep a unit.
        name: Optional string, the scope of the state's path, which tells a model's streams apart.
            Masks do not depend on it.

    `calls_per_mask` may be assigned: so many calls in a row share one mask.
    """

    state: keras.Variable

    def __init__(self, seed, layer, keep, name=None):
        super().__init__(seed >> 1, name)  # whose own state, replaced here, may hold no more
        self.calls_per_mask = 1
        # The state's second word is the layer's, exclusive-or this: a program may hold the one as
        # a constant, while a file of weights sets the other.
        self._mixing = None if callable(layer) else 0
        self._layer = layer
        # The backend's choice for seeds; but PyTorch's, int32, holds no 32 bits without a sign.
        dtype = "int64" if keras.backend.backend() == "torch" else self.state.dtype
        words = [seed, 0 if callable(layer) else layer, 0, round(keep * STEPS)]
        with keras.name_scope(self.name, caller=self):
            self.state = keras.Variable(
                lambda shape, dtype: ops.convert_to_tensor(words, dtype=dtype),
                shape=(4,),
                dtype=dtype,
                trainable=False,
                name="mask_stream",
            )

    def _obj_type(self):
        return "Operation"  # one of the kinds that Keras's files know

    def _mixed(self):
        if self._mixing is None:
            self._mixing = self._layer()
        return self._mixing

    def save_own_variables(self, store):
        words = ops.convert_to_numpy(self.state).copy()
        words[1] ^= self._mixed()
        store["0"] = words

    def load_own_variables(self, store):
        # Absent in files of models with Keras's own Dropout: those start a new stream.
        if "0" in store:
            self.restore(store["0"][...])

    def restore(self, words):
        """Resumes a saved stream's seed, layer and call; but keeps its own rate."""
        own = ops.convert_to_numpy(self.state).copy()
        own[:3] = words[:3]
        self._mixing = self._mixing or 0
        own[1] ^= self._mixing
        self.state.assign(own)

    def set_keep(self, keep):
        """Changes the keep probability of all later masks, in compiled functions too."""
        give_back_state(self.state)
        words = ops.convert_to_numpy(self.state).copy()
        words[3] = round(keep * STEPS)
        self.state.assign(words)

    def _now(self):
        """The state as it is before this call is counted."""
        if keras.backend.backend() == "torch":
            import torch

            if torch.compiler.is_compiling():
                return _snapshot()(self.state.value)
        return self.state

    def keep(self, dtype="float32"):
        """Scalar: the keep probability that the masks realise, exact in float32 and above."""
        return ops.cast(self._now()[3], dtype) / STEPS

    def words(self):
        """Scalar tensors (seed, layer, call), which name this call's draw."""
        state = self._now()
        seed, layer, call = state[0], state[1], state[2]
        if self._mixed():
            mixing = ops.convert_to_tensor(self._mixing, dtype=self.state.dtype)
            layer = ops.bitwise_xor(layer, mixing)
        if self.calls_per_mask > 1:
            call = call // ops.convert_to_tensor(self.calls_per_mask, dtype=self.state.dtype)
        return seed, layer, call

    def bits(self, generator, shape, *more):
        """What `generator(seed, layer, call, *more, shape)` gives for this call."""
        words = (*self.words(), *more)
        if keras.backend.backend() == "jax":  # whose operations one by one take long to call
            return _compiled(generator, tuple(shape))(*words)
        return generator(*words, shape)

    def kept(self, shape):
        """Boolean tensor of shape `shape`, True where this call keeps a unit."""
        return self.bits(random_bernoulli, shape, self._now()[3])

    def advance(self, calls=1):
        """Counts a call (or, given False, none), so that the next one has masks of its own."""
        dtype = self.state.dtype
        count = np.array([0, 0, 1, 0], dtype)
        if not isinstance(calls, int):
            count = count * ops.cast(calls, dtype)
        self.state.assign(self.state.value + count)


def give_back_state(variable):
    """Makes the model whose `fit` is under way on JAX give its variables their values.

    There they have none, or old ones, between two updates of an epoch, when a callback may set a
    rate. The model is found among the callers, by its `fit`: a layer does not know its model.
    """
    if keras.backend.backend() != "jax":
        return
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        model = frame.f_locals.get("self")
        frame = frame.f_back
        if isinstance(model, keras.Model) and hasattr(model, "jax_state_sync"):
            model.jax_state_sync()
