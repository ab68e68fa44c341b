import keras
import numpy as np
import pytest
from backend import ONCE, array, ones, some
from keras import ops

from layers import SequenceDropout, VariationalRNN
from layers.noise.masks import random_bernoulli

CELLS = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)


class Recorder(keras.layers.SimpleRNNCell):
    """A cell that returns what it is given: its inputs and the state fed back."""

    def get_initial_state(self, batch_size=None):
        return [ops.ones((batch_size, self.units))]

    def call(self, inputs, states, training=None):
        seen = ops.concatenate([inputs, states[0]], axis=-1)
        return seen, [ops.ones_like(states[0])]


def rnn(cell, **settings):
    return VariationalRNN(cell, seed=3, return_sequences=True, **settings)


def test_one_mask_for_all_steps_of_a_call_and_another_in_the_next():
    layer = rnn(Recorder(200), rate=0.3, recurrent_rate=0.6)
    seen = array(layer(ones((16, 7, 100)), training=True))
    np.testing.assert_array_equal(seen, seen[:, :1].repeat(7, axis=1))
    inputs, fed_back = seen[:, 0, :100], seen[:, 0, 100:]
    assert abs((inputs == 0).mean() - 0.3) < 5 * np.sqrt(0.21 / inputs.size)
    assert abs((fed_back == 0).mean() - 0.6) < 5 * np.sqrt(0.24 / fed_back.size)
    assert inputs.max() == pytest.approx(1 / 0.7, rel=1e-4)
    assert fed_back.max() == pytest.approx(1 / 0.4, rel=1e-4)
    assert (inputs[0] != inputs[1]).any(), "examples have masks of their own"
    again = array(layer(ones((16, 7, 100)), training=True))
    assert (again != seen).any()


@pytest.mark.parametrize("reset_after", some([True, False], 1))
@pytest.mark.parametrize("use_bias", [True, False])
def test_the_gates_of_a_gru_see_dropped_units_and_its_memory_stays_whole(reset_after, use_bias):
    """By hand: Keras's own cell, its recurrent kernel's rows dropped and scaled, one example."""
    cell = keras.layers.GRUCell(
        40, reset_after=reset_after, use_bias=use_bias, bias_initializer="normal"
    )
    layer = rnn(cell, rate=0.0, recurrent_rate=0.5)
    x = np.random.default_rng(0).normal(size=(1, 6, 3)).astype("float32")
    layer(x)
    calls = ops.convert_to_numpy(layer.recurrent_dropout.stream.state).copy()
    factor = array(layer.recurrent_dropout(ones((1, 40)), training=True))[0]
    layer.recurrent_dropout.stream.state.assign(calls)
    out = array(layer(x, training=True))
    cell.recurrent_kernel.assign(cell.recurrent_kernel * factor[:, None])
    expected = array(keras.layers.RNN(cell, return_sequences=True)(x))
    np.testing.assert_allclose(out, expected, atol=1e-5)
    assert 0 < (factor == 0).mean() < 1


@ONCE
@pytest.mark.parametrize("cell", CELLS[:2])
def test_long_sequences_stay_bounded_in_training(cell):
    layer = VariationalRNN(cell(32), rate=0.0, recurrent_rate=0.75, seed=1)
    x = np.random.default_rng(0).normal(size=(16, 100, 8)).astype("float32")
    assert np.abs(array(layer(x, training=True))).max() <= 1


@ONCE
@pytest.mark.parametrize("cell", CELLS)
def test_inference_is_that_of_the_cell_alone(cell):
    inner = cell(6)
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    ours = rnn(inner, rate=0.5, recurrent_rate=0.5)
    plain = keras.layers.RNN(inner, return_sequences=True)
    np.testing.assert_allclose(array(ours(x)), array(plain(x)), atol=1e-6)
    assert np.abs(array(ours(x, training=True)) - array(plain(x))).max() > 1e-3
    off = rnn(inner, rate=0.0, recurrent_rate=0.0)
    np.testing.assert_allclose(array(off(x, training=True)), array(plain(x)), atol=1e-6)


@pytest.mark.parametrize("cell", some(CELLS, 1))
def test_fit_save_and_unknown_lengths(cell, tmp_path):
    model = keras.Sequential(
        [
            keras.Input((None, 3)),
            VariationalRNN(cell(6), rate=0.2, recurrent_rate=0.2, seed=1),
            keras.layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    x = np.random.default_rng(0).normal(size=(8, 5, 3)).astype("float32")
    model.fit(x, np.ones((8, 1)), epochs=1, batch_size=4, verbose=0)
    calls = int(model.layers[0].recurrent_dropout.stream.state[2])
    model.predict(x, verbose=0)
    assert int(model.layers[0].recurrent_dropout.stream.state[2]) == calls == 2
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for length in (5, 9):
        x = ones((2, length, 3))
        np.testing.assert_allclose(array(loaded(x)), array(model(x)), atol=1e-6)
    np.testing.assert_array_equal(array(loaded(x, training=True)), array(model(x, training=True)))
    clone = keras.models.clone_model(model)
    assert clone.layers[0].recurrent_rate == 0.2


def test_the_directions_of_a_bidirectional_layer_drop_apart():
    cell = keras.layers.SimpleRNNCell(
        60, None, kernel_initializer="ones", recurrent_initializer="ones"
    )
    settings = {"rate": 0.5, "recurrent_rate": 0.5, "seed": 1, "return_sequences": True}
    both = keras.layers.Bidirectional(VariationalRNN(cell, **settings))
    both(ones((2, 3, 40)))
    for name in ("input_dropout", "recurrent_dropout"):
        layers = (both.forward_layer, both.backward_layer)
        one, other = (getattr(layer, name).stream.words() for layer in layers)
        assert int(one[0]) == int(other[0])
        assert int(one[1]) != int(other[1])


def test_states_given_and_returned_are_those_of_keras():
    cell = keras.layers.LSTMCell(4)
    layer = VariationalRNN(cell, rate=0.5, recurrent_rate=0.5, return_state=True)
    x, states = ones((2, 3, 5)), [ones((2, 4)), ones((2, 4))]
    expected = keras.layers.RNN(cell, return_state=True)(x, initial_state=states)
    for found, want in zip(layer(x, initial_state=states), expected, strict=True):
        np.testing.assert_allclose(array(found), array(want), atol=1e-6)
    symbolic = layer(keras.Input((3, 5)))
    assert [tuple(t.shape) for t in symbolic] == [(None, 4)] * 3


def test_a_stateful_layer_keeps_its_states_and_draws_new_masks():
    layer = VariationalRNN(
        keras.layers.GRUCell(50), rate=0.5, recurrent_rate=0.5, seed=1, stateful=True
    )
    x = ones((2, 3, 40))
    first = array(layer(x, training=True))
    layer.reset_state()
    assert (array(layer(x, training=True)) != first).any()
    layer.reset_state()
    one = array(layer(x))
    assert (array(layer(x)) != one).any(), "the second call goes on where the first ended"


def test_steps_masked_by_keras_change_nothing():
    layer = rnn(keras.layers.LSTMCell(4), rate=0.5, recurrent_rate=0.5)
    x = np.random.default_rng(0).normal(size=(2, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 1, 0, 0], [1, 1, 0, 0, 0]], bool)
    out = array(layer(x, mask=mask, training=True))
    np.testing.assert_array_equal(out[0, 2], out[0, 4])
    np.testing.assert_array_equal(out[1, 1], out[1, 4])


def test_sequence_dropout_holds_its_mask_over_the_steps_of_any_rank():
    out = array(SequenceDropout(0.5, seed=1)(ones((3, 7, 4, 5)), training=True))
    np.testing.assert_array_equal(out, out[:, :1].repeat(7, axis=1))
    assert 0 < (out == 0).mean() < 1


def test_a_cell_with_dropout_of_its_own_is_refused():
    with pytest.raises(ValueError, match="must be off"):
        VariationalRNN(keras.layers.LSTMCell(3, dropout=0.1), rate=0.1, recurrent_rate=0.1)
    with pytest.raises(ValueError, match="Received"):
        VariationalRNN(keras.layers.LSTMCell(3), rate=1, recurrent_rate=0.1)
    cells = [keras.layers.LSTMCell(3), keras.layers.LSTMCell(3)]
    for other in (3, cells, keras.layers.StackedRNNCells(cells), keras.layers.Dense(3)):
        with pytest.raises(ValueError, match="one LSTMCell, GRUCell or SimpleRNNCell"):
            VariationalRNN(other, rate=0.1, recurrent_rate=0.1)


@ONCE
@pytest.mark.parametrize("cell", CELLS)
def test_at_rates_of_zero_in_training_it_is_kerass_own(cell):
    inner = cell(5)
    layer = VariationalRNN(inner, rate=0.0, recurrent_rate=0.0, recurrent_weight_rate=0.0)
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    plain = keras.layers.RNN(inner)
    out = array(layer(x, training=True))
    np.testing.assert_allclose(out, array(plain(x)), atol=1e-6)


@pytest.mark.parametrize("cell", some(CELLS, 2))
def test_recurrent_weights_are_dropped_once_for_all_sequences_and_steps(cell):
    x = np.random.default_rng(0).normal(size=(3, 6, 4)).astype("float32")
    inner = cell(5)
    settings = {"rate": 0.0, "recurrent_rate": 0.0}
    layer = VariationalRNN(inner, **settings, recurrent_weight_rate=0.5, seed=1, name="rnn")
    plain = keras.layers.RNN(inner)
    before = array(plain(x))
    words = layer(x) is not None and layer.weight_dropout.stream.words()
    kept = ops.convert_to_numpy(
        random_bernoulli(*words, 32_768, tuple(inner.recurrent_kernel.shape))
    )
    out = array(layer(x, training=True))
    np.testing.assert_allclose(array(layer(x)), before, atol=1e-6)
    own = array(inner.recurrent_kernel)
    inner.recurrent_kernel.assign(own * kept * 2)
    np.testing.assert_allclose(out, array(plain(x)), atol=1e-5)
    assert 0 < kept.mean() < 1
    inner.recurrent_kernel.assign(own)
    again = array(layer(x, training=True))
    assert (np.abs(again - out) > 1e-6).any()
    loaded = VariationalRNN.from_config(layer.get_config())
    assert loaded.recurrent_weight_rate == 0.5


def test_weights_of_a_cell_of_the_users_cannot_be_dropped():
    settings = {"rate": 0.1, "recurrent_rate": 0.1}
    with pytest.raises(ValueError, match="a cell of another class"):
        VariationalRNN(Recorder(3), **settings, recurrent_weight_rate=0.5)
    with pytest.raises(ValueError, match="a cell of another class"):
        VariationalRNN(Recorder(3), **settings).recurrent_weight_rate = 0.5
