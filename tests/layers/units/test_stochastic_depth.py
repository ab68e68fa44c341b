import keras
import numpy as np
import pytest
from backend import BACKEND, array, compiled_call, draws, ones

from layers import CompactedStochasticDepth, StochasticDepth


def test_an_example_keeps_all_units_or_none():
    out = array(StochasticDepth(0.4, seed=1)(ones((2000, 3, 4)), training=True)).reshape(2000, -1)
    assert ((out == out[:, :1]).all(axis=1)).all()
    assert abs((out[:, 0] == 0).mean() - 0.4) < 5 * np.sqrt(0.24 / 2000)
    np.testing.assert_allclose(out.max(), 1 / 0.6, rtol=1e-4)


def test_linear_rates_rise_from_the_first_block_to_the_last():
    rates = StochasticDepth.linear_rates(blocks=54, last=0.5)
    assert len(rates) == 54
    assert rates[-1] == 0.5
    np.testing.assert_allclose(np.diff(rates), 0.5 / 54)
    for blocks, last in ((0, 0.5), (3, 1.0), (2.5, 0.5)):
        with pytest.raises(ValueError, match="Received"):
            StochasticDepth.linear_rates(blocks, last)


class Counting(keras.layers.Layer):
    """Doubles its inputs, and notes how many examples it was given."""

    def call(self, inputs):
        self.examples = inputs.shape[0]
        return 2.0 * inputs

    def compute_output_shape(self, input_shape):
        return input_shape


def test_a_compacted_branch_is_given_kept_examples_only_and_the_mean_is_exact():
    branch = Counting()
    block = CompactedStochasticDepth(branch, 0.75, seed=1)
    x = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
    out = array(block(x, training=True))
    assert branch.examples == 10
    grown = (out != x).any(axis=1)
    assert grown.sum() == 10
    np.testing.assert_allclose(out[grown], 9 * x[grown], rtol=1e-5)  # x + 2 x * 40 / 10
    np.testing.assert_allclose(array(block(x)), 3 * x, rtol=1e-6)
    # Each example equally often: 400 draws, a share of 1/4.
    often = (draws(block, x, 400) != x).any(axis=2).mean(axis=0)
    assert np.abs(often - 0.25).max() < 5 * np.sqrt(0.1875 / 400)


@pytest.mark.parametrize("jit", [False, True])
def test_a_compacted_block_is_the_same_compiled(jit):
    x = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
    settings = {"kernel_initializer": "ones", "name": "branch"}

    def block():
        return CompactedStochasticDepth(
            keras.layers.Dense(3, **settings), 0.5, seed=1, name="block"
        )

    eager = array(block()(x, training=True))
    layer = block()
    layer.build(x.shape)
    np.testing.assert_allclose(array(compiled_call(layer, jit)(x)), eager, rtol=1e-5)


def test_a_compacted_block_trains_with_an_unknown_batch_and_is_saved(tmp_path):
    branch = keras.Sequential([keras.layers.Dense(6, "relu"), keras.layers.Dense(3)])
    block = CompactedStochasticDepth(branch, 0.5, seed=1)
    model = keras.Sequential([keras.Input((3,)), block, keras.layers.Dense(1)])
    # PyTorch compiles for a quarter of a minute.
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    model.fit(ones((10, 3)), ones((10, 1)), batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    x = ones((6, 3))
    np.testing.assert_array_equal(array(model(x)), array(loaded(x)))
    np.testing.assert_array_equal(array(model(x, training=True)), array(loaded(x, training=True)))


def test_a_branch_that_is_none_or_changes_the_shape_is_refused():
    with pytest.raises(ValueError, match="`branch` is a Keras layer"):
        CompactedStochasticDepth(lambda x: x, 0.5)
    with pytest.raises(ValueError, match="its inputs' shape"):
        CompactedStochasticDepth(keras.layers.Dense(4), 0.5)(ones((2, 3)))


@keras.saving.register_keras_serializable("tests")
class Through(keras.layers.Layer):
    """A layer around an LSTM, whose own `call` takes no mask."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.inner = keras.layers.LSTM(3, return_sequences=True)
        self.supports_masking = True

    def build(self, input_shape):
        self.inner.build(input_shape)

    def call(self, x):
        return self.inner(x)

    def compute_output_shape(self, input_shape):
        return input_shape


@pytest.mark.parametrize(
    "branch",
    [
        lambda: keras.layers.LSTM(3, return_sequences=True),
        lambda: keras.Sequential([keras.layers.LSTM(3, return_sequences=True)]),
        Through,
    ],
)
def test_a_masked_branch_sees_its_part_of_the_mask(branch):
    """At a rate so small that every example goes through, training is inference."""
    block = CompactedStochasticDepth(branch(), 2e-5, seed=1)
    x = np.random.default_rng(0).normal(size=(4, 5, 3)).astype("float32")
    mask = np.array([[0, 0, 1, 1, 1], [0, 0, 0, 0, 1], [1, 1, 1, 1, 1], [0, 1, 0, 1, 0]], bool)
    plain = array(block(x))
    masked = keras.layers.Masking()(x * mask[..., None])
    still = block(masked)
    np.testing.assert_array_equal(array(still._keras_mask), mask)
    np.testing.assert_allclose(array(block(masked, training=True)), array(still), atol=1e-6)
    # A mask that is given by itself counts as one that comes with the tensor, which stays bare.
    tensor = keras.ops.convert_to_tensor(x * mask[..., None])
    for training in (False, True):
        given = block(tensor, mask=keras.ops.convert_to_tensor(mask), training=training)
        np.testing.assert_allclose(array(given), array(still), atol=1e-6)
    assert getattr(tensor, "_keras_mask", None) is None
    assert np.abs(array(still) - plain).max() > 1e-3


def test_a_model_with_a_masked_branch_trains_compiled():
    words = keras.Input((4,), dtype="int32")
    x = keras.layers.Embedding(5, 3, mask_zero=True)(words)
    block = CompactedStochasticDepth(keras.layers.LSTM(3, return_sequences=True), 0.5, seed=1)
    model = keras.Model(words, block(x))
    model.compile("sgd", "mse", jit_compile=BACKEND != "torch")
    rows = np.array([[0, 0, 1, 2], [0, 0, 0, 3], [1, 2, 3, 4]])
    history = model.fit(rows, np.ones((3, 4, 3)), batch_size=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()


def test_linear_rates_finer_than_the_masks_are_none():
    rates = StochasticDepth.linear_rates(blocks=200, last=0.001)
    assert rates[0] == 0
    assert all(StochasticDepth(rate).rate == rate for rate in rates)
