"""The headline equivalence: the paper's form and the inverted form are one network."""

from itertools import pairwise

import keras
import numpy as np
import pytest
from backend import BACKEND, array

from layers import (
    DropConnect,
    Dropout,
    MaxNorm,
    WeightScaledDropout,
    fold_weight_scaling,
    paper_to_inverted,
)

# As the masks realise it: 0.8 to the nearest 1/65536.
KEEPS = (round(0.8 * 65536) / 65536, 0.5)
SIZES = (12, 16, 4)
L2, L1, BOUND, RATE, MOMENTUM, UPDATES = 1e-3, 1e-4, 1.2, 0.1, 0.9, 200


class Net:
    """Two layers in one of the two forms, trained by SGD with momentum in float64."""

    def __init__(self, form, factors):
        import tensorflow as tf

        self.tf, self.factors = tf, factors
        rng = np.random.default_rng(0)
        self.dropouts = [
            form(1 - keep, seed=3, name=f"d{i}", dtype="float64") for i, keep in enumerate(KEEPS)
        ]
        shapes = list(pairwise(SIZES))
        self.kernels = [
            tf.Variable(f.weights * rng.normal(size=s) * 0.4)
            for f, s in zip(factors, shapes, strict=True)
        ]
        self.biases = [tf.Variable(np.zeros(s[1])) for s in shapes]
        self.velocities = [tf.Variable(tf.zeros_like(v)) for v in self.kernels + self.biases]

    def logits(self, x, training):
        x = self.dropouts[0](x, training=training)
        x = self.tf.nn.relu(x @ self.kernels[0] + self.biases[0])
        return self.dropouts[1](x, training=training) @ self.kernels[1] + self.biases[1]

    def update(self, x, y):
        tf = self.tf
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


def trained(form, factors):
    import tensorflow as tf

    rng = np.random.default_rng(1)
    net = Net(form, factors)
    update = tf.function(net.update, autograph=False)
    for _ in range(UPDATES):
        x = rng.normal(size=(20, SIZES[0]))
        update(x, np.argmax(x[:, :4], axis=1))
    norms = [np.linalg.norm(kernel.numpy(), axis=0).max() for kernel in net.kernels]
    return net.logits(rng.normal(size=(50, SIZES[0])), False).numpy(), norms


@pytest.mark.skipif(
    BACKEND != "tensorflow",
    reason="trains in float64 by TensorFlow; JAX draws the same masks (test_masks)",
)
def test_both_forms_train_to_the_same_network_and_every_correction_is_needed():
    paper, norms = trained(WeightScaledDropout, [paper_to_inverted(1)] * 2)
    assert min(norms) == pytest.approx(BOUND, rel=1e-6), "the bound must bite to be tested"
    factors = [paper_to_inverted(keep) for keep in KEEPS]
    inverted, _ = trained(Dropout, factors)
    assert np.abs(inverted - paper).max() < 1e-9
    for name in factors[0]._fields:
        uncorrected, _ = trained(Dropout, [f._replace(**{name: 1.0}) for f in factors])
        assert np.abs(uncorrected - paper).max() > 1e-4, name


@pytest.mark.parametrize("keep", [0, -1, 1.1, float("nan"), True, "0.5", None])
def test_a_keep_outside_its_range_is_refused(keep):
    with pytest.raises(ValueError, match="Received"):
        paper_to_inverted(keep)


def convolutional(training_form):
    inputs = keras.Input((9, 7, 2))
    x = training_form(0.2)(inputs)
    x = keras.layers.Conv2D(4, 3, activation="tanh")(x)
    x = training_form(0.4)(x)
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Flatten()(x)
    left = keras.layers.Dense(5, activation="sigmoid")(x)
    right = keras.layers.Dense(5)(x)
    x = training_form(0.5)(keras.layers.Add()([left, right]))
    return keras.Model(inputs, keras.layers.Dense(3)(x))


def test_folding_gives_a_plain_network_with_the_same_outputs():
    model = convolutional(WeightScaledDropout)
    before = [array(w) for w in model.weights]
    folded = fold_weight_scaling(model)
    assert not any(isinstance(layer, Dropout) for layer in folded.layers)
    x = np.random.default_rng(0).normal(size=(6, 9, 7, 2)).astype("float32")
    np.testing.assert_allclose(array(folded(x)), array(model(x)), atol=1e-5)
    np.testing.assert_allclose(array(folded(x, training=True)), array(model(x)), atol=1e-5)
    for was, now in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(was, array(now))


def test_folding_leaves_no_dropout_of_keras_either():
    scaled, kerass = WeightScaledDropout(0.5), keras.layers.Dropout(0.5)
    model = keras.Sequential([keras.Input((6,)), scaled, kerass, keras.layers.Dense(3)])
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    found = fold_weight_scaling(model)(x, training=True)
    np.testing.assert_allclose(array(found), array(model(x)), atol=1e-6)


def test_folding_an_inverted_network_changes_nothing():
    model = convolutional(Dropout)
    x = np.random.default_rng(0).normal(size=(6, 9, 7, 2)).astype("float32")
    np.testing.assert_allclose(array(fold_weight_scaling(model)(x)), array(model(x)), atol=1e-6)


def test_what_cannot_be_folded_is_named():
    inputs = keras.Input((4,))
    x = WeightScaledDropout(0.5, name="scaled")(inputs)
    with pytest.raises(ValueError, match="BatchNormalization"):
        fold_weight_scaling(keras.Model(inputs, keras.layers.BatchNormalization()(x)))
    with pytest.raises(ValueError, match="'scaled' as an output"):
        fold_weight_scaling(keras.Sequential([inputs, WeightScaledDropout(0.5, name="scaled")]))


def test_a_model_grown_layer_by_layer_or_sharing_its_graph_folds_right():
    grown = keras.Sequential()
    for layer in (keras.Input((6,)), WeightScaledDropout(0.5), keras.layers.Dense(4)):
        grown.add(layer)
    grown.add(keras.layers.Dense(3))
    grown.pop()
    inputs = keras.Input((6,))
    scaled, dense = WeightScaledDropout(0.5), keras.layers.Dense(4)
    keras.Model(inputs, keras.layers.ReLU()(dense(scaled(inputs))))
    second = keras.Input((6,))
    twice = keras.Model(second, dense(scaled(second)))
    x = np.random.default_rng(0).normal(size=(5, 6)).astype("float32")
    for model in (grown, twice):
        np.testing.assert_allclose(array(fold_weight_scaling(model)(x)), array(model(x)), atol=1e-6)


def test_sharing_nesting_and_scaled_outputs_are_refused():
    inputs = keras.Input((6,))
    scaled, dense = WeightScaledDropout(0.5)(inputs), keras.layers.Dense(4)
    shared = keras.Model(inputs, keras.layers.Add()([dense(scaled), dense(inputs)]))
    with pytest.raises(ValueError, match="used 2 times"):
        fold_weight_scaling(shared)
    with pytest.raises(ValueError, match="output of the model"):
        fold_weight_scaling(keras.Model(inputs, [scaled, keras.layers.Dense(4)(scaled)]))
    inner = keras.Sequential([keras.Input((6,)), WeightScaledDropout(0.5), keras.layers.Dense(4)])
    with pytest.raises(ValueError, match="nested"):
        fold_weight_scaling(keras.Model(inputs, inner(inputs)))
    for within in (
        keras.layers.TimeDistributed(WeightScaledDropout(0.5)),
        DropConnect(keras.layers.Dense(4), 0.5),
        keras.layers.LSTM(4, dropout=0.5),
    ):
        with pytest.raises(ValueError, match="not dropout of weights, or nested"):
            fold_weight_scaling(keras.Sequential([keras.Input((3, 6)), within]))
    with pytest.raises(ValueError, match="functional or Sequential"):
        fold_weight_scaling(keras.layers.Dense(4))


def test_a_model_that_is_not_built_is_not_folded():
    with pytest.raises(ValueError, match="needs a built model"):
        fold_weight_scaling(keras.Sequential([WeightScaledDropout(0.5), keras.layers.Dense(2)]))
