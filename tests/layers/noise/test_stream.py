"""The state behind masks, as part of a model's: its paths, and what files make of it."""

import keras
import numpy as np
import pytest
from backend import array, ones

from layers import DropConnect, Dropout, StochasticDepth, VariationalRNN


def recurrent(name=None):
    rates = {"rate": 0.5, "recurrent_rate": 0.5, "recurrent_weight_rate": 0.5}
    cell = keras.layers.LSTMCell(4)
    return VariationalRNN(cell, **rates, seed=1, return_sequences=True, name=name)


def test_every_stream_of_a_model_has_a_path_of_its_own():
    inner = [
        keras.Sequential([keras.Input((3, 4)), Dropout(0.5, name="drop")], name=name)
        for name in ("left", "right")
    ]
    connect = DropConnect(keras.layers.Dense(4), 0.5, drop_bias=True)
    parts = [*inner, connect, Dropout(0.5), recurrent(), recurrent(), StochasticDepth(0.2)]
    model = keras.Sequential([keras.Input((3, 4)), *parts])
    model.compile("sgd", "mse")
    paths = [v.path for v in model.non_trainable_variables if v.name == "mask_stream"]
    assert len(set(paths)) == len(paths) == 2 + 2 + 1 + 3 + 3 + 1
    # Each tells whose it is.
    for path, part in zip(paths, ("drop", "drop", "weights", "bias", "dropout"), strict=False):
        assert path.startswith(f"{part}_masks")


def test_a_models_state_tree_holds_its_masks():
    def made():
        dense = keras.layers.Dense(3)
        return keras.Sequential([keras.Input((3,)), Dropout(0.5, seed=1), dense, Dropout(0.2)])

    model = made()
    model.compile("sgd", "mse")
    tree = model.get_state_tree(value_format="numpy_array")
    before = array(model(ones((4, 3)), training=True))
    assert (array(model(ones((4, 3)), training=True)) != before).any()
    model.set_state_tree(tree)
    np.testing.assert_array_equal(array(model(ones((4, 3)), training=True)), before)


def restarted(seed, path=None):
    model = keras.Sequential(
        [keras.Input((40,)), Dropout(0.5, seed=seed, name="drop"), keras.layers.Dense(3)]
    )
    if path is not None:
        model.load_weights(path)
    return model


@pytest.mark.parametrize("seeds", [(1, 2), (None, None)])
def test_weights_that_are_loaded_go_on_with_their_masks_and_weights_that_are_set_do_not(
    seeds, tmp_path
):
    """README.md says both."""
    path = tmp_path / "model.weights.h5"
    restarted(0).save_weights(path)
    x = ones((1, 40))
    loaded = [restarted(seed, path) for seed in seeds]
    one, other = (array(model.layers[0](x, training=True)) for model in loaded)
    np.testing.assert_array_equal(one, other)
    fresh = [restarted(seed) for seed in seeds]
    for model in fresh:
        model.set_weights(loaded[0].get_weights())
    one, other = (array(model.layers[0](x, training=True)) for model in fresh)
    assert (one != other).any()
    np.testing.assert_array_equal(array(fresh[0](x)), array(loaded[0](x)))
