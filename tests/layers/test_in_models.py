"""The layers in other people's models: what a user would otherwise be hurt by."""

import keras
import numpy as np
import pytest
from backend import BACKEND, array, compiled_call, ones

import layers
from layers.noise.masks import random_bernoulli

ONLY_TENSORFLOW = pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow's graphs")


def dense_model(dropout):
    return keras.Sequential(
        [
            keras.Input((4,)),
            keras.layers.Dense(5, name="first"),
            dropout,
            keras.layers.Dense(2, name="last"),
        ]
    )


@ONLY_TENSORFLOW
@pytest.mark.parametrize(
    "layer",
    [
        layers.Dropout(0.5, seed=1),
        layers.GaussianDropout(0.5, seed=1),
        layers.DropBlock2D(0.5, block_size=2, seed=1),
    ],
)
def test_a_graph_of_the_users_holds_no_program_of_ours(layer):
    """Each would be compiled anew for every shape."""
    import tensorflow as tf

    signature = tf.TensorSpec((None, None, 6, 3), tf.float32)
    graph = tf.function(lambda x: layer(x, training=True)).get_concrete_function(signature).graph
    functions = graph.as_graph_def().library.function
    assert not any(function.attr["_XlaMustCompile"].b for function in functions)


@ONLY_TENSORFLOW
def test_masks_are_the_same_under_vectorized_map():
    import tensorflow as tf

    seeds = tf.constant([1, 2, 3], tf.int64)
    together = tf.vectorized_map(lambda seed: random_bernoulli(seed, 5, 6, 30_000, (7, 3)), seeds)
    for seed, mask in zip((1, 2, 3), array(together), strict=True):
        np.testing.assert_array_equal(mask, array(random_bernoulli(seed, 5, 6, 30_000, (7, 3))))


@pytest.mark.skipif(BACKEND != "jax", reason="vmap is JAX's")
def test_an_ensemble_under_vmap_draws_what_its_members_would_alone():
    import jax

    model = keras.Sequential(
        [keras.Input((40,)), layers.Dropout(0.5, seed=1), layers.Maxout(2, pieces=2)]
    )
    state = model.non_trainable_variables[0].value
    states = jax.numpy.stack([state, state.at[0].set(2), state.at[2].set(7)])
    weights = [variable.value for variable in model.trainable_variables]

    def loss(weights, state):
        return model.stateless_call(weights, [state], ones((3, 40)), training=True)[0].sum()

    for function in (loss, jax.grad(loss)):
        together = jax.jit(jax.vmap(function, in_axes=(None, 0)))(weights, states)
        for i, each in enumerate(states):
            alone = keras.tree.flatten(function(weights, each))
            for mine, own in zip(keras.tree.flatten(together), alone, strict=True):
                np.testing.assert_allclose(mine[i], own, rtol=1e-5, atol=1e-6)


@ONLY_TENSORFLOW
def test_inputs_of_unknown_rank_are_dropped():
    import tensorflow as tf

    layer = layers.Dropout(0.5, seed=1)
    layer.build(None)
    signature = [tf.TensorSpec(None, tf.float32)]
    drop = tf.function(lambda x: layer.call(x, training=True), input_signature=signature)
    out = array(drop(tf.ones((40, 50))))
    assert set(np.unique(out)) == {0.0, 2.0}


@ONLY_TENSORFLOW
def test_ragged_and_sparse_inputs_are_refused_in_one_sentence():
    import tensorflow as tf

    layer = layers.Dropout(0.5)
    for inputs in (tf.ragged.constant([[1.0], [1.0, 2.0]]), tf.sparse.from_dense([[1.0, 0.0]])):
        with pytest.raises(ValueError, match="needs dense inputs"):
            layer.call(inputs, training=True)


@pytest.mark.parametrize("jit", [False, True])
def test_a_rate_of_0_draws_nothing_and_may_be_raised_in_what_is_compiled(jit):
    layer, x = layers.Dropout(0.0, seed=1), ones((40, 50))
    call = compiled_call(layer, jit)
    np.testing.assert_array_equal(array(call(x)), x)
    assert int(layer.stream.state[2]) == 0
    np.testing.assert_array_equal(array(layer(x, training=True)), x)
    assert int(layer.stream.state[2]) == 0
    if BACKEND != "jax":  # whose compiled function here holds the state of its first call
        layer.rate = 0.5
        assert (array(call(x)) == 0).any()


def test_a_layer_that_was_never_built_may_be_called_by_its_call():
    out = array(layers.Dropout(0.5, seed=1).call(keras.ops.ones((40, 50)), training=True))
    assert set(np.unique(out)) == {0.0, 2.0}


@pytest.mark.parametrize(("one", "other"), [("Dropout", keras.layers.Dropout), (None, None)])
def test_weight_files_work_to_and_from_models_with_kerass_dropout(one, other, tmp_path):
    classes = (layers.Dropout, other or layers.Dropout)
    for first, second in (classes, classes[::-1]):
        model, again = (dense_model(kind(0.5, seed=1)) for kind in (first, second))
        model.save_weights(tmp_path / "model.weights.h5")
        again.load_weights(tmp_path / "model.weights.h5")
        x = ones((3, 4))
        np.testing.assert_array_equal(array(model(x)), array(again(x)))
    if one is None:  # the masks go on where they were
        model(x, training=True)
        model.save_weights(tmp_path / "model.weights.h5")
        again.load_weights(tmp_path / "model.weights.h5")
        np.testing.assert_array_equal(
            array(model(x, training=True)), array(again(x, training=True))
        )


def test_a_program_run_twice_in_one_process_draws_the_same():
    masks = []
    for _ in range(2):
        keras.utils.set_random_seed(42)
        drops = [layers.Dropout(0.5), layers.Dropout(0.5, seed=3), layers.Dropout(0.5, seed=3)]
        masks.append([array(layer(ones((4, 12)), training=True)) for layer in drops])
    np.testing.assert_array_equal(*masks)
    # Though layers of one seed differ.
    assert (masks[0][1] != masks[0][2]).any()


def test_arguments_that_keras_takes_by_position_are_taken_so():
    assert layers.Dropout(0.5, (None, 1), 7).noise_shape == (None, 1)
    assert layers.Dropout(0.5, None, 7).seed == 7
    assert layers.GaussianDropout(0.5, 7).seed == 7
    assert layers.SpatialDropout1D(0.5, 7).seed == 7
    for kind in (layers.SpatialDropout2D, layers.SpatialDropout3D):
        layer = kind(0.5, "channels_first", 7)
        assert (layer.data_format, layer.seed) == ("channels_first", 7)


class AlwaysOn(keras.layers.Dropout):
    """The idiom that people have in their files."""

    def call(self, inputs):
        return super().call(inputs, training=True)


def test_monte_carlo_prediction_samples_a_layer_that_takes_no_training():
    model = dense_model(AlwaysOn(0.5, seed=1))
    found = layers.monte_carlo_predict(model, ones((3, 4)), samples=20, seed=1, outputs="values")
    assert (found.variance > 0).all()


def test_dropconnect_is_not_quantized_and_still_right():
    layer = layers.DropConnect(keras.layers.Dense(3), 0.5)
    model = keras.Sequential([keras.Input((4,)), layer])
    x = ones((2, 4))
    before = array(model(x))
    with pytest.warns(UserWarning, match="DropConnect"):
        model.quantize("int8")
    np.testing.assert_allclose(array(model(x)), before, rtol=1e-6)


def test_a_mask_does_not_pass_a_convolution_that_changes_the_length():
    inputs = keras.Input((8, 3))
    masked = keras.layers.Masking()(inputs)
    connected = layers.DropConnect(keras.layers.Conv1D(4, 3), 0.5)(masked)
    model = keras.Model(inputs, keras.layers.LSTM(2)(connected))
    assert model(ones((2, 8, 3)), training=True).shape == (2, 2)


@pytest.mark.skipif(BACKEND != "torch", reason="of PyTorch's compiler")
def test_masks_are_drawn_and_counted_under_pytorchs_compiler():
    """It does parts of the forward pass again for gradients, when the call is counted already."""
    drop, noise = layers.Dropout(0.5, seed=1), layers.GaussianDropout(0.5, seed=1)
    model = keras.Sequential([keras.Input((40,)), drop, noise, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=True)
    model.fit(ones((6, 40)), ones((6, 1)), batch_size=2, verbose=0)
    assert int(drop.stream.state[2]) == int(noise.stream.state[2]) == 3
