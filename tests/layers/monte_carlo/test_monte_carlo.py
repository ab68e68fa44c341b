import keras
import numpy as np
import pytest
from backend import array, draws, ones, some

import layers
from layers import DropConnect, Dropout, RateSchedule, VariationalRNN, monte_carlo_predict

X = np.random.default_rng(0).normal(size=(9, 6)).astype("float32")


def classifier(*middle, shape=(6,)):
    return keras.Sequential(
        [keras.Input(shape), *middle, keras.layers.Dense(3, "softmax", name="out")]
    )


def state(model):
    return [np.copy(keras.ops.convert_to_numpy(v)) for v in model.variables]


def test_moments_and_entropies_are_those_of_the_samples():
    keras.utils.set_random_seed(1)
    model = classifier(Dropout(0.5, seed=1, name="dropped"))
    found = monte_carlo_predict(model, X, samples=400, seed=3)
    before = model(X, training=False)
    drawn = draws(model, X, 400).astype(float)
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
@pytest.mark.parametrize("batch_size", some([4, 100], 1))
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
        lambda: keras.layers.LSTM(4, dropout=np.float32(0.5)),
        lambda: keras.layers.GRU(4, recurrent_dropout=0.5),
        lambda: VariationalRNN(keras.layers.LSTMCell(4), rate=0.5, recurrent_rate=0.5),
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


@pytest.mark.parametrize(
    "layer",
    [
        Dropout,
        keras.layers.Dropout,
        keras.layers.GaussianDropout,
        keras.layers.AlphaDropout,
        lambda rate: DropConnect(keras.layers.Dense(5), rate, per_example=True),
    ],
)
def test_fixed_masks_are_held_for_all_examples_of_all_batches(layer):
    model = classifier(layer(0.5))
    same = np.repeat(X[:1], 6, axis=0)
    settings = {"samples": 3, "seed": 1, "batch_size": 4}
    held = monte_carlo_predict(model, same, fixed_masks=True, **settings)
    assert (held.variance > 0).all()
    np.testing.assert_allclose(held.mean, held.mean[:1].repeat(6, axis=0), atol=1e-7)
    free = monte_carlo_predict(model, same, **settings)
    assert np.abs(free.mean - free.mean[:1]).max() > 1e-3


def test_logits_are_turned_into_probabilities():
    model = keras.Sequential([keras.Input((6,)), Dropout(0.5), keras.layers.Dense(3)])
    found = monte_carlo_predict(model, X, samples=5, seed=1, outputs="logits")
    np.testing.assert_allclose(found.mean.sum(-1), 1, atol=1e-6)


def test_one_class_and_values():
    x = keras.Input((6,))
    model = keras.Model(x, keras.layers.Dense(1)(Dropout(0.5, seed=1)(x)))
    logits = monte_carlo_predict(model, X, samples=50, seed=1, outputs="logits")
    values = monte_carlo_predict(model, X, samples=50, seed=1, outputs="values")
    probability = logits.mean[:, 0]
    entropy = -probability * np.log(probability) - (1 - probability) * np.log(1 - probability)
    np.testing.assert_allclose(logits.predictive_entropy, entropy, atol=1e-9)
    assert (logits.mutual_information > 0).all()
    assert values.mean.shape == (9, 1)
    assert values.predictive_entropy is values.mutual_information is None
    with pytest.raises(ValueError, match=r"not probabilities.*Received"):
        monte_carlo_predict(model, X, samples=50, seed=1)
    with pytest.raises(ValueError, match="`outputs` is one of"):
        monte_carlo_predict(model, X, samples=50, seed=1, outputs="classes")


def two_inputs():
    left, right = keras.Input((6,), name="left"), keras.Input((4,), name="right")
    both = keras.layers.Concatenate()([Dropout(0.5)(left), right])
    return keras.Model([left, right], keras.layers.Dense(3, "softmax")(both))


def test_several_inputs_and_one_output():
    model, other = two_inputs(), ones((9, 4))
    listed = monte_carlo_predict(model, [X, other], samples=4, seed=1)
    named = monte_carlo_predict(model, {"left": X, "right": other}, samples=4, seed=1)
    np.testing.assert_array_equal(listed.mean, named.mean)
    assert (listed.variance > 0).all()


class Guarded(keras.Model):
    """Calls its dropout only when training: sampling it at inference would do nothing."""

    def __init__(self, guarded):
        super().__init__()
        self.guarded, self.drop = guarded, Dropout(0.5)
        self.out = keras.layers.Dense(3, "softmax")

    def call(self, x, training=None):
        return self.out(x if self.guarded and not training else self.drop(x))


def test_a_model_that_is_written_as_a_class():
    model = Guarded(False)
    model(X)
    assert (monte_carlo_predict(model, X, samples=4, seed=1).variance > 0).all()
    silent = Guarded(True)
    silent(X, training=True)
    with pytest.raises(ValueError, match="calls none of its dropout layers at inference"):
        monte_carlo_predict(silent, X, samples=4, seed=1)


@keras.saving.register_keras_serializable("tests")
class Counting(keras.layers.Layer):
    """Counts the rows that it has seen."""

    def build(self, shape):
        self.rows = self.add_weight(shape=(), initializer="zeros", trainable=False)

    def call(self, x):
        rows = keras.ops.cast(keras.ops.shape(x)[0], "float32")
        self.rows.assign_add(rows)
        # The count is put back afterwards, so it leaves by the outputs.
        return x * 0 + self.rows


def test_what_comes_before_dropout_is_computed_once():
    counting = Counting()
    before = keras.Sequential([keras.Input((6,)), counting, Dropout(0.5, seed=1)])
    found = monte_carlo_predict(before, X, samples=50, seed=1, batch_size=100, outputs="values")
    assert found.mean.max() <= 2 * 9
    assert float(counting.rows) == 0
    after = keras.Sequential([keras.Input((6,)), Dropout(0.5, seed=1), Counting()])
    found = monte_carlo_predict(after, X, samples=50, seed=1, batch_size=100, outputs="values")
    assert found.mean.max() > 300


def test_a_graph_that_branches_before_dropout():
    x = keras.Input((6,))
    left = keras.layers.Dense(6, "relu")(x)
    right = keras.layers.BatchNormalization()(x)
    y = keras.layers.Add()([Dropout(0.5, seed=1)(left), right, x])
    model = keras.Model(x, keras.layers.Dense(3, "softmax")(y))
    whole = Whole(model)
    whole(X)
    fast = monte_carlo_predict(model, X, samples=2000, seed=1)
    slow = monte_carlo_predict(whole, X, samples=2000, seed=1)
    error = 6 * np.sqrt((fast.variance + slow.variance) / 2000) + 1e-6
    assert (np.abs(fast.mean - slow.mean) < error).all()


class Whole(keras.Model):
    """The same model, opaque."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def call(self, x):
        return self.model(x)


def test_masks_of_keras_reach_the_layers_behind_dropout():
    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(7, 6, mask_zero=True),
            Dropout(0.5, seed=1),
            keras.layers.LSTM(4),
            keras.layers.Dense(3, "softmax"),
        ]
    )
    short = np.array([[1, 2, 0, 0, 0]])
    found = monte_carlo_predict(model, short, samples=300, seed=1)
    drawn = array(model(short.repeat(300, axis=0), training=True))
    error = 8 * drawn.std(axis=0) / np.sqrt(300)
    assert (np.abs(found.mean[0] - drawn.mean(axis=0)) < error).all()


def test_samples_differ_where_a_layer_has_one_mask_a_batch():
    for layer in (
        Dropout(0.5, noise_shape=(1, None)),
        keras.layers.Dropout(0.5, noise_shape=(1, 6)),
        DropConnect(keras.layers.Dense(5), 0.5),
    ):
        found = monte_carlo_predict(classifier(layer), X, samples=20, seed=1)
        assert (found.variance > 0).all()


def counting_rnn(batch):
    """Adds up its inputs, on and on."""
    x = keras.Input(batch_shape=(batch, 3, 1))
    settings = {"activation": None, "use_bias": False, "stateful": True}
    ones = {"kernel_initializer": "ones", "recurrent_initializer": "ones"}
    rnn = keras.layers.SimpleRNN(1, **settings, **ones)
    return x, rnn


@pytest.mark.parametrize("before", [True, False])
def test_every_sample_starts_from_the_states_of_stateful_layers_and_they_stay(before):
    x, rnn = counting_rnn(2)
    rate = 2e-5  # drops one unit in 65,536: the masks depend on the layer's automatic name
    y = rnn(Dropout(rate)(x)) if before else Dropout(rate)(rnn(x))
    model = keras.Model(x, y)
    data = ones((2, 3, 1))
    model(data)
    for _ in range(2):
        found = monte_carlo_predict(model, data, samples=5, seed=1, outputs="values", batch_size=2)
        np.testing.assert_allclose(found.mean, 6, rtol=0.01)
        np.testing.assert_array_equal(array(rnn.states[0]), 3)


def test_batch_normalization_in_a_cell_does_not_train():
    layer = VariationalRNN(keras.layers.GRUCell(4), rate=0.5, recurrent_rate=0.5)
    norm = keras.layers.BatchNormalization()
    model = classifier(norm, layer, shape=(2, 6))
    before = state(model)
    monte_carlo_predict(model, np.stack([X, X], 1), samples=3, seed=1)
    for was, now in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(was, now)


def test_a_subclass_with_a_call_of_its_own_is_followed():
    class Tenfold(keras.Model):
        def __init__(self):
            x = keras.Input((3,))
            super().__init__(x, Dropout(0.5)(keras.layers.Rescaling(1.0)(x)))

        def call(self, x, training=None):
            return 10 * super().call(x, training=training)

    found = monte_carlo_predict(Tenfold(), ones((1, 3)), samples=400, seed=1, outputs="values")
    np.testing.assert_allclose(found.mean, 10, atol=3)


def test_inputs_are_cast_and_shaped_as_keras_does():
    x = keras.Input((3,))
    model = keras.Model(x, Dropout(0.001)(keras.ops.square(x)))
    pixels = np.array([[20, 30, 3]], "uint8")
    found = monte_carlo_predict(model, pixels, samples=3, seed=1, outputs="values")
    np.testing.assert_allclose(found.mean, [[400, 900, 9]], rtol=0.01)
    x = keras.Input((1,))
    model = keras.Model(x, Dropout(0.001)(keras.layers.Rescaling(2.0)(x)))
    found = monte_carlo_predict(model, ones((4,)), samples=3, seed=1, outputs="values")
    np.testing.assert_allclose(found.mean, np.full((4, 1), 2), rtol=0.01)


def test_fixed_masks_of_dropconnect_are_of_single_weights():
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    for per_example in (False, True):
        model = keras.Sequential(
            [keras.Input((100,)), DropConnect(dense, 0.5, per_example=per_example, seed=1)]
        )
        settings = {"samples": 300, "seed": 3, "outputs": "values", "fixed_masks": True}
        found = monte_carlo_predict(model, ones((2, 100)), **settings)
        # 100 weights of variance 1 each, those of both examples alike.
        np.testing.assert_allclose(found.variance, 100, rtol=0.3)
        np.testing.assert_array_equal(found.variance[0], found.variance[1])
        assert model.layers[0].per_example == per_example


def test_nothing_to_sample_and_bad_arguments_are_refused():
    for model in (
        classifier(),
        classifier(Dropout(0.0)),
        classifier(keras.layers.GaussianNoise(0.1)),
    ):
        with pytest.raises(ValueError, match="nothing to sample"):
            monte_carlo_predict(model, X, samples=5, seed=1)
    with pytest.raises(ValueError, match="is a Keras model"):
        monte_carlo_predict(None, X, samples=5, seed=1)
    model = classifier(Dropout(0.5))
    for x in (X[:0], [X, X[:3]], [], np.float32(1)):
        with pytest.raises(ValueError, match="one number of examples"):
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


def test_a_schedule_that_is_no_function_is_refused():
    with pytest.raises(ValueError, match="`schedule` is a function"):
        RateSchedule(0.5)
    for wrong in (Dropout(0.5), [keras.layers.Dropout(0.5)]):
        with pytest.raises(ValueError, match="`layers` is None or a list"):
            RateSchedule(lambda epoch: 0.5, layers=wrong)


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
