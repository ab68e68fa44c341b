import keras
import numpy as np
import pytest
from backend import array

from layers import MaxNorm, Maxout, MaxPieces


def test_outputs_are_the_largest_of_their_pieces():
    layer = Maxout(3, pieces=4, bias_initializer="normal")
    x = np.random.default_rng(0).normal(size=(2, 6, 5)).astype("float32")
    out = array(layer(x))
    linear = x @ array(layer.kernel) + array(layer.bias)
    np.testing.assert_allclose(out, linear.reshape(2, 6, 3, 4).max(-1), atol=1e-5)
    assert layer.compute_output_shape((None, 6, 5)) == (None, 6, 3)


def test_the_papers_maxout_network_has_its_parameters():
    """Table 2: two layers of 5 x 240 units."""
    layers = [
        keras.Input((784,)),
        Maxout(240, pieces=5),
        Maxout(240, pieces=5),
        keras.layers.Dense(10),
    ]
    expected = 785 * 1200 + 241 * 1200 + 241 * 10
    assert keras.Sequential(layers).count_params() == expected


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_it_is_saved_constrained_and_regularised(policy, tmp_path):
    layer = Maxout(
        3, pieces=4, kernel_constraint=MaxNorm(0.5), kernel_regularizer="l2", dtype=policy
    )
    model = keras.Sequential([keras.Input((5,)), layer])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    x = np.random.default_rng(0).normal(size=(8, 5))
    model.fit(x, np.ones((8, 3)) * 9, verbose=0)
    assert np.linalg.norm(array(layer.kernel), axis=0).max() <= 0.5 * (1 + 1e-5)
    assert len(layer.losses) == 1
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.layers[0].get_config() == layer.get_config()
    np.testing.assert_array_equal(array(loaded(x)), array(model(x)))


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "3"])
def test_counts_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="Received"):
        Maxout(bad, pieces=2)
    with pytest.raises(ValueError, match="Received"):
        Maxout(2, pieces=bad)


def test_a_linear_convolution_and_its_largest_pieces_are_maxout():
    x = np.random.default_rng(0).normal(size=(2, 4, 4, 6)).astype("float32")
    layer = MaxPieces(3)
    np.testing.assert_array_equal(array(layer(x)), x.reshape(2, 4, 4, 2, 3).max(-1))
    assert layer.compute_output_shape((None, 4, 4, 6)) == (None, 4, 4, 2)
    assert MaxPieces.from_config(layer.get_config()).pieces == 3
    with pytest.raises(ValueError, match="multiple of 4 pieces"):
        MaxPieces(4)(x)
    with pytest.raises(ValueError, match="Received: pieces=0"):
        MaxPieces(0)
    with pytest.raises(ValueError, match=r"a known multiple of 2 pieces\. Received: None"):
        MaxPieces(2)(keras.Input((None,)))
