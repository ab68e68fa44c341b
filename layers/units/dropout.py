"""Dropout of single units: Bernoulli noise in the two conventions, and Gaussian noise."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..checks import Fixed, check_noise_shape, check_rate
from ..noise.inputs import check_dense, is_traced, precise_dtype, shape_of
from ..noise.masks import STEPS, random_normal
from ..noise.stream import stream_of


@keras.saving.register_keras_serializable("dropout")
class Dropout(keras.layers.Layer):
    """Drops units in training and scales the kept ones by 1 / (1 - rate); identity at inference.

    The inverted form of the paper's dropout: the expectation of each unit is preserved in
    training, so that inference needs no scaling. Masks are counter-based: the same seed, path of
    the layer in its model, and call count give the same mask on any backend, in any execution
    mode, and the state is saved with the model, and with its weights: a model that loads them goes
    on with the file's masks, seed included (`set_weights` leaves a model its own).

    Args:
        rate: Float in [0, 1), the fraction of units dropped: 1 - p for the paper's p. Assigning
            `layer.rate` later takes effect at once, in compiled functions too. (A JAX loop of your
            own holds the state itself: assign its values to the variables before, and take them
            again after.)
        noise_shape: Optional tuple as long as the inputs' shape, of None (or the inputs' own size)
            and 1: units along an axis with 1 share one mask value.
        seed: Optional integer in [0, 2^32).
        calls_per_mask: Positive integer: so many training calls in a row share one mask. This
            holds a mask over batches, or shares it between the calls of one update. With the
            batch's 1 in `noise_shape`, batches of any size share it. Subclasses, `DropConnect` and
            `VariationalRNN` take this argument too.

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

    calls_per_mask = Fixed()

    def __init__(
        self,
        rate: float,
        noise_shape: Sequence[int | None] | None = None,
        seed: int | None = None,
        *,
        calls_per_mask: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._rate = self.given_rate = check_rate(rate)
        self.noise_shape = check_noise_shape(noise_shape)
        self.seed = seed
        self.calls_per_mask = calls_per_mask
        self.stream = stream_of(self, seed, self._rate, calls_per_mask)
        self.supports_masking = True
        self._build_at_init()

    @property
    def rate(self) -> float:
        return self._rate

    @rate.setter
    def rate(self, rate: float) -> None:
        checked = check_rate(rate)
        self.stream.set_keep(1 - checked)
        # A `RateSchedule` puts the second one back: it is what the user gave.
        self._rate = self.given_rate = checked

    def call(self, inputs, training=None):
        return self._dropped(inputs) if training else inputs

    def _dropped(self, inputs):
        """What training makes of the inputs. A rate of 0 draws nothing, and counts no call."""
        check_dense(inputs)
        precise = precise_dtype(inputs)
        if self._rate > 0:
            outputs = self._drawn(inputs, precise)
            # Compiled, a rate that is set to 0 later counts no call either.
            drops = self.stream.state[3] < STEPS if is_traced(inputs) else 1
        elif is_traced(inputs):  # a rate that is set later takes effect in what is compiled now
            drops = self.stream.state[3] < STEPS
            outputs = ops.cond(drops, lambda: self._drawn(inputs, precise), lambda: inputs)
        else:
            return inputs
        self.stream.advance(drops)
        return outputs

    def _drawn(self, inputs, precise):
        """The inputs under the masks of this call; a subclass overrides this, or `_mask_shape`."""
        # A product: divisions take several times as long, and there is one a unit.
        scale = 1 / self.stream.keep(precise)
        scaled = ops.cast(ops.cast(inputs, precise) * scale, inputs.dtype)
        return self._masked(scaled)

    def _masked(self, scaled):
        kept = self.stream.kept(self._mask_shape(shape_of(scaled)))
        return ops.where(kept, scaled, ops.zeros_like(scaled))

    def _mask_shape(self, shape):
        if self.noise_shape is None:
            return shape
        if not isinstance(shape, tuple):  # a tensor: even the rank is unknown
            shape = tuple(shape[axis] for axis in range(len(self.noise_shape)))
        if len(self.noise_shape) != len(shape):
            raise ValueError(
                f"`noise_shape` needs one entry an axis of the inputs, which have {len(shape)}. "
                f"Received: noise_shape={self.noise_shape}"
            )
        for n, full in zip(self.noise_shape, shape, strict=True):
            if n not in (None, 1) and isinstance(full, int) and n != full:
                raise ValueError(
                    "`noise_shape` has None, 1 or the inputs' own size for each axis. Received: "
                    f"noise_shape={self.noise_shape} for inputs of shape {shape}"
                )
        return tuple(
            full if n is None else n for n, full in zip(self.noise_shape, shape, strict=True)
        )

    def compute_output_shape(self, input_shape):
        return input_shape

    def load_own_variables(self, store):
        # Files of version 0.1.0 have the stream here.
        if "mask_stream" in store:
            self.stream.restore(store["mask_stream"][...])

    def get_config(self):
        return {
            **super().get_config(),
            "rate": self._rate,
            "noise_shape": self.noise_shape,
            "seed": self.seed,
            "calls_per_mask": self.calls_per_mask,
        }


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

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        *,
        noise_shape: Sequence[int | None] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, noise_shape, seed, **kwargs)

    def _drawn(self, inputs, precise):
        keep = self.stream.keep()
        noise = self.stream.bits(random_normal, self._mask_shape(shape_of(inputs)))
        factor = ops.cast(1 + ops.sqrt((1 - keep) / keep) * noise, precise)
        return ops.cast(ops.cast(inputs, precise) * factor, inputs.dtype)
