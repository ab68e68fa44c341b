"""Stochastic depth: dropout of whole residual branches."""

from typing import Any

import keras
from keras import ops
from keras.src.backend import get_keras_mask, set_keras_mask

from ..checks import Fixed, check_count, check_rate, computed_rate
from ..noise.inputs import check_dense, precise_dtype
from ..noise.masks import STEPS, random_32_bits
from ..noise.stream import stream_of
from .structured import GroupDropout


@keras.saving.register_keras_serializable("dropout")
class StochasticDepth(GroupDropout):
    """Drops all units of an example together ("drop path"): use it on a residual branch's output.

        outputs = inputs + StochasticDepth(rate)(branch(inputs))

    Kept branches are divided by 1 - rate, so that inference is the identity (the publication
    multiplies by 1 - rate at inference instead). The branch is computed for every example;
    `CompactedStochasticDepth` saves that.

    Args:
        rate: Float in [0, 1), the fraction of examples whose branch is dropped.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of shape (batch, ...).
        training: Boolean; whether to drop.

    Output shape: the input's.

    Reference: Huang, Sun, Liu, Sedra and Weinberger, "Deep networks with stochastic depth",
    ECCV 2016.

    Example:

    >>> StochasticDepth.linear_rates(blocks=4, last=0.5)
    [0.125, 0.25, 0.375, 0.5]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)

    def _mask_shape(self, shape):
        if not isinstance(shape, tuple):  # a tensor: even the rank is unknown
            return ops.concatenate([shape[:1], ops.ones_like(shape[1:])], axis=0)
        return (shape[0], *(1 for _ in shape[1:]))

    @staticmethod
    def linear_rates(blocks: int, last: float) -> list[float]:
        """A list of `blocks` rates that rise linearly from the first block to the rate `last`.

        The publication's linear decay, equation 4: the survival probability of block l of L is
        1 - l / L * last. Rates that are finer than the masks' resolution, 1/65536, are 0.
        """
        blocks, last = check_count("blocks", blocks), check_rate(last, "last")
        return [computed_rate(last * block / blocks) for block in range(1, blocks + 1)]


@keras.saving.register_keras_serializable("dropout")
class CompactedStochasticDepth(keras.layers.Layer):
    """A residual block, inputs + branch(inputs), whose branch sees only the examples that keep it.

    A random subset of fixed size, round((1 - rate) * batch) and at least one example, goes through
    the branch in training; its outputs are multiplied by batch / size, so that the expectation is
    exact. This saves the time that `StochasticDepth` spends on dropped branches. In return,
    examples of a batch are not dropped independently, the rate is fixed when the layer is made,
    and batch statistics within the branch are those of the subset.

    Args:
        branch: A Keras layer or model whose outputs have its inputs' shape.
        rate: Float in [0, 1), the fraction of examples that skip the branch.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of shape (batch, ...).
        training: Boolean; whether examples skip the branch.
        mask: Optional Keras mask of the inputs, of shape (batch, ...). The branch sees its part of
            it.

    Output shape: the input's.

    Raises:
        ValueError: for a branch that is no layer, or that changes the shape.

    Reference: Huang et al., ECCV 2016; the fixed subset is that of Oquab et al., "DINOv2: Learning
    robust visual features without supervision", TMLR 2024, section 5 ("Efficient stochastic
    depth").

    Example:

    >>> block = CompactedStochasticDepth(keras.layers.Dense(3, "relu"), rate=0.5, seed=1)
    >>> tuple(block(keras.ops.ones((4, 3)), training=True).shape)
    (4, 3)
    """

    rate = Fixed()

    def __init__(
        self, branch: keras.layers.Layer, rate: float, *, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if not isinstance(branch, keras.layers.Layer):
            raise ValueError(f"`branch` is a Keras layer or model. Received: branch={branch!r}")
        self.branch, self.rate, self.seed = branch, check_rate(rate), seed
        self.stream = stream_of(self, seed, self.rate)
        self.supports_masking = True

    def build(self, input_shape):
        if not self.branch.built:
            self.branch.build(input_shape)
        found = tuple(self.branch.compute_output_shape(input_shape))
        if found != tuple(input_shape):
            raise ValueError(
                "`branch` gives outputs of its inputs' shape. Received: outputs of shape "
                f"{found} for inputs of shape {tuple(input_shape)}"
            )

    def call(self, inputs, training=None, mask=None):
        check_dense(inputs)
        if not training or self.rate == 0:
            return inputs + self._branched(inputs, mask)
        batch = ops.shape(inputs)[0]
        # In integers, which an unknown batch rounds as a known one.
        keep = round((1 - self.rate) * STEPS)
        if isinstance(batch, int):
            size = max(1, (batch * keep + STEPS // 2) // STEPS)
        else:
            size = (ops.cast(batch, "int64") * keep + STEPS // 2) // STEPS
            size = ops.cast(ops.maximum(size, 1), "int32")
        chosen = ops.argsort(self.stream.bits(random_32_bits, (batch,)))[:size]
        self.stream.advance()
        kept = ops.take(inputs, chosen, axis=0)
        precise = precise_dtype(inputs)
        factor = ops.cast(batch, precise) / ops.cast(size, precise)
        mask = None if mask is None else ops.take(mask, chosen, axis=0)
        branched = self._branched(kept, mask)
        grown = kept + ops.cast(ops.cast(branched, precise) * factor, inputs.dtype)
        return ops.scatter_update(inputs, ops.expand_dims(chosen, 1), grown)

    def _branched(self, inputs, mask):
        """The branch's outputs. The mask goes with the tensor, as Keras has it: so it also reaches
        layers within a branch whose own `call` takes none."""
        if mask is not None and get_keras_mask(inputs) is not mask:
            inputs = ops.copy(inputs)  # the caller's tensor stays as it is
            set_keras_mask(inputs, mask)
        return self.branch(inputs)

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {
            **super().get_config(),
            "branch": keras.saving.serialize_keras_object(self.branch),
            "rate": self.rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        branch = keras.saving.deserialize_keras_object(config["branch"])
        return cls(**{**config, "branch": branch})
