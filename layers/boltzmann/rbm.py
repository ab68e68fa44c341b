"""Restricted Boltzmann machines of binary units, trained by contrastive divergence."""

from typing import Any

import keras
from keras import ops

from ..checks import Fixed, check_built, check_count, check_flag, check_rate
from ..noise.inputs import check_dense
from .machine import Machine


@keras.saving.register_keras_serializable("dropout")
class RBM(Machine):
    """Restricted Boltzmann machine with binary units; with a `rate`, a dropout RBM.

    Its energy is E(v, h) = -b'v - c'h - v'Wh. In training it adds the loss

        mean over the batch of F(v) - F(v_k),    F(v) = -b'v - sum over j of r_j softplus(c + v'W)_j

    with v_k what `steps` steps of Gibbs sampling make of v, both held constant. Its gradient is
    that of contrastive divergence, CD-k, with hidden probabilities in both phases: minus
    <v h'>_data - <v h'>_k for W (with copies of units, see below, as many times that). So any
    optimizer trains an RBM, by `fit` too, and a weight cost is a `kernel_regularizer`. Of RBMs in
    one model each learns by its own loss. The loss is in float32 at least, whatever the policy.
    Hidden units are sampled; visible ones are probabilities, or sampled. The loss need not fall:
    watch `reconstruction_logits`. At inference there is none, so `fit` takes no `validation_data`.

    While `trainable` is False it only computes its hidden units, as a layer under another RBM does.

    With a rate, each example has a mask r over the hidden units, drawn anew and held through the
    negative phase: the RBM is trained as if only the kept units were there. Without one, r is 1.

    Args:
        units: Positive integer, the number of hidden units.
        rate: Float in [0, 1), the fraction of hidden units dropped: 1 - p for the paper's p. It
            cannot be assigned later.
        steps: Positive integer k, the Gibbs steps of the negative phase.
        chains: Integer from 0 up. 0: the negative phase starts at the batch (CD). Otherwise it
            goes on with so many chains of its own, which are state of the layer (persistent CD).
        visible_copies, hidden_copies: Positive integers m and n: so many copies of these units
            share the weights, and are in one state but for sampling, so that
            F(v) = -m b'v - n sum over j of r_j softplus(c + m v'W)_j. A DBM's first RBM has two
            copies of the visible units, its last one two of the hidden ones (Salakhutdinov and
            Hinton, 2009, section 3.1): they stand for the layers that are not there yet.
        sample_visible: Boolean: sample the visible units of the negative phase, or leave them
            probabilities. Persistent chains are always sampled.
        kernel_initializer: Of W; None: normal of standard deviation 0.01.
        visible_initializer, hidden_initializer: Of b and c.
        kernel_regularizer: Of W.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of shape (batch, visible), in [0, 1]: binary, or pixels / 255.
        training: Boolean; whether to add the loss.

    Output shape: (batch, units), the probabilities of the hidden units, of all of them.

    Raises:
        ValueError: for numbers out of range; for inputs of another rank; for a rate above 0 with
            persistent chains, which have no example whose mask they could hold.

    Reference: Srivastava et al., JMLR 15 (2014), section 8; Hinton, "Training products of experts
    by minimizing contrastive divergence", Neural Computation 14 (2002); Tieleman, ICML 2008.

    Example:

    >>> rbm = RBM(4, rate=0.5, seed=1)
    >>> tuple(rbm(keras.ops.ones((2, 3)), training=True).shape), len(rbm.losses)
    ((2, 4), 1)
    """

    rate = Fixed()

    def __init__(
        self,
        units: int,
        rate: float = 0.0,
        *,
        steps: int = 1,
        chains: int = 0,
        visible_copies: int = 1,
        hidden_copies: int = 1,
        sample_visible: bool = False,
        kernel_initializer: Any = None,
        visible_initializer: Any = "zeros",
        hidden_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            steps,
            check_count("chains", chains, least=0),
            kernel_initializer,
            visible_initializer,
            hidden_initializer,
            kernel_regularizer,
            seed,
            check_rate(rate),
            **kwargs,
        )
        self.units, self.rate = check_count("units", units), check_rate(rate)
        if chains and rate:
            raise ValueError(
                "persistent chains have no examples whose masks they could hold, so `rate` is 0 "
                f"with `chains`. Received: rate={rate}, chains={chains}"
            )
        self.visible_copies = check_count("visible_copies", visible_copies)
        self.hidden_copies = check_count("hidden_copies", hidden_copies)
        self.sample_visible = check_flag("sample_visible", sample_visible)

    def build(self, input_shape):
        visible = input_shape[-1]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(visible, self.units),
            initializer=self._initializer_of(0),
            regularizer=self.kernel_regularizer,
        )
        self.hidden_bias = self.add_weight(
            name="hidden_bias", shape=(self.units,), initializer=self.hidden_initializer
        )
        self.visible_bias = self.add_weight(
            name="visible_bias", shape=(visible,), initializer=self.visible_initializer
        )
        if self.chains:
            self.particles = self.add_weight(
                name="particles", shape=(self.chains, visible), initializer="zeros", trainable=False
            )

    def call(self, inputs, training=False):
        check_dense(inputs)
        if training and self.trainable:
            self.add_loss(self.contrastive_loss(inputs))
        return self.hidden(inputs)

    def contrastive_loss(self, visible):
        """Scalar: the loss of the class's docstring for one batch, whose gradient is CD's."""
        visible = ops.stop_gradient(ops.convert_to_tensor(visible))  # an RBM below has its own loss
        kept = None
        if self.rate:
            drawn = self.stream.kept((ops.shape(visible)[0], self.units))
            kept = ops.cast(drawn, self.compute_dtype)
            self.stream.advance()
        start = ops.cast(self.particles, self.compute_dtype) if self.chains else visible
        negative = ops.stop_gradient(self.gibbs(start, self.steps, kept))
        if self.chains:
            self.particles.assign(ops.cast(negative, self.particles.dtype))
        positive = ops.mean(self.free_energy(visible, kept))
        return positive - ops.mean(self.free_energy(negative, kept))

    def gibbs(self, visible, steps, kept=None):
        """Visible units after so many steps of sampling hidden and visible units in turn; hidden
        units without `kept`, of shape (batch, units), stay 0."""
        for _ in range(steps):
            hidden = self.hidden(visible)
            # The mean of the copies, each sampled on its own.
            each = [self._sample(hidden) for _ in range(self.hidden_copies)]
            hidden = sum(each) / self.hidden_copies if len(each) > 1 else each[0]
            visible = self.visible(hidden if kept is None else ops.multiply(hidden, kept))
            if self.sample_visible or self.chains:
                visible = self._sample(visible)
        return visible

    def hidden(self, visible):
        """P(h_j = 1 | v), of shape (batch, units)."""
        return ops.sigmoid(self._into_hidden(visible))

    def visible(self, hidden):
        """P(v_i = 1 | h), of shape (batch, visible)."""
        return ops.sigmoid(self.visible_logits(hidden))

    def visible_logits(self, hidden):
        """log odds of v_i = 1 given h, of shape (batch, visible)."""
        check_built(self)
        above = self.hidden_copies * ops.matmul(hidden, ops.transpose(self.kernel))
        return above + self.visible_bias

    def free_energy(self, visible, kept=None):
        """F(v) = -log sum over h of exp(-E(v, h)), of shape (batch,), over the kept units."""
        inner = ops.softplus(self._precise(self._into_hidden(visible)))
        inner = inner if kept is None else ops.multiply(inner, self._precise(kept))
        below = ops.matmul(self._precise(visible), self._precise(self.visible_bias))
        return -self.visible_copies * below - self.hidden_copies * ops.sum(inner, axis=-1)

    def _into_hidden(self, visible):
        check_built(self)
        return self.visible_copies * ops.matmul(visible, self.kernel) + self.hidden_bias

    def reconstruction_logits(self, hidden):
        """log odds of the visible units given the probabilities of the hidden ones, which are
        scaled by 1 - rate: in training the visible units saw only so many of them."""
        return self.visible_logits(self.stream.keep(self.compute_dtype) * hidden)

    def to_dense(self, activation: Any = "sigmoid", **kwargs: Any) -> keras.layers.Dense:
        """A Dense layer that begins with what this one computes, to be finetuned in a network. In
        front of this package's `Dropout`, which scales the kept units up, its weights stay as they
        are. The paper's form, which scales at test time, multiplies them by 1 / p (section 5.2)."""
        check_built(self)
        settings = {"dtype": self.dtype_policy} | kwargs
        dense = keras.layers.Dense(self.units, activation, use_bias=True, **settings)
        dense.build((None, self.kernel.shape[0]))
        # As arrays: on JAX a variable would share its memory with one that is assigned to it.
        dense.kernel.assign(self.visible_copies * ops.convert_to_numpy(self.kernel))
        dense.bias.assign(ops.convert_to_numpy(self.hidden_bias))
        return dense

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units)

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "rate": self.rate,
            "visible_copies": self.visible_copies,
            "hidden_copies": self.hidden_copies,
            "sample_visible": self.sample_visible,
        }
