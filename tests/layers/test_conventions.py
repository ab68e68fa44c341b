"""The headline equivalence: the paper's form and the inverted form are one network."""

from itertools import pairwise

import numpy as np
import pytest
import tensorflow as tf

from layers import Dropout, MaxNorm, WeightScaledDropout, paper_to_inverted

KEEPS = (0.8, 0.5)
SIZES = (12, 16, 4)
L2, L1, BOUND, RATE, MOMENTUM, UPDATES = 1e-3, 1e-4, 1.2, 0.1, 0.9, 150


class Net:
    """Two layers in one of the two forms, trained by SGD with momentum."""

    def __init__(self, inverted, corrected):
        rng = np.random.default_rng(0)
        form = Dropout if inverted else WeightScaledDropout
        factors = [paper_to_inverted(keep if inverted and corrected else 1) for keep in KEEPS]
        self.dropouts = [form(1 - keep, seed=3, name=f"d{i}") for i, keep in enumerate(KEEPS)]
        shapes = list(pairwise(SIZES))
        self.kernels = [
            tf.Variable(f.weights * rng.normal(size=s) * 0.4, dtype="float32")
            for f, s in zip(factors, shapes, strict=True)
        ]
        self.biases = [tf.Variable(tf.zeros(s[1])) for s in shapes]
        self.factors = factors
        self.velocities = [tf.Variable(tf.zeros_like(v)) for v in self.kernels + self.biases]

    def logits(self, x, training):
        x = self.dropouts[0](x, training=training)
        x = tf.nn.relu(x @ self.kernels[0] + self.biases[0])
        return self.dropouts[1](x, training=training) @ self.kernels[1] + self.biases[1]

    def update(self, x, y):
        with tf.GradientTape() as tape:
            logits = self.logits(x, training=True)
            loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, logits))
            for kernel, f in zip(self.kernels, self.factors, strict=True):
                loss += L2 * f.l2 * tf.reduce_sum(kernel**2)
                loss += L1 * f.l1 * tf.reduce_sum(tf.abs(kernel))
        variables = self.kernels + self.biases
        rates = [RATE * f.learning_rate for f in self.factors] + [RATE] * len(self.biases)
        steps = zip(variables, self.velocities, rates, tape.gradient(loss, variables), strict=True)
        for variable, velocity, rate, gradient in steps:
            velocity.assign(MOMENTUM * velocity - rate * gradient)
            variable.assign_add(velocity)
        for kernel, f in zip(self.kernels, self.factors, strict=True):
            kernel.assign(MaxNorm(BOUND * f.max_norm)(kernel))


def trained_logits(inverted, corrected=True):
    rng = np.random.default_rng(1)
    net = Net(inverted, corrected)
    update = tf.function(net.update, autograph=False)
    for _ in range(UPDATES):
        x = rng.normal(size=(20, SIZES[0])).astype("float32")
        update(x, np.argmax(x[:, :4], axis=1))
    norms = [np.linalg.norm(kernel.numpy(), axis=0).max() for kernel in net.kernels]
    return net.logits(rng.normal(size=(50, SIZES[0])).astype("float32"), False).numpy(), norms


def test_both_forms_train_to_the_same_network_with_shared_masks():
    paper, norms = trained_logits(inverted=False)
    inverted, _ = trained_logits(inverted=True)
    assert max(norms) == pytest.approx(BOUND, rel=1e-5), "the bound must bite to be tested"
    np.testing.assert_allclose(inverted, paper, atol=2e-5 * np.abs(paper).max())
    uncorrected, _ = trained_logits(inverted=True, corrected=False)
    assert np.abs(uncorrected - paper).max() > 0.1 * np.abs(paper).max()


@pytest.mark.parametrize("keep", [0, -1, 1.1, float("nan"), True])
def test_a_keep_outside_its_range_is_refused(keep):
    with pytest.raises(ValueError, match="Received"):
        paper_to_inverted(keep)
