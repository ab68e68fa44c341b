import keras
import numpy as np
import pytest
from backend import BACKEND, ONCE, array, compiled_call, draws, gradient, ones, some

from layers import DropConnect, MaxNorm
from layers.weights.linear import linear, linear_each


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
    return np.random.default_rng(0).normal(size=shape).astype("float32")


@ONCE
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("per_example", [False, True])
@pytest.mark.parametrize("drop_bias", [False, True])
def test_the_mean_over_masks_is_the_plain_layers_output(kind, per_example, drop_bias):
    layer, shape = wrapped(kind, bias_initializer="ones")
    x = inputs(shape)
    connect = DropConnect(layer, 0.3, per_example=per_example, drop_bias=drop_bias, seed=1)
    plain = array(connect(x, training=False))
    np.testing.assert_allclose(plain, array(layer(x)), atol=1e-6)
    drawn = draws(connect, x, 100)
    # An output is a sum of independent terms x w m / 0.7, each of variance (x w)² 0.3 / 0.7.
    squares, _ = wrapped(kind, use_bias=drop_bias, bias_initializer="ones")
    squares.build(shape)
    squares.kernel.assign(layer.kernel**2)
    error = np.sqrt(array(squares(x**2)) * 0.3 / 0.7 / 100)
    assert (np.abs(drawn.mean(axis=0) - plain) < 5 * error + 1e-5).all()
    np.testing.assert_allclose(drawn.var(axis=0).mean(), (100 * error**2).mean(), rtol=0.1)


@pytest.mark.parametrize("kind", KINDS)
def test_rate_zero_is_the_plain_layer(kind):
    layer, shape = wrapped(kind)
    x = inputs(shape)
    for per_example in (False, True):
        connect = DropConnect(layer, 0.0, per_example=per_example)
        np.testing.assert_allclose(array(connect(x, training=True)), array(layer(x)), atol=1e-5)


@pytest.mark.parametrize("per_example", [False, True])
def test_biases_are_dropped_when_told_to_and_then_only(per_example):
    settings = {"kernel_initializer": "zeros", "bias_initializer": "ones"}
    for drop_bias in (False, True):
        connect = DropConnect(
            keras.layers.Dense(500, **settings),
            0.3,
            per_example=per_example,
            drop_bias=drop_bias,
            seed=1,
        )
        out = array(connect(ones((8, 2)), training=True))
        if not drop_bias:
            np.testing.assert_array_equal(out, 1)
            continue
        independent = out.size if per_example else 500
        assert abs((out == 0).mean() - 0.3) < 5 * np.sqrt(0.21 / independent)
        assert out.max() == pytest.approx(1 / 0.7, rel=1e-4)
        assert (out != out[:1]).any() == per_example


def test_examples_share_a_mask_or_have_their_own():
    x = np.repeat(inputs((1, 5)), 4, axis=0)
    layer = keras.layers.Dense(6)
    shared = array(DropConnect(layer, 0.5, seed=1)(x, training=True))
    np.testing.assert_allclose(shared, np.repeat(shared[:1], 4, axis=0), atol=1e-6)
    own = array(DropConnect(layer, 0.5, per_example=True, seed=1)(x, training=True))
    assert (np.abs(own - own[:1]).max(axis=1)[1:] > 1e-3).all()


def each_and_one_by_one(connect, x):
    """A built layer's linear map with a mask for each example: at once, and example by example."""
    kernel = connect.layer.kernel
    kernels = connect.dropout(
        keras.ops.broadcast_to(kernel, (len(x), *kernel.shape)), training=True
    )
    singly = [array(linear(connect.layer, x[i : i + 1], kernels[i])) for i in range(len(x))]
    return array(linear_each(connect.layer, x, kernels)), np.concatenate(singly)


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
    found, expected = each_and_one_by_one(connect, x)
    np.testing.assert_allclose(found, expected, atol=1e-5)


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
    model.compile(keras.optimizers.SGD(0.0), "mse", jit_compile=BACKEND != "torch")
    x = inputs((16, 5))
    target = model.predict(x, verbose=0)
    trained = model.fit(x, target, batch_size=8, epochs=2, verbose=0)
    assert min(trained.history["loss"]) > 1e-3, "with learning rate 0 only masks make a loss"
    assert model.evaluate(x, target, verbose=0) < 1e-10
    assert int(model.layers[0].dropout.stream.state[2]) == 4
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(array(model(x, training=True)), array(loaded(x, training=True)))


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
    state = np.copy(keras.ops.convert_to_numpy(connect.dropout.stream.state))
    state[2] -= 1
    for jit in (False, True):
        connect.dropout.stream.state.assign(state)
        compiled = array(compiled_call(connect, jit)(x))
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


@ONCE
@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_saved_layer_of_any_policy_goes_on(kind, policy, tmp_path):
    layer, shape = wrapped(kind, dtype=policy, activation="relu")
    connect = DropConnect(layer, 0.5, dtype=policy, inference="moments", seed=1)
    model = keras.Sequential([keras.Input(shape[1:]), connect])
    x = inputs(shape)
    model(x, training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    for copy in (loaded.layers[0], clone.layers[0]):
        assert copy.dtype_policy.name == copy.layer.dtype_policy.name == policy
    for training in (True, False):
        out = model(x, training=training)
        assert keras.backend.standardize_dtype(out.dtype) == connect.compute_dtype
        np.testing.assert_array_equal(array(out), array(loaded(x, training=training)))


@ONCE
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", None])
@pytest.mark.parametrize("kind", ["dense", "conv2d"])
@pytest.mark.parametrize("drop_bias", [False, True])
def test_moments_are_closer_to_monte_carlo_than_the_mean_is(activation, kind, drop_bias):
    keras.utils.set_random_seed(3)
    bias = keras.initializers.RandomNormal(stddev=1.0, seed=2)
    layer, shape = wrapped(kind, activation=activation, bias_initializer=bias)
    x = np.repeat(inputs((1, *shape[1:])), 2000, axis=0)
    connect = DropConnect(layer, 0.5, per_example=True, drop_bias=drop_bias, seed=1)
    average = np.mean([array(connect(x, training=True)).mean(axis=0) for _ in range(5)], axis=0)
    mean = array(connect(x[:1]))[0]
    connect.inference = "moments"
    moments = array(connect(x[:1]))[0]
    if activation is None:
        np.testing.assert_allclose(moments, mean, atol=1e-5)
    else:
        assert np.abs(moments - average).mean() < 0.5 * np.abs(mean - average).mean()


@ONCE
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
    with pytest.raises(ValueError, match="one of Dense"):
        DropConnect(keras.layers.LSTM(3), 0.5)
    with pytest.raises(ValueError, match="one of"):
        DropConnect(dense, 0.5, inference="median")
    for mixing in ("softmax", "log_softmax", keras.layers.Softmax()):
        with pytest.raises(ValueError, match="softmax"):
            DropConnect(keras.layers.Dense(3, mixing), 0.5, inference="moments")
        connect = DropConnect(keras.layers.Dense(3, mixing), 0.5)
        with pytest.raises(ValueError, match="softmax"):
            connect.inference = "moments"
    for flag in ("per_example", "drop_bias"):
        with pytest.raises(ValueError, match=f"`{flag}` is True or False"):
            DropConnect(dense, 0.5, **{flag: "no"})
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


def test_moments_at_rate_zero_are_the_plain_layer():
    dense = keras.layers.Dense(4, "relu", use_bias=False)
    x = np.zeros((2, 5), "float32")
    np.testing.assert_array_equal(array(DropConnect(dense, 0.0, inference="moments")(x)), 0)


@pytest.mark.parametrize("inference", ["mean", "moments"])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_have_the_wrappers_type(inference, training):
    connect = DropConnect(keras.layers.Dense(4), 0.5, inference=inference, dtype="mixed_float16")
    out = connect(ones((2, 5)), training=training)
    assert keras.backend.standardize_dtype(out.dtype) == "float16"


@pytest.mark.parametrize(
    ("layer", "shape"),
    some(
        [
            (lambda: keras.layers.DepthwiseConv2D((2, 3), depth_multiplier=2), (4, 6, 7, 3)),
            (lambda: keras.layers.EinsumDense("ab,bc->ac", 5, bias_axes="c"), (4, 6)),
            (
                lambda: keras.layers.EinsumDense("...x,xyz->...yz", (3, 5), bias_axes="yz"),
                (4, 7, 6),
            ),
            (
                lambda: keras.layers.EinsumDense("abc,cde->abde", (None, 3, 5), bias_axes="de"),
                (4, 7, 6),
            ),
            (
                lambda: keras.layers.EinsumDense("abc,bde->acde", (6, 3, 5), bias_axes="e"),
                (4, 7, 6),
            ),
            (lambda: keras.layers.DepthwiseConv2D(3, strides=2, padding="same"), (4, 6, 7, 3)),
            (lambda: keras.layers.DepthwiseConv1D(3, depth_multiplier=2), (4, 8, 3)),
        ],
        2,
    ),
)
def test_einsum_and_depthwise_layers(layer, shape):
    x, inner = inputs(shape), layer()
    plain = array(inner(x))
    for each, moments in ((False, False), (True, False), (True, True)):
        inference = "moments" if moments else "mean"
        connect = DropConnect(inner, 0.0, per_example=each, drop_bias=True, inference=inference)
        for training in (True, False):
            np.testing.assert_allclose(array(connect(x, training=training)), plain, atol=1e-5)
    connect = DropConnect(inner, 0.4, per_example=True, drop_bias=True, seed=1)
    connect.build(shape)
    stated = zip(connect.compute_output_shape(shape), plain.shape, strict=True)
    assert all(size in (None, found) for size, found in stated)
    found, expected = each_and_one_by_one(connect, x)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The moments' variance is that over masks; each of many units tells it to sqrt(2 / 200).
    drawn = array(connect(np.tile(x, (200,) + (1,) * (x.ndim - 1)), training=True))
    drawn = drawn.reshape((200, *plain.shape))
    connect.inference = "moments"
    kernel = keras.ops.square(inner.kernel)
    variance = array(linear(inner, keras.ops.square(keras.ops.convert_to_tensor(x)), kernel))
    variance = 0.4 / 0.6 * variance
    ratio = drawn.var(axis=0)[variance > 1e-3] / variance[variance > 1e-3]
    assert abs(ratio.mean() - 1) < 0.1
    np.testing.assert_allclose(array(connect(x)), plain, atol=1e-5)


def test_equations_that_cannot_be_dropped_so_are_refused():
    summed = keras.layers.EinsumDense("abc,cd->ad", 5)
    with pytest.raises(ValueError, match="sums over letters of the kernel only"):
        DropConnect(summed, 0.5, inference="moments")
    first = keras.layers.EinsumDense("ab,ab->b", 6)
    with pytest.raises(ValueError, match="start with the same letter"):
        DropConnect(first, 0.5, per_example=True)


def test_a_held_mask_of_weights_and_biases():
    layer = keras.layers.Dense(40, kernel_initializer="ones", bias_initializer="ones")
    connect = DropConnect(layer, 0.5, seed=1, calls_per_mask=2, drop_bias=True)
    outs = [array(connect(ones((2, 3)), training=True)) for _ in range(3)]
    np.testing.assert_array_equal(outs[0], outs[1])
    assert (outs[1] != outs[2]).any()
    assert (outs[0] % 2 == 0).all()


def test_quantization_reaches_the_layers_that_a_filter_names_and_no_wrapped_one():
    inner = keras.layers.Dense(4, name="wrapped")
    connect = DropConnect(inner, 0.5, name="connect")
    plain = keras.layers.Dense(4, name="plain")
    model = keras.Sequential([keras.Input((4,)), plain, connect])
    x = inputs((3, 4))
    before = array(model(x))
    with pytest.warns(UserWarning, match="DropConnect"):
        model.quantize("int8", filters=["wrapped", "plain"])
    assert (plain.quantization_mode, inner.quantization_mode) == ("int8", None)
    np.testing.assert_allclose(array(model(x)), before, atol=0.1)
    assert np.isfinite(array(model(x, training=True))).all()
