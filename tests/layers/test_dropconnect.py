import keras
import numpy as np
import pytest
from backend import BACKEND, array, compiled_call, gradient, ones

from layers import DropConnect, MaxNorm

RNG = np.random.default_rng(0)


def wrapped(kind, **settings):
    if kind == "dense":
        return keras.layers.Dense(6, **settings), (8, 5)
    if kind == "conv1d":
        return keras.layers.Conv1D(6, 3, **settings), (8, 9, 5)
    if kind == "conv2d":
        return keras.layers.Conv2D(6, (3, 2), strides=2, padding="same", **settings), (8, 9, 7, 5)
    return keras.layers.Conv3D(6, 2, **settings), (8, 4, 5, 3, 5)


KINDS = ("dense", "conv1d", "conv2d", "conv3d")


def inputs(shape):
    return RNG.normal(size=shape).astype("float32")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("drop_bias", [False, True])
def test_the_mean_over_masks_is_the_plain_layers_output(kind, per_example, drop_bias):
    layer, shape = wrapped(kind, bias_initializer="ones")
    x = inputs(shape)
    connect = DropConnect(layer, 0.3, per_example=per_example, drop_bias=drop_bias, seed=1)
    plain = array(connect(x, training=False))
    np.testing.assert_allclose(plain, array(layer(x)), atol=1e-6)
    drawn = np.stack([array(connect(x, training=True)) for _ in range(100)])
    error = drawn.std(axis=0) / np.sqrt(100)
    assert (np.abs(drawn.mean(axis=0) - plain) < 6 * error + 1e-4).all()
    assert drawn.std() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_rate_zero_is_the_plain_layer(kind):
    layer, shape = wrapped(kind)
    x = inputs(shape)
    for per_example in (False, True):
        connect = DropConnect(layer, 0.0, per_example=per_example)
        np.testing.assert_allclose(array(connect(x, training=True)), array(layer(x)), atol=1e-5)


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_the_realised_rate_is_that_of_the_weights(rate):
    connect = DropConnect(
        keras.layers.Dense(300, use_bias=False, kernel_initializer="ones"), rate, seed=1
    )
    # A unit vector picks one row of the masked kernel.
    row = array(connect(ones((1, 1)), training=True))
    eye = np.eye(200, dtype="float32")
    connect = DropConnect(
        keras.layers.Dense(300, use_bias=False, kernel_initializer="ones"), rate, seed=1
    )
    dropped = array(connect(eye, training=True)) == 0
    assert row.shape == (1, 300)
    assert abs(dropped.mean() - rate) < 5 * np.sqrt(rate * (1 - rate) / dropped.size)


def test_examples_share_a_mask_or_have_their_own():
    x = np.repeat(inputs((1, 5)), 4, axis=0)
    layer = keras.layers.Dense(6)
    shared = array(DropConnect(layer, 0.5, seed=1)(x, training=True))
    np.testing.assert_allclose(shared, np.repeat(shared[:1], 4, axis=0), atol=1e-6)
    own = array(DropConnect(layer, 0.5, per_example=True, seed=1)(x, training=True))
    assert (np.abs(own - own[:1]).max(axis=1)[1:] > 1e-3).all()


# TensorFlow convolves channels_first on a GPU only.
@pytest.mark.parametrize(
    "data_format", ["channels_last", "channels_first"] if BACKEND == "jax" else ["channels_last"]
)
def test_per_example_convolution_is_that_of_each_example_with_its_mask(data_format):
    layer = keras.layers.Conv2D(3, (2, 3), data_format=data_format, dilation_rate=1)
    shape = (4, 6, 7, 2) if data_format == "channels_last" else (4, 2, 6, 7)
    x = inputs(shape)
    connect = DropConnect(layer, 0.4, per_example=True, seed=1)
    connect.build(shape)
    kernels = connect._masked(connect._cast(layer.kernel), (4,))
    expected = np.concatenate([array(connect._linear(x[i : i + 1], kernels[i])) for i in range(4)])
    np.testing.assert_allclose(array(connect._linear_each(x, kernels)), expected, atol=1e-5)


def test_gradient_flows_and_the_kernel_is_never_changed():
    layer = keras.layers.Dense(6, kernel_constraint=MaxNorm(1.0))
    connect = DropConnect(layer, 0.5, seed=1)
    x = inputs((8, 5))
    connect(x)
    before = array(layer.kernel)
    _, found = gradient(connect, x)
    assert np.isfinite(found).all()
    assert np.abs(found).sum() > 0
    np.testing.assert_array_equal(before, array(layer.kernel))
    assert layer.kernel is connect.trainable_weights[0]


def test_it_is_active_under_fit_and_inactive_under_predict(tmp_path):
    model = keras.Sequential([keras.Input((5,)), DropConnect(keras.layers.Dense(3), 0.5, seed=1)])
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=True)
    x = inputs((16, 5))
    target = model.predict(x, verbose=0)
    trained = model.fit(x, target, batch_size=8, epochs=2, verbose=0)
    assert min(trained.history["loss"]) > 1e-3, "with learning rate 0 only masks make a loss"
    assert model.evaluate(x, target, verbose=0) < 1e-10
    assert int(model.layers[0].stream.state[2]) == 4
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(model(x, training=True)), array(loaded(x, training=True)))
    clone = keras.models.clone_model(model)
    assert clone.layers[0].get_config() == model.layers[0].get_config()


def test_layers_of_one_seed_differ_and_training_reaches_two_models_deep():
    def connect(name):
        return DropConnect(
            keras.layers.Dense(50, kernel_initializer="ones"), 0.5, seed=1, name=name
        )

    x = ones((2, 5))
    one, two = connect("one"), connect("two")
    first = array(one(x, training=True))
    assert (first != array(two(x, training=True))).any()
    assert (first != array(one(x, training=True))).any()
    inner = keras.Sequential([keras.Input((5,)), connect("inner")])
    middle = keras.Input((5,))
    outer = keras.Sequential([keras.Input((5,)), keras.Model(middle, inner(middle))])
    np.testing.assert_array_equal(array(outer(x)), np.full((2, 50), 5.0))
    assert (array(outer(x, training=True)) != 5).any()


@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("inference", ["mean", "moments"])
def test_unknown_sizes_and_compilation(per_example, inference):
    layer = keras.layers.Conv2D(3, 2, activation="relu")
    inputs_ = keras.Input((None, None, 2))
    connect = DropConnect(
        layer, 0.3, per_example=per_example, inference=inference, seed=1, name="c"
    )
    model = keras.Model(inputs_, connect(inputs_))
    for size in (4, 7):
        x = ones((size, size, 5, 2))
        assert array(model(x, training=True)).shape == (size, size - 1, 4, 3)
        assert model.predict(x, verbose=0).shape == (size, size - 1, 4, 3)
    eager = array(connect(x, training=True))
    state = np.copy(keras.ops.convert_to_numpy(connect.stream.state))
    state[2] -= 1
    for jit in (False, True):
        connect.stream.state.assign(state)
        compiled = array(compiled_call(connect, jit)(x))
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_policies_are_kept(policy):
    layer = keras.layers.Dense(3, dtype=policy)
    connect = DropConnect(layer, 0.5, dtype=policy, inference="moments")
    for training in (True, False):
        out = connect(inputs((4, 5)), training=training)
        assert keras.backend.standardize_dtype(out.dtype) == connect.compute_dtype
    again = DropConnect.from_config(connect.get_config())
    assert again.dtype_policy.name == again.layer.dtype_policy.name == policy


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", None])
@pytest.mark.parametrize("kind", ["dense", "conv2d"])
def test_moments_are_closer_to_monte_carlo_than_the_mean_is(activation, kind):
    layer, shape = wrapped(kind, activation=activation, bias_initializer="normal")
    x = np.repeat(inputs((1, *shape[1:])), 2000, axis=0)
    connect = DropConnect(layer, 0.5, per_example=True, seed=1)
    average = np.mean([array(connect(x, training=True)).mean(axis=0) for _ in range(5)], axis=0)
    mean = array(connect(x[:1]))[0]
    connect.inference = "moments"
    moments = array(connect(x[:1]))[0]
    if activation is None:
        np.testing.assert_allclose(moments, mean, atol=1e-5)
    else:
        assert np.abs(moments - average).mean() < 0.5 * np.abs(mean - average).mean()


def test_a_relu_network_is_averaged_better_by_moments_than_by_the_mean():
    """10,000 samples of a whole network, as the publication compares."""
    first = DropConnect(keras.layers.Dense(40, "relu"), 0.5, per_example=True, seed=1)
    second = DropConnect(keras.layers.Dense(5), 0.5, per_example=True, seed=2)
    x = inputs((3, 20))
    repeated = np.repeat(x, 10_000, axis=0)
    sampled = array(second(first(repeated, training=True), training=True))
    average = sampled.reshape(3, 10_000, 5).mean(axis=1)
    mean = array(second(first(x)))
    first.inference = second.inference = "moments"
    moments = array(second(first(x)))
    assert np.abs(moments - average).mean() < 0.2 * np.abs(mean - average).mean()


def test_what_cannot_be_wrapped_is_refused():
    dense = keras.layers.Dense(3)
    with pytest.raises(ValueError, match="Dense or Conv"):
        DropConnect(keras.layers.LSTM(3), 0.5)
    with pytest.raises(ValueError, match="one of"):
        DropConnect(dense, 0.5, inference="median")
    with pytest.raises(ValueError, match="softmax"):
        DropConnect(keras.layers.Dense(3, "softmax"), 0.5, inference="moments")
    with pytest.raises(ValueError, match="groups"):
        DropConnect(keras.layers.Conv2D(4, 3, groups=2), 0.5, per_example=True)
    for rate in (1, -0.1, float("nan"), True, "0.5"):
        with pytest.raises(ValueError, match="Received"):
            DropConnect(dense, rate)


@pytest.mark.parametrize("per_example", [False, True])
def test_causal_padding_and_a_policy_of_the_wrapper_alone(per_example):
    layer = keras.layers.Conv1D(4, 3, padding="causal", dilation_rate=2)
    connect = DropConnect(layer, 0.0, per_example=per_example)
    x = inputs((3, 9, 5))
    np.testing.assert_allclose(array(connect(x, training=True)), array(layer(x)), atol=1e-5)
    np.testing.assert_allclose(array(connect(x)), array(layer(x)), atol=1e-5)
    mixed = DropConnect(
        keras.layers.Conv2D(3, 2), 0.5, per_example=per_example, dtype="mixed_float16"
    )
    assert mixed(ones((2, 4, 4, 2)), training=True).shape == (2, 3, 3, 3)


def test_moments_do_not_overflow_in_half_precision():
    connect = DropConnect(
        keras.layers.Dense(4, "relu", dtype="mixed_float16"), 0.5, inference="moments"
    )
    assert np.isfinite(array(connect(np.full((2, 8), 300.0, "float32")))).all()


@pytest.mark.parametrize("training", [True, False])
def test_the_wrapped_layers_activity_penalty_counts_once(training):
    layer = keras.layers.Dense(4, activity_regularizer=keras.regularizers.L2(1.0))
    connect = DropConnect(layer, 0.0)
    x = inputs((3, 5))
    connect(x, training=training)
    assert len(connect.losses) == 1
    assert float(connect.losses[0]) == pytest.approx((array(layer(x)) ** 2).sum() / 3, rel=1e-4)
