import json

import keras
import numpy as np
import pytest
from backend import array, gradient

from layers import MaxNorm


@pytest.mark.parametrize("shape", [(20, 6), (3, 5, 4, 6), (2, 2, 2, 3, 6)])
def test_each_units_incoming_vector_is_bounded(shape):
    kernel = np.random.default_rng(0).normal(size=shape).astype("float32")
    kernel[..., :3] *= 0.01
    out = array(MaxNorm(1.5)(kernel))
    norms = np.linalg.norm(out.reshape(-1, 6), axis=0)
    np.testing.assert_array_equal(out[..., :3], kernel[..., :3])
    np.testing.assert_allclose(norms[3:], 1.5, rtol=1e-6)
    # Directions stay.
    ratio = out[..., 3:] / kernel[..., 3:]
    np.testing.assert_allclose(
        ratio, np.broadcast_to(ratio.reshape(-1, 3)[0], ratio.shape), rtol=1e-5
    )


def test_an_all_zero_vector_stays_zero():
    assert not array(MaxNorm(1.0)(np.zeros((3, 2), "float32"))).any()


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (lambda c: keras.layers.Dense(4, kernel_constraint=c), (8,)),
        (lambda c: keras.layers.Conv2D(4, 3, kernel_constraint=c), (6, 6, 2)),
    ],
)
def test_kernels_stay_in_the_ball_under_fit(layer, inputs):
    model = keras.Sequential([keras.Input(inputs), layer(MaxNorm(0.5)), keras.layers.Flatten()])
    model.compile(keras.optimizers.SGD(1.0), "mse")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(16, *inputs))
    model.fit(x, rng.normal(size=(16, *model.output_shape[1:])) * 10, epochs=3, verbose=0)
    kernel = array(model.layers[0].kernel)
    assert np.linalg.norm(kernel.reshape(-1, 4), axis=0).max() <= 0.5 * (1 + 1e-6)


def test_a_named_axis_is_used_and_rank_1_needs_one():
    kernel = np.full((3, 3, 2, 1), 1.0, "float32")
    out = array(MaxNorm(1.0, axis=(0, 1))(kernel))
    np.testing.assert_allclose(np.sqrt((out**2).sum((0, 1))), 1.0, rtol=1e-6)
    with pytest.raises(ValueError, match="rank 2"):
        MaxNorm(1.0)(np.ones(3, "float32"))
    for whole in (np.int64(0), [np.int32(0)], (0,)):
        constraint = MaxNorm(0.5, axis=whole)
        norms = np.linalg.norm(array(constraint(np.ones((4, 2), "float32"))), axis=0)
        np.testing.assert_allclose(norms, 0.5, rtol=1e-6)
        json.dumps(constraint.get_config())


@pytest.mark.parametrize("axis", [0.0, True, "0", (), (0, None), {0}])
def test_an_axis_that_is_no_integer_is_refused(axis):
    with pytest.raises(ValueError, match=r"`axis` .* Received: axis="):
        MaxNorm(1.0, axis=axis)


@pytest.mark.parametrize(
    ("layer", "shape", "axis", "vectors"),
    [
        (keras.layers.Conv1DTranspose(4, 3), (6, 2), (0, 2), 4),
        (keras.layers.Conv2DTranspose(4, 3), (6, 6, 2), (0, 1, 3), 4),
        (keras.layers.Conv3DTranspose(4, 2), (3, 3, 3, 2), (0, 1, 2, 4), 4),
        (keras.layers.DepthwiseConv1D(3), (6, 2), 0, 2),
        (keras.layers.DepthwiseConv2D(3), (6, 6, 2), (0, 1), 2),
        (keras.layers.Embedding(9, 3), (4,), -1, 9),
    ],
)
def test_the_axes_that_the_docstring_names_bound_a_vector_for_each_unit(
    layer, shape, axis, vectors
):
    layer.build((None, *shape))
    bounded = array(MaxNorm(1e-3, axis=axis)(layer.weights[0]))
    norms = np.sqrt((bounded.astype(float) ** 2).sum(axis))
    assert norms.size == vectors
    np.testing.assert_allclose(norms, 1e-3, rtol=1e-4)


def test_the_gradient_is_finite_through_a_vector_of_zeros():
    weight = np.array([[0.0, 3.0, 0.1], [0.0, 4.0, 0.2]], "float32")

    def scaled(x, training=None):
        return MaxNorm(1.0)(x)

    out, found = gradient(scaled, weight)
    np.testing.assert_allclose(out, [[0, 0.6, 0.1], [0, 0.8, 0.2]], rtol=1e-6)
    # 1 inside the ball; outside (I - u u') / |w| times ones.
    np.testing.assert_allclose(found, [[1, 0.032, 1], [1, -0.024, 1]], atol=1e-6)


@pytest.mark.parametrize("bound", [0, -1, float("nan"), True, "1", None])
def test_a_bound_that_is_not_positive_is_refused(bound):
    with pytest.raises(ValueError, match="Received"):
        MaxNorm(bound)


def test_config_round_trip():
    constraint = MaxNorm(2.5, axis=(0, 1))
    config = keras.constraints.serialize(constraint)
    assert keras.constraints.deserialize(config).get_config() == {"bound": 2.5, "axis": (0, 1)}


def test_half_precision_norms_do_not_overflow():
    kernel = np.full((30, 2), 300.0, "float16")
    out = array(MaxNorm(3.0)(kernel)).astype(float)
    np.testing.assert_allclose(np.linalg.norm(out, axis=0), 3.0, rtol=2e-3)


def test_an_axis_that_the_weight_has_not_is_refused():
    for axis in (7, (0, 2), -3):
        with pytest.raises(ValueError, match="`axis` is of the weight's 2 axes"):
            MaxNorm(1.0, axis=axis)(np.ones((2, 3), "float32"))
