import keras
import numpy as np
import pytest
from backend import BACKEND, ONCE, array, compiled_call, draws, gradient, some
from keras import ops

from layers import SliceDropout
from layers.weights.slices import _Slice


def block(*units, rate=0.5, activation=None, **settings):
    dense = [keras.layers.Dense(n, activation, name=f"dense{i}") for i, n in enumerate(units)]
    return SliceDropout(dense, rate, **{"seed": 1, "name": "block", **settings})


def inputs(*shape):
    return np.random.default_rng(0).normal(size=shape).astype("float32")


def weights(layer):
    return [[array(w) for w in dense.weights] for dense in layer.layers]


def with_kept(weights, x, kept, factor):
    """The plain chain if of the hidden layer only the units `kept` were there."""
    (first, bias), (second, out_bias) = weights
    hidden = np.tanh(x @ first + bias) * factor
    return np.tanh(hidden[:, kept] @ second[kept] + out_bias)


@pytest.mark.parametrize(
    ("units", "rate", "size"), some([(7, 0.4, 4), (64, 0.5, 32), (48, 0.25, 36)], 1)
)
def test_one_slice_for_the_batch_round_the_end_and_each_equally_often(units, rate, size):
    layer, x = block(units, 3, rate=rate, activation="tanh"), inputs(5, 6)
    layer(x)
    starts = []
    for out in draws(layer, x, 60):
        errors = [
            np.abs(
                with_kept(weights(layer), x, (start + np.arange(size)) % units, units / size) - out
            ).max()
            for start in range(units)
        ]
        assert min(errors) < 1e-5
        starts.append(int(np.argmin(errors)))
    possible = sorted(set(starts))
    # Starts lie evenly round the layer, so that each unit is kept equally often.
    assert len(possible) > 2
    steps = set(np.diff(possible))
    assert all(step % min(steps) == 0 for step in steps)
    assert units % min(steps) == 0


@ONCE
@pytest.mark.parametrize("units", [16, 48, 64, 512, 1000])
def test_slices_start_at_many_places_and_neighbours_are_parted(units):
    layer = SliceDropout(
        [
            keras.layers.Dense(units, use_bias=False, kernel_initializer="ones"),
            keras.layers.Dense(units, use_bias=False, kernel_initializer="identity"),
        ],
        0.5,
        seed=1,
    )
    kept = draws(layer, np.ones((1, 1), "float32"), 800)[:, 0] > 0
    assert len(np.unique(kept, axis=0)) >= 0.95 * min(units, 32)
    together = (kept[:, 1:] == kept[:, :-1]).all(axis=0)
    assert units > 63 or not together.any()


def test_inference_and_rate_0_are_the_plain_chain():
    x = inputs(4, 6)
    layer = block(8, 8, 3, activation="relu")
    plain = x
    layer(x)
    for dense in layer.layers:
        plain = array(dense(plain))
    np.testing.assert_allclose(array(layer(x)), plain, rtol=1e-6)
    none = block(8, 8, 3, rate=0.0, activation="relu")
    none(x)
    none.set_weights(layer.get_weights())
    np.testing.assert_allclose(array(none(x, training=True)), plain, rtol=1e-6)


@ONCE
def test_the_mean_over_masks_is_the_plain_chain_where_all_is_linear():
    layer, x = block(8, 3), inputs(2, 6)
    plain = array(layer(x))
    drawn = draws(layer, x, 144)
    error = drawn.std(axis=0) / 12
    assert (np.abs(drawn.mean(axis=0) - plain) < 5 * error + 1e-6).all()


def test_the_gradient_of_a_slice_is_that_of_the_units_kept_and_zero_for_the_others():
    class Slicing(keras.layers.Layer):
        def call(self, weight, training=None):
            return _Slice(ops.convert_to_tensor(29, "int32"), 64, 12).of(weight, self.axis) ** 2

    weight = inputs(64, 64)
    kept = (58 + np.arange(12)) % 64  # from the 30th block of two units on, round the end
    for axis in (0, 1):
        layer = Slicing()
        layer.axis = axis
        out, found = gradient(layer, weight)
        assert out.shape == ((12, 64), (64, 12))[axis]
        expected = np.zeros_like(weight)
        rows = (kept,) if axis == 0 else (slice(None), kept)
        expected[rows] = 2 * weight[rows]
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@pytest.mark.parametrize("jit", [False, True])
def test_it_is_the_same_compiled(jit):
    x = inputs(5, 6)
    first = block(32, 16, 3, activation="relu")
    first(x)
    second = block(32, 16, 3, activation="relu")
    second(x)
    second.set_weights(first.get_weights())
    eager = array(first(x, training=True))
    np.testing.assert_allclose(array(compiled_call(second, jit)(x)), eager, atol=1e-5)


def test_it_trains_and_is_saved(tmp_path):
    keras.utils.set_random_seed(1)
    dense = [keras.layers.Dense(32, "relu"), keras.layers.Dense(16, "relu"), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((6,)), SliceDropout(dense, 0.5, seed=1)])
    # PyTorch compiles for a quarter of a minute.
    model.compile("adam", "mse", jit_compile=BACKEND != "torch")
    x = inputs(64, 6)
    y = x[:, :1]
    before = model.evaluate(x, y, verbose=0)
    model.fit(x, y, epochs=40, verbose=0)
    assert model.evaluate(x, y, verbose=0) < 0.8 * before
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(model(x, training=True)), array(loaded(x, training=True)))


def test_half_precision_keeps_its_dtype():
    layer = SliceDropout(
        [
            keras.layers.Dense(8, dtype="mixed_float16"),
            keras.layers.Dense(3, dtype="mixed_float16"),
        ],
        0.5,
        seed=1,
    )
    out = layer(inputs(2, 4), training=True)
    assert keras.backend.standardize_dtype(out.dtype) == "float16"


def test_what_cannot_be_sliced_is_refused():
    dense = keras.layers.Dense(3)
    for given in (
        [dense],
        dense,
        [dense, keras.layers.LSTM(3)],
        [dense, keras.layers.Conv1D(3, 1)],
    ):
        with pytest.raises(ValueError, match="two or more"):
            SliceDropout(given, 0.5)
    with pytest.raises(ValueError, match="elementwise"):
        SliceDropout([keras.layers.Dense(3, "softmax"), dense], 0.5)
    with pytest.raises(ValueError, match="activity regularizer"):
        SliceDropout([keras.layers.Dense(3, activity_regularizer="l2"), dense], 0.5)
    with pytest.raises(ValueError, match="Received"):
        SliceDropout([dense, keras.layers.Dense(3)], 1.0)
