import keras
import numpy as np
import pytest
from backend import array, ones

import layers
from layers import DropConnect, Dropout, RateSchedule, VariationalCell, monte_carlo_predict

X = np.random.default_rng(0).normal(size=(9, 6)).astype("float32")


def classifier(*middle, shape=(6,)):
    return keras.Sequential(
        [keras.Input(shape), *middle, keras.layers.Dense(3, "softmax", name="out")]
    )


def state(model):
    return [np.copy(keras.ops.convert_to_numpy(v)) for v in model.variables]


def test_moments_and_entropies_are_those_of_the_samples():
    model = classifier(Dropout(0.5, seed=1))
    found = monte_carlo_predict(model, X, samples=400, seed=3)
    before = model(X, training=False)
    drawn = np.stack([array(model(X, training=True)) for _ in range(400)]).astype(float)
    error = drawn.std(axis=0) / np.sqrt(400)
    assert (np.abs(found.mean - drawn.mean(axis=0)) < 9 * error).all()
    np.testing.assert_allclose(found.variance, drawn.var(axis=0), atol=0.02)
    entropy = -(found.mean * np.log(found.mean)).sum(-1)
    np.testing.assert_allclose(found.predictive_entropy, entropy, atol=1e-9)
    expected = entropy - np.mean(-(drawn * np.log(drawn)).sum(-1), axis=0)
    np.testing.assert_allclose(found.mutual_information, expected, atol=0.05)
    assert (found.mutual_information > 0).all()
    np.testing.assert_array_equal(array(before), array(model(X, training=False)))


def test_one_sample_has_no_variance_and_equal_seeds_give_equal_predictions():
    model = classifier(Dropout(0.5), keras.layers.Dropout(0.3))
    one = monte_carlo_predict(model, X, samples=1, seed=0)
    assert not one.variance.any()
    np.testing.assert_allclose(one.mutual_information, 0, atol=1e-12)
    again = monte_carlo_predict(model, X, samples=1, seed=0)
    np.testing.assert_array_equal(one.mean, again.mean)
    assert (monte_carlo_predict(model, X, samples=1, seed=1).mean != one.mean).any()


@pytest.mark.parametrize(
    "layer",
    [
        lambda: Dropout(0.5),
        lambda: layers.GaussianDropout(0.5),
        lambda: layers.WeightScaledDropout(0.5),
        lambda: DropConnect(keras.layers.Dense(5), 0.5),
        lambda: keras.layers.Dropout(0.5),
        lambda: keras.layers.GaussianDropout(0.5),
        lambda: keras.layers.AlphaDropout(0.5),
    ],
)
@pytest.mark.parametrize("batch_size", [4, 100])
def test_any_dropout_layer_is_sampled_and_the_model_left_as_it_was(layer, batch_size, tmp_path):
    classifier(layer()).save(tmp_path / "model.keras")
    model = keras.saving.load_model(tmp_path / "model.keras")
    before = state(model)
    found = monte_carlo_predict(model, X, samples=20, seed=1, batch_size=batch_size)
    assert found.mean.shape == (9, 3)
    assert (found.variance > 0).all()
    for was, now in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(was, now)
    plain = array(model(X))
    np.testing.assert_array_equal(plain, array(model(X, training=False)))
    np.testing.assert_allclose(plain, model.predict(X, verbose=0), atol=1e-6)


@pytest.mark.parametrize(
    "layer",
    [
        lambda: keras.layers.LSTM(4, dropout=0.5),
        lambda: keras.layers.GRU(4, recurrent_dropout=0.5),
        lambda: keras.layers.RNN(
            VariationalCell(keras.layers.LSTMCell(4), rate=0.5, recurrent_rate=0.5)
        ),
        lambda: keras.layers.RNN(keras.layers.LSTMCell(4, dropout=0.5)),
    ],
)
def test_recurrent_dropout_is_sampled(layer):
    model = classifier(layer(), shape=(5, 6))
    found = monte_carlo_predict(model, np.tile(X[:, None], (1, 5, 1)), samples=10, seed=1)
    assert (found.variance > 0).all()


def test_attention_dropout_is_sampled():
    inputs = keras.Input((5, 6))
    x = keras.layers.MultiHeadAttention(2, 3, dropout=0.5)(inputs, inputs)
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(x)))
    found = monte_carlo_predict(
        model, np.random.default_rng(0).normal(size=(4, 5, 6)), samples=10, seed=1
    )
    assert (found.variance > 0).all()


@pytest.mark.parametrize("attention", [keras.layers.Attention, keras.layers.AdditiveAttention])
def test_the_dropout_of_plain_attention_is_sampled(attention):
    inputs = keras.Input((5, 6))
    x = attention(dropout=0.5)([inputs, inputs])
    model = keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Flatten()(x)))
    found = monte_carlo_predict(
        model, np.random.default_rng(0).normal(size=(4, 5, 6)), samples=10, seed=1
    )
    assert (found.variance > 0).all()


def test_layers_inside_models_are_found_and_batch_normalization_stays_in_inference():
    inner = keras.Sequential([keras.Input((6,)), keras.layers.BatchNormalization(), Dropout(0.5)])
    model = classifier(inner)
    moving = [array(v) for v in inner.layers[0].non_trainable_weights]
    found = monte_carlo_predict(model, X * 50 + 7, samples=5, seed=1)
    assert (found.variance > 0).any()
    for was, now in zip(moving, inner.layers[0].non_trainable_weights, strict=True):
        np.testing.assert_array_equal(was, array(now))


@pytest.mark.parametrize("layer", [Dropout, keras.layers.Dropout])
def test_fixed_masks_are_held_for_all_examples(layer):
    model = classifier(layer(0.5))
    same = np.repeat(X[:1], 6, axis=0)
    held = monte_carlo_predict(model, same, samples=3, seed=1, fixed_masks=True)
    np.testing.assert_allclose(held.mean, held.mean[:1].repeat(6, axis=0), atol=1e-7)
    free = monte_carlo_predict(model, same, samples=3, seed=1)
    assert np.abs(free.mean - free.mean[:1]).max() > 1e-3


def test_logits_are_turned_into_probabilities():
    model = keras.Sequential([keras.Input((6,)), Dropout(0.5), keras.layers.Dense(3)])
    found = monte_carlo_predict(model, X, samples=5, seed=1, from_logits=True)
    np.testing.assert_allclose(found.mean.sum(-1), 1, atol=1e-6)


def test_nothing_to_sample_and_bad_arguments_are_refused():
    for model in (
        classifier(),
        classifier(Dropout(0.0)),
        classifier(keras.layers.GaussianNoise(0.1)),
    ):
        with pytest.raises(ValueError, match="nothing to sample"):
            monte_carlo_predict(model, X, samples=5, seed=1)
    model = classifier(Dropout(0.5))
    for x in ([X], {"x": X}, X[:0]):
        with pytest.raises(ValueError, match="one array"):
            monte_carlo_predict(model, x, samples=5, seed=1)
    for bad in ({"samples": 0}, {"samples": 2.5}, {"seed": -1}, {"seed": None}, {"batch_size": 0}):
        with pytest.raises(ValueError, match="Received"):
            monte_carlo_predict(model, X, **{"samples": 5, "seed": 1, **bad})


def test_a_failure_leaves_the_model_as_it_was():
    model = classifier(Dropout(0.5))
    before = state(model)
    with pytest.raises(Exception):  # noqa: B017 - whatever Keras raises for a wrong shape
        monte_carlo_predict(model, ones((4, 5)), samples=2, seed=1)
    for was, now in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(was, now)
    np.testing.assert_array_equal(array(model(X)), array(model(X, training=False)))


def test_a_rate_can_follow_a_schedule_under_fit():
    model = keras.Sequential([keras.Input((500,)), Dropout(0.0, seed=1), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append((self.model.layers[0].rate, logs["loss"]))

    x = ones((32, 500))
    target = model.predict(x, verbose=0)
    ramp = RateSchedule(lambda epoch: 0.4 * epoch)
    model.fit(x, target, epochs=3, verbose=0, callbacks=[ramp, Watch()])
    assert [rate for rate, _ in seen] == [0.0, 0.4, 0.8]
    assert seen[0][1] < 1e-6 < seen[1][1] < seen[2][1]
    with pytest.raises(ValueError, match="needs a model with a dropout layer"):
        bare = classifier(keras.layers.Dropout(0.5))
        bare.compile("sgd", "mse")
        bare.fit(X, np.ones((9, 3)), verbose=0, callbacks=[RateSchedule(lambda epoch: 0.1)])
