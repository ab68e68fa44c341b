import keras
import numpy as np
import pytest
from backend import array, ones

from layers import ConcreteDropout


def entropy(rate):
    return -rate * np.log(rate) - (1 - rate) * np.log(1 - rate)


def test_the_penalty_is_the_published_one_in_training_and_inference():
    dense = keras.layers.Dense(3)
    layer = ConcreteDropout(dense, 0.3, weight_regularizer=0.01, dropout_regularizer=0.1)
    for training in (True, False):
        layer(ones((2, 5)), training=training)
        expected = 0.01 * (array(dense.kernel) ** 2).sum() / 0.7 - 0.1 * 5 * entropy(0.3)
        assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)


def test_a_convolution_loses_whole_maps_and_counts_channels():
    layer = ConcreteDropout(
        keras.layers.Conv2D(4, 1, kernel_initializer="ones", use_bias=False),
        0.5,
        weight_regularizer=0.0,
        dropout_regularizer=1.0,
        seed=1,
    )
    out = array(layer(ones((6, 3, 3, 8)), training=True))
    np.testing.assert_array_equal(out, out[:, :1, :1].repeat(3, axis=1).repeat(3, axis=2))
    assert float(layer.losses[0]) == pytest.approx(-8 * entropy(0.5), rel=1e-5)


def learned(noise, examples=2000):
    """The rate learned on a linear task with so much noise in the targets."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(examples, 8)).astype("float32")
    y = (x @ np.ones((8, 1)) + noise * rng.normal(size=(examples, 1))).astype("float32")
    layer = ConcreteDropout(
        keras.layers.Dense(1), 0.3, dropout_regularizer=2 / examples, seed=1, name="learned"
    )
    model = keras.Sequential([keras.Input((8,)), layer])
    model.compile(keras.optimizers.Adam(0.02), "mse")
    model.fit(x, y, batch_size=200, epochs=20, verbose=0)
    return layer.rate


def test_the_rate_is_learned_and_falls_where_dropout_only_adds_noise():
    assert 0.0 < learned(noise=0.0) < 0.1


def test_a_learned_rate_is_saved_and_loaded(tmp_path):
    layer = ConcreteDropout(keras.layers.Dense(2), 0.1, seed=1)
    model = keras.Sequential([keras.Input((4,)), layer])
    layer.rate = 0.4
    assert layer.rate == pytest.approx(0.4)
    model.save(tmp_path / "model.keras")
    model.save_weights(tmp_path / "model.weights.h5")
    loaded = keras.saving.load_model(tmp_path / "model.keras").layers[0]
    assert loaded.rate == pytest.approx(0.4)
    again = keras.Sequential([keras.Input((4,)), ConcreteDropout(keras.layers.Dense(2), 0.1)])
    again.load_weights(tmp_path / "model.weights.h5")
    assert again.layers[0].rate == pytest.approx(0.4)


def test_what_cannot_be_learned_or_wrapped_is_refused():
    dense = keras.layers.Dense(2)
    with pytest.raises(ValueError, match=r"in \(0, 1\)"):
        ConcreteDropout(dense, 0.0)
    with pytest.raises(ValueError, match=r"in \(0, 1\)"):
        ConcreteDropout(dense, 0.5).rate = 0
    with pytest.raises(ValueError, match="`temperature` above 0"):
        ConcreteDropout(dense, 0.5, temperature=0)
    with pytest.raises(ValueError, match="from 0 up"):
        ConcreteDropout(dense, 0.5, dropout_regularizer=-1)
    for wrong in (None, "x", True, float("nan")):
        with pytest.raises(ValueError, match=r"`weight_regularizer` is a number from 0 up\. Rec"):
            ConcreteDropout(dense, 0.5, weight_regularizer=wrong)
        with pytest.raises(ValueError, match=r"`temperature` above 0\. Received"):
            ConcreteDropout(dense, 0.5, temperature=wrong)
    with pytest.raises(ValueError, match="one of Dense"):
        ConcreteDropout(keras.layers.LSTM(2), 0.5)
