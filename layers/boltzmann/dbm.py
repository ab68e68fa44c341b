"""Deep Boltzmann machines of binary units, trained by mean field and persistent chains."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from ..checks import check_built, check_count
from ..noise.inputs import check_dense
from .features import begin, feed_forward
from .machine import Machine


@keras.saving.register_keras_serializable("dropout")
class DBM(Machine):
    """Deep Boltzmann machine: layers of binary hidden units h_1 ... h_L upon visible units v = h_0.

    Its energy is E(h) = - sum over l of c_l'h_l - sum over l > 0 of h_{l-1}'W_l h_l. In training it
    adds the loss

        mean over the batch of E(v, mu(v)) - mean over the chains of E(h)

    with mu(v) the hidden probabilities that `mean_field` rounds of the mean-field equations lead to
    (equations 12 and 13 of the reference), and h what `steps` steps of Gibbs sampling make of the
    layer's own `chains`, which are state; both held constant. Its gradient raises the lower bound
    on log P(v) that mu gives. So any optimizer trains a DBM, by `fit` too. The loss is in float32
    at least, whatever the policy.

    Random weights are a poor start: give it those of RBMs trained one upon another, by `begin`.

    Args:
        units: Sequence of two positive integers or more, the hidden units from the visible ones up.
        mean_field: Positive integer, the rounds of mean-field updates.
        steps: Positive integer, the Gibbs steps of the chains for each batch.
        chains: Positive integer, their number.
        kernel_initializer: Of all W; None: normal of standard deviation 0.01. Another one gives
            layers of the same shape the same values.
        visible_initializer, hidden_initializer: Of c_0, and of the other c.
        kernel_regularizer: Of all W.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Float tensor of shape (batch, visible), in [0, 1]: binary units, or probabilities.
        training: Boolean; whether to add the loss. It is not added while `trainable` is False.

    Output shape: (batch, units[-1]), the mean-field probabilities of the highest hidden units.

    Raises:
        ValueError: for numbers out of range, and for inputs of another rank.

    Reference: Salakhutdinov and Hinton, "Deep Boltzmann machines", AISTATS 2009.

    Example:

    >>> dbm = DBM((4, 2), seed=1)
    >>> tuple(dbm(keras.ops.ones((5, 3)), training=True).shape), len(dbm.losses)
    ((5, 2), 1)
    """

    def __init__(
        self,
        units: Sequence[int],
        *,
        mean_field: int = 10,
        steps: int = 5,
        chains: int = 100,
        kernel_initializer: Any = None,
        visible_initializer: Any = "zeros",
        hidden_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            steps,
            check_count("chains", chains),
            kernel_initializer,
            visible_initializer,
            hidden_initializer,
            kernel_regularizer,
            seed,
            0.0,
            **kwargs,
        )
        if not isinstance(units, list | tuple) or len(units) < 2:
            raise ValueError(f"`units` is a list of two or more. Received: units={units!r}")
        self.units = tuple(check_count("units", each) for each in units)
        self.mean_field = check_count("mean_field", mean_field)

    def build(self, input_shape):
        sizes = (input_shape[-1], *self.units)
        self.kernels = [
            self.add_weight(
                name=f"kernel_{i}",
                shape=sizes[i - 1 : i + 1],
                initializer=self._initializer_of(i - 1),
                regularizer=self.kernel_regularizer,
            )
            for i in range(1, len(sizes))
        ]
        initializers = [self.visible_initializer] + [self.hidden_initializer] * len(self.units)
        self.biases = [
            self.add_weight(name=f"bias_{i}", shape=(size,), initializer=initializer)
            for i, (size, initializer) in enumerate(zip(sizes, initializers, strict=True))
        ]
        # Of every second layer, the visible one first: the others are drawn from them.
        self.particles = [
            self.add_weight(
                name=f"particles_{i}",
                shape=(self.chains, size),
                initializer="zeros",
                trainable=False,
            )
            for i, size in enumerate(sizes)
            if i % 2 == 0
        ]

    def call(self, inputs, training=False):
        check_dense(inputs)
        return self.states(inputs, training)[-1]

    def states(self, inputs, training=False):
        """What `probabilities` gives; in training it adds the loss."""
        states = self.probabilities(inputs)
        if training and self.trainable:
            self.add_loss(self.bound_loss([ops.stop_gradient(each) for each in states]))
        return states

    def bound_loss(self, states):
        """Scalar: the loss of the class's docstring for the visible units of a batch and the
        mean-field probabilities of the hidden ones. Moves the chains."""
        chains = [ops.cast(each, self.compute_dtype) for each in self.particles]
        chains = [ops.stop_gradient(each) for each in self.gibbs(chains, self.steps)]
        for particles, state in zip(self.particles, chains[::2], strict=True):
            particles.assign(ops.cast(state, particles.dtype))
        return ops.mean(self.energy(states)) - ops.mean(self.energy(chains))

    def probabilities(self, visible, rounds=None):
        """The visible units, and the probabilities of each hidden layer that so many rounds of
        mean-field updates end in, from a pass up that doubles the weights of all layers but the
        last one, which have none above them yet."""
        states = [visible]
        for i in range(1, len(self.units) + 1):
            doubled = 1 if i == len(self.units) else 2
            below = doubled * ops.matmul(states[-1], self.kernels[i - 1])
            states.append(ops.sigmoid(below + self.biases[i]))
        for _ in range(self.mean_field if rounds is None else rounds):
            for i in range(1, len(states)):
                states[i] = ops.sigmoid(self._into(i, states))
        return states

    def gibbs(self, states, steps):
        """All layers, given every second one from the visible one up, after so many steps of
        sampling the others, then these. The layers in between are left probabilities."""
        every = [None] * (len(self.units) + 1)
        every[::2] = states
        for _ in range(steps):
            for i in (*range(1, len(every), 2), *range(0, len(every), 2)):
                every[i] = self._sample(ops.sigmoid(self._into(i, every)))
        for i in range(1, len(every), 2):
            every[i] = ops.sigmoid(self._into(i, every))
        return every

    def visible_logits(self, states):
        """log odds of the visible units given all layers' states, of shape (batch, visible)."""
        return self._into(0, states)

    def _into(self, i, states):
        """The input of layer i from its neighbours, of shape (batch, units)."""
        total = self.biases[i]
        if i > 0:
            total = total + ops.matmul(states[i - 1], self.kernels[i - 1])
        if i < len(self.units):
            total = total + ops.matmul(states[i + 1], ops.transpose(self.kernels[i]))
        return total

    def energy(self, states):
        """E(h), of shape (batch,), for the states of all layers, the visible one first."""
        precise = [self._precise(each) for each in states]
        biases = [self._precise(each) for each in self.biases]
        total = sum(ops.matmul(h, c) for h, c in zip(precise, biases, strict=True))
        for below, kernel, above in zip(states, self.kernels, precise[1:], strict=False):
            into = self._precise(ops.matmul(below, kernel))
            total += ops.sum(ops.multiply(into, above), axis=-1)
        return -total

    def begin(self, rbms: Sequence) -> None:
        """Takes the weights of a list of RBMs of these sizes, each trained upon the one before. A
        layer between two of them gets the mean of its two biases. The first RBM is trained with
        `visible_copies=2`, the last one with `hidden_copies=2`, those in between with both
        (section 3.1 of the reference)."""
        begin(self, rbms)

    def to_model(self, activation: Any = "sigmoid") -> keras.Model:
        """A feed-forward network to be finetuned, from the visible units to the highest hidden
        ones. Each hidden layer but the last one also sees the mean-field probabilities of the layer
        above it, which a frozen copy of this machine gives: so the network begins with what one
        more mean-field round would find (section 4 of the reference). `Dropout` in front of a
        hidden layer drops what that layer sees: the one below, and the probabilities from above,
        which are found from all visible units."""
        check_built(self)
        return feed_forward(self, activation)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], self.units[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "units": self.units,
            "mean_field": self.mean_field,
        }
