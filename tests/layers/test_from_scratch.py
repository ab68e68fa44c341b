import keras
import numpy as np
import pytest
from backend import array, gradient

from layers import Dropout, paper_to_inverted
from layers.from_scratch import (
    InvertedDropout,
    Linear,
    Network,
    Relu,
    SoftmaxLoss,
    WeightScaledDropout,
)

LABELS = np.array([0, 1, 2, 0])


def x(shape=(4, 6)):
    return np.random.default_rng(1).normal(size=shape)


def numeric(function, at):
    """Central differences of a scalar function, entry by entry."""
    found = np.zeros_like(at)
    for index in np.ndindex(at.shape):
        kept = at[index]
        at[index] = kept + 1e-6
        above = function()
        at[index] = kept - 1e-6
        found[index] = (above - function()) / 2e-6
        at[index] = kept
    return found


@pytest.mark.parametrize("dropout", [InvertedDropout, WeightScaledDropout])
@pytest.mark.parametrize("training", [True, False])
def test_every_gradient_of_a_network_is_the_numeric_one(dropout, training):
    inputs = x()

    def loss():
        # The same masks at every evaluation.
        for layer in net.layers:
            if isinstance(layer, dropout):
                layer.rng = np.random.default_rng(5)
        return net.loss(inputs, LABELS, training)

    net = Network(
        [6, 7, 5, 3], keep_input=0.8, keep=0.5, rng=np.random.default_rng(0), dropout=dropout
    )
    linears = [layer for layer in net.layers if isinstance(layer, Linear)]
    for layer in linears:  # off the ReLU's kink, where an all-dropped example would sit
        layer.b += 0.1 + np.random.default_rng(2).normal(size=layer.b.shape)
    loss()
    to_inputs = net.backward()
    found = [(layer.dW.copy(), layer.db.copy()) for layer in linears]
    np.testing.assert_allclose(to_inputs, numeric(loss, inputs), atol=1e-8)
    for layer, (kernel, bias) in zip(linears, found, strict=True):
        np.testing.assert_allclose(kernel, numeric(loss, layer.W), atol=1e-8)
        np.testing.assert_allclose(bias, numeric(loss, layer.b), atol=1e-8)


def test_dropped_units_pass_no_gradient_and_means_are_preserved():
    rng = np.random.default_rng(0)
    layer = InvertedDropout(0.3, rng)
    out = layer.forward(np.ones((300, 400)), training=True)
    assert abs(out.mean() - 1) < 5 * np.sqrt(0.7 / 0.3 / out.size)
    back = layer.backward(np.ones_like(out))
    np.testing.assert_array_equal(back, out)
    scaled = WeightScaledDropout(0.3, rng)
    np.testing.assert_array_equal(scaled.forward(np.ones((2, 2)), training=False), 0.3)


def test_keras_layers_agree_with_it():
    data = x((20, 30)).astype("float32")
    layer = Dropout(0.75, seed=1)
    out, back = gradient(layer, data)

    class Same:
        """A generator that draws the Keras layer's mask."""

        def random(self, shape):
            return np.where(out != 0, 0.0, 1.0)

    scratch = InvertedDropout(0.25, Same())
    np.testing.assert_allclose(scratch.forward(data, training=True), out, rtol=1e-6)
    np.testing.assert_allclose(scratch.backward(np.ones_like(data)), back, rtol=1e-6)

    dense = keras.layers.Dense(3)
    logits = array(dense(data))
    linear = Linear(30, 3, np.random.default_rng(0))
    linear.W, linear.b = array(dense.kernel), array(dense.bias)
    np.testing.assert_allclose(linear.forward(data, True), logits, atol=1e-5)
    np.testing.assert_array_equal(Relu().forward(data, True), array(keras.ops.relu(data)))
    labels = np.arange(20) % 3
    expected = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
    assert SoftmaxLoss().forward(logits, labels) == pytest.approx(
        float(np.mean(array(expected))), rel=1e-5
    )


def test_the_two_forms_train_to_the_same_network():
    """The equivalence of `paper_to_inverted`, in NumPy: no momentum, 50 updates."""
    keeps, sizes, data = (0.8, 0.5), [6, 7, 3], x()
    nets = {}
    for form in (WeightScaledDropout, InvertedDropout):
        net = Network(sizes, *keeps, rng=np.random.default_rng(0), dropout=form)
        linears = [layer for layer in net.layers if isinstance(layer, Linear)]
        factors = [paper_to_inverted(k if form is InvertedDropout else 1) for k in keeps]
        for layer, f in zip(linears, factors, strict=True):
            layer.W *= f.weights
        for step in range(50):
            for layer in net.layers:
                if isinstance(layer, form):
                    layer.rng = np.random.default_rng([step, layer.keep == 0.5])
            net.loss(data, LABELS, training=True)
            net.backward()
            for layer, f in zip(linears, factors, strict=True):
                layer.W -= 0.1 * f.learning_rate * layer.dW
                layer.b -= 0.1 * layer.db
        nets[form] = net.logits(data, training=False)
    np.testing.assert_allclose(*nets.values(), atol=1e-12)
