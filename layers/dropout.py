"""Dropout of single units: Bernoulli noise in the two conventions, and Gaussian noise."""

import math
import numbers
import random

import keras
from keras import ops

from layers.inputs import check_dense, is_traced, precise_dtype, shape_of
from layers.masks import STEPS, random_normal
from layers.stream import MaskStream, check_seed, layer_word


def check_rate(rate):
    """Returns `rate` as a float, or raises a ValueError: the fraction dropped, in [0, 1)."""
    valid = isinstance(rate, numbers.Real) and not isinstance(rate, bool)
    if not valid or not 0 <= rate < 1 or math.isnan(rate):
        raise ValueError(
            "`rate` is the fraction of units dropped, a number in [0, 1); the dropout paper's p is "
            f"the probability to keep a unit, so rate = 1 - p. Received: rate={rate!r}"
        )
    if round((1 - rate) * STEPS) == 0 or (rate > 0 and round((1 - rate) * STEPS) == STEPS):
        raise ValueError(
            f"`rate` is 0, or between 1 and {STEPS - 1} parts in {STEPS}, the masks' resolution. "
            f"Received: rate={rate!r}"
        )
    return float(rate)


def check_flag(name, value):
    """Returns `value`, or raises a ValueError: a boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")
    return value


@keras.saving.register_keras_serializable("dropout")
class Dropout(keras.layers.Layer):
    """Drops units in training and scales the kept ones by 1 / (1 - rate); identity at inference.

    The inverted form of the paper's dropout: the expectation of each unit is preserved in
    training, so that inference needs no scaling. Masks are counter-based (`layers.masks`): the
    same seed, path of the layer in its model, and call count give the same mask on any backend, in
    any execution mode, and the state is saved with the model.

    Args:
        rate: Float in [0, 1), the fraction of units dropped: 1 - p for the paper's p. Assigning
            `layer.rate` later takes effect at once, in compiled functions too.
        noise_shape: Optional tuple as long as the inputs' shape, of None (the inputs' own size)
            and positive integers: units along an axis with 1 share one mask value.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of any shape.
        training: Boolean; whether to drop units.

    Output shape: the input's.

    Raises:
        ValueError: for a rate, noise shape or seed out of range, or inputs of integers.

    Reference: Srivastava et al., JMLR 15 (2014), section 4; section 10 for the inverted form.

    Example:

    >>> layer = Dropout(0.5, seed=1)
    >>> tuple(layer(keras.ops.ones((2, 3)), training=True).shape)
    (2, 3)
    """

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        self._rate = check_rate(rate)
        self.noise_shape = _check_noise_shape(noise_shape)
        self.seed = seed
        self._drawn_seed, self._mark = check_seed(seed), random.getrandbits(64)
        self.supports_masking = True

    def build(self, input_shape):
        # Not earlier: layers of one seed differ by their path, and that is known when built.
        layer = layer_word(self._drawn_seed, self._mark, self.path)
        self.stream = MaskStream(self._drawn_seed, layer, 1 - self._rate)

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, rate):
        checked = check_rate(rate)
        if self.built:
            self.stream.set_keep(1 - checked)
        self._rate = checked

    def call(self, inputs, training=None):
        return self._dropped(inputs) if training else inputs

    def _dropped(self, inputs):
        """What training makes of the inputs. A rate of 0 draws nothing, and counts no call."""
        check_dense(inputs)
        precise = precise_dtype(inputs)
        if not self.built:  # called by `call` itself
            self.build(inputs.shape)
        if self._rate > 0:
            outputs, drops = self._drawn(inputs, precise), 1
        elif is_traced(inputs):  # a rate that is set later takes effect in what is compiled now
            drops = self.stream.state[3] < STEPS
            outputs = ops.cond(drops, lambda: self._drawn(inputs, precise), lambda: inputs)
        else:
            return inputs
        self.stream.advance(drops)
        return outputs

    def _drawn(self, inputs, precise):
        """The inputs under the masks of this call; a subclass overrides this, or `_mask_shape`."""
        scaled = ops.cast(ops.cast(inputs, precise) / self.stream.keep(precise), inputs.dtype)
        return self._masked(scaled)

    def _masked(self, scaled):
        kept = self.stream.kept(self._mask_shape(shape_of(scaled)))
        return ops.where(kept, scaled, ops.zeros_like(scaled))

    def _mask_shape(self, shape):
        if self.noise_shape is None:
            return shape
        if len(self.noise_shape) != len(shape):
            raise ValueError(
                f"`noise_shape` needs one entry an axis of the inputs, which have {len(shape)}. "
                f"Received: noise_shape={self.noise_shape}"
            )
        return tuple(
            full if n is None else n for n, full in zip(self.noise_shape, shape, strict=True)
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def load_own_variables(self, store):
        # Files of version 0.1.0 have the stream here.
        if self.built and "mask_stream" in store:
            self.stream.restore(store["mask_stream"][...])

    def get_config(self):
        own = {"rate": self._rate, "noise_shape": self.noise_shape, "seed": self.seed}
        return {**super().get_config(), **own}


def _check_noise_shape(noise_shape):
    if noise_shape is None:
        return None
    entries = noise_shape if isinstance(noise_shape, (tuple, list)) else (0,)
    for n in entries:
        integer = isinstance(n, numbers.Integral) and not isinstance(n, bool)
        if n is not None and not (integer and n > 0):
            raise ValueError(
                "`noise_shape` is None, or a tuple of None and positive integers. "
                f"Received: noise_shape={noise_shape!r}"
            )
    return tuple(entries)


@keras.saving.register_keras_serializable("dropout")
class WeightScaledDropout(Dropout):
    """The paper's own form: drops units in training, and scales all by 1 - rate at inference.

    Args, call arguments and output shape: those of `Dropout`. A network in this form equals one
    with `Dropout` whose weights, learning rates and norm bounds follow `paper_to_inverted`.

    Reference: Srivastava et al., JMLR 15 (2014), section 2 and Figure 2.

    Example:

    >>> layer = WeightScaledDropout(0.25)
    >>> float(layer(keras.ops.ones((1, 1)), training=False)[0, 0])
    0.75
    """

    def call(self, inputs, training=None):
        if training:
            return self._dropped(inputs)
        precise = precise_dtype(inputs)
        return ops.cast(ops.cast(inputs, precise) * self.stream.keep(precise), inputs.dtype)

    def _drawn(self, inputs, precise):
        return self._masked(inputs)


@keras.saving.register_keras_serializable("dropout")
class GaussianDropout(Dropout):
    """Multiplies units by normal noise of mean 1 and variance rate / (1 - rate) in training.

    The noise has the mean and variance of inverted Bernoulli dropout at the same rate; inference
    is the identity.

    Args: those of `Dropout`; units along an axis with 1 in `noise_shape` share the noise.

    Call arguments and output shape: those of `Dropout`.

    Reference: Srivastava et al., JMLR 15 (2014), section 10 and Table 10: standard deviation
    sqrt((1 - p) / p) for the paper's p.

    Example:

    >>> layer = GaussianDropout(0.5, seed=1)
    >>> tuple(layer(keras.ops.ones((2, 3)), training=True).shape)
    (2, 3)
    """

    def __init__(self, rate, seed=None, *, noise_shape=None, **kwargs):
        super().__init__(rate, noise_shape, seed, **kwargs)

    def _drawn(self, inputs, precise):
        keep = self.stream.keep()
        noise = self.stream.bits(random_normal, self._mask_shape(shape_of(inputs)))
        factor = ops.cast(1 + ops.sqrt((1 - keep) / keep) * noise, precise)
        return ops.cast(ops.cast(inputs, precise) * factor, inputs.dtype)
