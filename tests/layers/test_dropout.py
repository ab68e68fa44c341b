import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from layers import Dropout, WeightScaledDropout

VARIANTS = (Dropout, WeightScaledDropout)
SHAPE = (200, 300)
UNITS = math.prod(SHAPE)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("rate", [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
def test_realised_rate_is_within_binomial_bounds(variant, rate):
    dropped = variant(rate, seed=5)(np.ones(SHAPE, "float32"), training=True).numpy() == 0
    assert abs(dropped.mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / UNITS)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_training_preserves_the_mean_under_every_policy(policy, rate):
    x = np.random.default_rng(0).uniform(0.5, 1.5, SHAPE).astype("float32")
    layer = Dropout(rate, seed=2, dtype=policy)
    out = layer(x, training=True)
    assert keras.backend.standardize_dtype(out.dtype) == layer.compute_dtype
    out = ops.convert_to_numpy(ops.cast(out, "float32"))
    deviation = math.sqrt((x**2).mean() * rate / (1 - rate) / UNITS)
    assert abs(out.mean() - x.mean()) < 5 * deviation + 1e-4


def test_inference_is_the_identity_or_the_weight_scaling():
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(Dropout(0.75)(x, training=False), x)
    np.testing.assert_array_equal(Dropout(0.75)(x), x)
    np.testing.assert_array_equal(WeightScaledDropout(0.75)(x, training=False), x * 0.25)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("training", [True, False])
def test_rate_zero_is_the_identity(variant, training):
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    np.testing.assert_array_equal(variant(0)(x, training=training), x)


@pytest.mark.parametrize(("variant", "scale"), [(Dropout, 2.0), (WeightScaledDropout, 1.0)])
def test_gradient_flows_through_kept_units_only(variant, scale):
    x = tf.Variable(np.random.default_rng(0).uniform(1, 2, (20, 30)).astype("float32"))
    with tf.GradientTape() as tape:
        out = variant(0.5, seed=1)(x, training=True)
    gradient = tape.gradient(out, x).numpy()
    np.testing.assert_array_equal(gradient, np.where(out.numpy() != 0, scale, 0))


def test_masks_differ_between_calls_and_between_layers_of_one_seed():
    x = np.ones((10, 10), "float32")
    one, two = Dropout(0.5, seed=1, name="one"), Dropout(0.5, seed=1, name="two")
    first = one(x, training=True).numpy()
    assert (first != one(x, training=True).numpy()).any()
    assert (first != two(x, training=True).numpy()).any()
    again = Dropout(0.5, seed=1, name="one")
    np.testing.assert_array_equal(first, again(x, training=True).numpy())


def test_noise_shape_shares_the_mask_along_its_ones():
    out = Dropout(0.5, noise_shape=(None, 1, None), seed=1)(np.ones((6, 7, 8)), training=True)
    np.testing.assert_array_equal(out, np.repeat(out[:, :1], 7, axis=1))
    with pytest.raises(ValueError, match="noise_shape"):
        Dropout(0.5, noise_shape=(None, 1))(np.ones((6, 7, 8)), training=True)


@pytest.mark.parametrize("rate", [True, math.nan, -0.1, 1, 1.5, "0.5", None, 1 - 1e-9])
def test_a_rate_outside_its_range_is_refused(rate):
    with pytest.raises(ValueError, match="Received"):
        Dropout(rate)


def test_a_new_rate_takes_effect_in_a_compiled_function():
    layer = Dropout(0.1, seed=1)
    compiled = tf.function(lambda x: layer(x, training=True), jit_compile=True, autograph=False)
    x = np.ones(SHAPE, "float32")
    compiled(x)
    layer.rate = 0.9
    out = compiled(x).numpy()
    assert abs((out == 0).mean() - 0.9) < 0.01
    assert layer.get_config()["rate"] == 0.9
    assert out.max() == pytest.approx(10, rel=1e-3)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_config_round_trip_keeps_everything(variant, policy):
    layer = variant(0.3, noise_shape=(None, 1), seed=4, dtype=policy, name="mine", trainable=False)
    again = variant.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    assert again.dtype_policy.name == policy


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_saved_model_goes_on_with_the_same_masks(variant, tmp_path):
    model = keras.Sequential([keras.Input((30,)), variant(0.5)])
    x = np.ones((4, 30), "float32")
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(model(x, training=True), loaded(x, training=True))
    np.testing.assert_array_equal(model(x, training=True), loaded(x, training=True))


def test_the_state_is_no_weight():
    layer = Dropout(0.5)
    layer(np.ones((2, 2)))
    assert layer.weights == []


class Outer(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.inner = Dropout(0.5, seed=1)

    def call(self, inputs):
        return self.inner(inputs)


def test_training_reaches_a_nested_layer_also_under_fit():
    x = np.ones((8, 50), "float32")
    assert (Outer()(x, training=True).numpy() == 0).any()
    model = keras.Sequential([keras.Input((50,)), Outer(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(x, np.ones((8, 1)), epochs=2, batch_size=4, verbose=0)
    assert int(model.layers[0].inner.stream.state[2]) == 4


def test_unknown_sizes_are_accepted():
    inputs = keras.Input((None, 3))
    model = keras.Model(inputs, Dropout(0.5, seed=1)(inputs))
    compiled = tf.function(
        lambda x: model(x, training=True), input_signature=[tf.TensorSpec((None, None, 3))]
    )
    assert compiled(np.ones((2, 9, 3), "float32")).shape == (2, 9, 3)
    assert compiled(np.ones((5, 4, 3), "float32")).shape == (5, 4, 3)
