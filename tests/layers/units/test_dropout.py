"""What the contract does not say: the paper's form, Keras's own laws, noise shapes, state."""

import keras
import numpy as np
import pytest
from backend import array, compiled_call, gradient, ones

from layers import (
    DropBlock2D,
    Dropout,
    GaussianDropout,
    SequenceDropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
    StochasticDepth,
    WeightScaledDropout,
)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_papers_form_drops_in_training_and_scales_at_test_time(rate):
    layer = WeightScaledDropout(rate, seed=5)
    out = array(layer(ones((200, 300)), training=True))
    assert set(np.unique(out)) == {0, 1}
    assert abs((out == 0).mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / out.size)
    x = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
    np.testing.assert_allclose(array(layer(x)), x * (1 - rate), rtol=1e-4)
    np.testing.assert_array_equal(array(WeightScaledDropout(0.75)(x, training=False)), x * 0.25)
    np.testing.assert_array_equal(array(WeightScaledDropout(0)(x, training=True)), x)
    np.testing.assert_array_equal(array(WeightScaledDropout(0)(x, training=False)), x)


def test_the_papers_form_passes_gradient_through_kept_units_only():
    x = np.random.default_rng(0).uniform(1, 2, (20, 30)).astype("float32")
    out, found = gradient(WeightScaledDropout(0.5, seed=1), x)
    np.testing.assert_array_equal(found, out != 0)


def test_both_forms_share_their_masks():
    x = ones((20, 30))
    one = array(Dropout(0.5, seed=1, name="d")(x, training=True))
    two = array(WeightScaledDropout(0.5, seed=1, name="d")(x, training=True))
    np.testing.assert_array_equal(one, 2 * two)


def test_gaussian_noise_has_the_variance_of_bernoulli_dropout():
    for rate in (0.2, 0.5, 0.8):
        noise = array(GaussianDropout(rate, seed=1)(ones((400, 500)), training=True)).astype(float)
        variance = rate / (1 - rate)
        assert abs(noise.var() - variance) < 6 * variance * np.sqrt(2 / noise.size)


# The laws of Keras's own tests of these layers.
@pytest.mark.parametrize("module", [keras.layers, None])
def test_keras_laws_hold_for_keras_and_for_us(module):
    layers = module or __import__("layers")
    x = ones((20, 500))
    assert not np.array_equal(array(layers.Dropout(0.5, seed=1)(x, training=True)), x)
    out = array(layers.Dropout(0.5, seed=1337)(x, training=True))
    assert out.min() == 0
    assert out.max() == 2
    out = array(layers.Dropout(0.5, noise_shape=(20, 1), seed=1)(x, training=True))
    np.testing.assert_array_equal(out, out[:, :1].repeat(500, axis=1))
    noisy = array(layers.GaussianDropout(0.3, seed=1)(x, training=True))
    assert abs(noisy.std() - np.sqrt(0.3 / 0.7)) < 0.02
    maps = array(layers.SpatialDropout2D(0.5, seed=1)(ones((2, 3, 4, 50)), training=True))
    np.testing.assert_array_equal(maps[:, 0, 0], maps[:, 1, 1])


def test_a_noise_shape_of_the_wrong_rank_is_refused():
    with pytest.raises(ValueError, match="noise_shape"):
        Dropout(0.5, noise_shape=(None, 1))(ones((6, 7, 8)), training=True)


def test_a_data_format_that_is_none_is_refused():
    with pytest.raises(ValueError, match="channels_last"):
        SpatialDropout2D(0.5, data_format="last")


def test_the_state_is_no_weight():
    layer = Dropout(0.5)
    layer(ones((2, 2)))
    assert layer.weights == []
    assert len(layer.variables) == 1


@pytest.mark.parametrize("form", [Dropout, WeightScaledDropout])
def test_loading_weights_never_changes_the_rate(form, tmp_path):
    def model(rate):
        return keras.Sequential([keras.Input((500,)), form(rate, seed=1)])

    first = model(0.5)
    first(ones((2, 500)), training=True)
    first.save_weights(tmp_path / "m.weights.h5")
    other = model(0.2)
    other.load_weights(tmp_path / "m.weights.h5")
    assert other.layers[0].rate == 0.2
    dropped = (array(other(ones((40, 500)), training=True)) == 0).mean()
    assert abs(dropped - 0.2) < 0.02
    expected = 1.0 if form is Dropout else 0.8
    np.testing.assert_allclose(array(other(ones((1, 500)))), expected, rtol=1e-4)


def test_rates_below_the_masks_resolution_are_refused():
    for rate in (1e-6, 1 - 1e-6):
        with pytest.raises(ValueError, match="65536"):
            Dropout(rate)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, True, "1"])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=r"`seed` is None or an integer in \[0, 2\^32\)"):
        Dropout(0.5, seed=seed)


def test_the_largest_seed_draws():
    out = array(Dropout(0.5, seed=2**32 - 1)(ones((4, 50)), training=True))
    assert 0 < (out == 0).mean() < 1


@pytest.mark.parametrize("noise_shape", [(0, -3), (None, 1.5), 3, "no", (True, 1)])
def test_a_noise_shape_that_is_none_is_refused(noise_shape):
    with pytest.raises(ValueError, match="`noise_shape` is None, or a tuple"):
        Dropout(0.5, noise_shape=noise_shape)


@pytest.mark.parametrize(
    ("noise_shape", "shape"), [((4, 2), (4, 3)), ((4, 3), (1, 3)), ((3, None), (4, 3))]
)
def test_a_noise_shape_of_other_sizes_than_the_inputs_is_refused(noise_shape, shape):
    """It would fail somewhere in the backend, or make outputs of another shape."""
    for kind in (Dropout, GaussianDropout, WeightScaledDropout):
        with pytest.raises(ValueError, match=r"the inputs' own size .* Received: noise_shape=\("):
            kind(0.5, noise_shape=noise_shape)(ones(shape), training=True)


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (SpatialDropout1D, {}),
        (SpatialDropout2D, {}),
        (SpatialDropout3D, {}),
        (SequenceDropout, {}),
        (StochasticDepth, {}),
        (DropBlock2D, {"block_size": 3}),
    ],
)
def test_a_layer_with_masks_of_its_own_shape_takes_no_noise_shape(kind, settings):
    for noise_shape in ((1, None, None), None):
        with pytest.raises(TypeError, match=rf"{kind.__name__} takes no `noise_shape`.* Received"):
            kind(0.5, noise_shape=noise_shape, **settings)


def test_inputs_of_integers_are_refused():
    with pytest.raises(ValueError, match=r"floating-point inputs\. Received: inputs of int32"):
        Dropout(0.5)(np.ones((2, 3), "int32"), training=True)


def test_a_model_with_layers_not_built_yet_saves(tmp_path):
    model = keras.Sequential([keras.layers.Dense(3), Dropout(0.5)])
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[1].rate == 0.5


@pytest.mark.parametrize("kind", [Dropout, GaussianDropout, WeightScaledDropout])
def test_a_mask_is_held_for_so_many_calls(kind):
    layer = kind(0.5, seed=1, calls_per_mask=3, noise_shape=(1, None))
    masks = [array(layer(ones((size, 200)), training=True)) for size in (4, 7, 2, 4, 4, 4)]
    first, second = masks[:3], masks[3:]
    for held in (first, second):
        for mask in held:  # batches of any size
            np.testing.assert_array_equal(mask, np.broadcast_to(held[0][0], mask.shape))
    assert (first[0][0] != second[0][0]).any()
    again = kind.from_config(layer.get_config())
    assert again.calls_per_mask == 3


@pytest.mark.parametrize("jit", [False, True])
def test_calls_of_one_program_share_a_held_mask(jit):
    drop = Dropout(0.5, seed=1, calls_per_mask=2)

    class Twice(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.drop = drop

        def call(self, x, training=None):
            return keras.ops.stack([self.drop(x, training=True), self.drop(x, training=True)])

    out = array(compiled_call(Twice(), jit)(ones((4, 50))))
    np.testing.assert_array_equal(out[0], out[1])


@pytest.mark.parametrize("calls", [0, -1, 1.5, True, None])
def test_a_number_of_calls_that_is_none_is_refused(calls):
    with pytest.raises(ValueError, match="`calls_per_mask` is a positive integer"):
        Dropout(0.5, calls_per_mask=calls)
