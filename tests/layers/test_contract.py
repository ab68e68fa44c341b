"""One contract for every dropout layer: the laws that make it dropout, and a good Keras layer."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import keras
import numpy as np
import pytest
from backend import BACKEND, JIT, ONCE, array, compiled_call, gradient, ones

import layers

# The masks are the same everywhere (test_masks): the other backends need not run every number.
EVERYWHERE = BACKEND == "tensorflow"
RATES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9) if EVERYWHERE else (0.4,)
POLICIES = ("float32", "mixed_float16", "mixed_bfloat16") if EVERYWHERE else ("mixed_float16",)
WRONG_RATES = [1, 1.0, -0.1, math.nan, True, "0.5", None, 1 - 1e-9]


@keras.saving.register_keras_serializable("tests")
class Identity(keras.initializers.Initializer):
    """A kernel that changes nothing: dropping its weights is dropping units."""

    def __call__(self, shape, dtype=None):
        return keras.ops.reshape(keras.ops.eye(shape[-1], dtype=dtype), shape)


def dense(units, dtype):
    return keras.layers.Dense(units, use_bias=False, kernel_initializer=Identity(), dtype=dtype)


def conv(units, dtype):
    return keras.layers.Conv2D(units, 1, use_bias=False, kernel_initializer=Identity(), dtype=dtype)


def einsum(units, dtype):
    return keras.layers.EinsumDense(
        "...i,io->...o", units, kernel_initializer=Identity(), dtype=dtype
    )


def depthwise(units, dtype):
    return keras.layers.DepthwiseConv2D(
        1, use_bias=False, depthwise_initializer="ones", dtype=dtype
    )


def cell(units, dtype):
    return keras.layers.SimpleRNNCell(
        units,
        activation=None,
        use_bias=False,
        kernel_initializer=Identity(),
        recurrent_initializer="zeros",
        dtype=dtype,
    )


@dataclass(frozen=True)
class Case:
    """A layer under test; `shape` without the batch, `together` units sharing one mask value.

    `wraps` makes what the layer wraps, if anything: something that returns its inputs.
    """

    cls: type
    shape: tuple
    settings: dict = field(default_factory=dict)
    together: int = 1
    wraps: Callable | None = None
    one_mask_a_batch: bool = False
    drops_exactly: bool = True
    unknown: tuple = ()
    # The paper's form scales at test time: its training mean and its inference are 1 - rate.
    papers_form: bool = False
    # What training makes of ones on average, where that is another function of the rate.
    mean: Callable | None = None
    # And the standard deviation of one unit, where that is not inverted dropout's.
    spread: Callable | None = None
    # Whether the outputs are the inputs times a factor.
    multiplies: bool = True
    # Whether the rate is learned, and so never 0.
    learned: bool = False
    # Whether it is a variant of another case, that one backend shows to keep the laws.
    variant: bool = False

    def training_mean(self, rate):
        if self.mean:
            return self.mean(rate)
        return 1 - rate if self.papers_form else 1

    def deviation(self, rate):
        """The standard deviation of what training makes of a unit of 1."""
        return self.spread(rate) if self.spread else math.sqrt(rate / (1 - rate))

    def inference(self, x, rate):
        return x * np.float32(round((1 - rate) * 65536) / 65536) if self.papers_form else x

    def make(self, rate, **more):
        wrapped = [self.wraps(self.shape[-1], more.get("dtype"))] if self.wraps else []
        return self.cls(*wrapped, rate=rate, **{"seed": 7, **self.settings, **more})

    def independent(self, batch):
        """How many mask values a batch has."""
        return math.prod(self.shape) / self.together * (1 if self.one_mask_a_batch else batch)

    def masks(self, layer, number):
        """Training outputs for `number` masks on ones."""
        if not self.one_mask_a_batch:
            return array(layer(ones((number, *self.shape)), training=True))
        return np.concatenate(
            [array(layer(ones((1, *self.shape)), training=True)) for _ in range(number)]
        )

    def __str__(self):
        extra = ",".join(f"{k}={v}" for k, v in self.settings.items())
        extra = f"{self.wraps.__name__},{extra}" if self.wraps else extra
        return f"{self.cls.__name__}({extra})"


def alpha_scale(rate):
    """Klambauer et al. (2017): the factor a that keeps the variance of standardised inputs."""
    return 1 / math.sqrt((1 - rate) * (1 + rate * 1.7580993408473766**2))


def alpha_mean(rate):
    return (1 - rate) * alpha_scale(rate)


def alpha_deviation(rate):
    """A unit of 1 is a * 1 + b where kept, and a * -1.7581 + b where dropped."""
    return alpha_scale(rate) * (1 + 1.7580993408473766) * math.sqrt(rate * (1 - rate))


def concrete_mean(rate):
    """The smooth mask's mean over 1 - rate, by adding up over a million quantiles of its noise."""
    uniform = (np.arange(1_000_000) + 0.5) / 1_000_000
    noise = np.log(rate / (1 - rate)) + np.log(uniform) - np.log1p(-uniform)
    with np.errstate(over="ignore"):
        return np.mean(1 / (1 + np.exp(noise / 0.1))) / (1 - rate)


FIRST = {"data_format": "channels_first"}
BLOCK = {"block_size": (3, 2), "calibrated": True}
EACH = {"per_example": True}
RECURRENT = {"recurrent_rate": 0.0, "return_sequences": True}
CASES = (
    Case(layers.Dropout, (50, 12), unknown=(None, 12)),
    Case(layers.Dropout, (50, 12), {"noise_shape": (None, 1, None)}, together=50),
    Case(layers.WeightScaledDropout, (50, 12), unknown=(None, 12), papers_form=True),
    Case(layers.GaussianDropout, (50, 12), drops_exactly=False, unknown=(None, 12)),
    Case(layers.SpatialDropout1D, (5, 120), together=5, unknown=(None, 120)),
    Case(layers.SpatialDropout1D, (120, 5), FIRST, 5, unknown=(120, None), variant=True),
    Case(layers.SpatialDropout2D, (3, 5, 120), together=15, unknown=(None, None, 120)),
    Case(layers.SpatialDropout2D, (120, 3, 5), FIRST, together=15, unknown=(120, None, None)),
    Case(layers.SpatialDropout3D, (2, 3, 4, 120), together=24, unknown=(None, None, None, 120)),
    Case(
        layers.SpatialDropout3D,
        (120, 2, 3, 4),
        FIRST,
        together=24,
        unknown=(120, None, None, None),
        variant=True,
    ),
    Case(layers.SequenceDropout, (6, 120), together=6, unknown=(None, 120)),
    Case(layers.DropBlock2D, (16, 9, 8), BLOCK, together=6, unknown=(None, None, 8)),
    Case(layers.DropBlock2D, (8, 9, 16), BLOCK | FIRST, 6, unknown=(8, None, None), variant=True),
    Case(layers.DropBlock2D, (16, 9, 4), BLOCK | {"shared_channels": True}, 24, variant=True),
    Case(layers.DropConnect, (5, 40), EACH, 5, dense, unknown=(None, 40)),
    Case(layers.DropConnect, (5, 150), {}, 5, dense, one_mask_a_batch=True, unknown=(None, 150)),
    Case(layers.DropConnect, (5, 40), EACH | {"inference": "moments"}, 5, dense, variant=True),
    Case(layers.DropConnect, (3, 5, 40), EACH, 15, conv, unknown=(None, None, 40)),
    Case(layers.DropConnect, (5, 40), EACH, 5, einsum, unknown=(None, 40)),
    Case(layers.DropConnect, (3, 5, 40), EACH, 15, depthwise, unknown=(None, None, 40)),
    Case(layers.VariationalRNN, (6, 120), RECURRENT, 6, cell, unknown=(None, 120)),
    Case(layers.StochasticDepth, (5, 2), together=10, unknown=(None, 2)),
    Case(
        layers.AlphaDropout,
        (50, 12),
        drops_exactly=False,
        unknown=(None, 12),
        mean=alpha_mean,
        spread=alpha_deviation,
        multiplies=False,
    ),
    Case(
        layers.ConcreteDropout,
        (5, 40),
        wraps=dense,
        drops_exactly=False,
        unknown=(None, 40),
        mean=concrete_mean,
        learned=True,
    ),
)
CASES = tuple(case for case in CASES if EVERYWHERE or not case.variant)
EVERY = pytest.mark.parametrize("case", CASES, ids=str)


def those(wanted):
    return pytest.mark.parametrize("case", [case for case in CASES if wanted(case)], ids=str)


@EVERY
@pytest.mark.parametrize("rate", RATES)
def test_realised_rate_and_mean(case, rate):
    out = array(case.make(rate)(ones((64, *case.shape)), training=True))
    # Units that share a mask value count once; blocks overlap, so theirs count at most so often.
    independent = case.independent(64)
    if case.drops_exactly:
        assert abs((out == 0).mean() - rate) < 5 * math.sqrt(rate * (1 - rate) / independent) + 1e-3
    deviation = case.deviation(rate) / math.sqrt(independent)
    assert abs(out.mean() - case.training_mean(rate)) < 6 * deviation + 1e-4


@ONCE
@EVERY
def test_the_mean_of_every_single_unit_is_preserved(case):
    number = 200 if case.one_mask_a_batch else 1000
    mean = case.masks(case.make(0.3), number).mean(axis=0)
    # A kept unit is worth at most 4 here, at the centre of DropBlock's map and near 1 elsewhere.
    assert (
        np.abs(mean - case.training_mean(0.3)).max()
        < 6 * case.deviation(0.3) / math.sqrt(number) + 1e-3
    )


@EVERY
def test_identity_at_inference_or_its_documented_form(case):
    x = np.random.default_rng(0).normal(size=(3, *case.shape)).astype("float32")
    expected = case.inference(x, 0.4)
    np.testing.assert_array_equal(array(case.make(0.4)(x, training=False)), expected)
    np.testing.assert_array_equal(array(case.make(0.4)(x)), expected)


@those(lambda case: not case.learned)
@pytest.mark.parametrize("training", [True, False])
def test_rate_zero_is_the_identity(case, training):
    x = np.random.default_rng(0).normal(size=(3, *case.shape)).astype("float32")
    np.testing.assert_array_equal(array(case.make(0.0)(x, training=training)), x)


@those(lambda case: case.multiplies)
def test_gradient_flows_through_kept_units_only_and_by_their_factor(case):
    x = np.random.default_rng(0).uniform(1, 2, (4, *case.shape)).astype("float32")
    out, found = gradient(case.make(0.4), x)
    np.testing.assert_allclose(found, out / x, rtol=1e-4, atol=1e-6)
    if case.drops_exactly:
        assert (found[out == 0] == 0).all()


# Blocks have tests of their own; single units share nothing.
@those(lambda case: case.together > 1 and case.cls is not layers.DropBlock2D)
def test_units_that_share_a_mask_do(case):
    out = array(case.make(0.5)(ones((8, *case.shape)), training=True))
    axes = {"channels_first": range(2, out.ndim)}.get(
        case.settings.get("data_format"), range(1, out.ndim - 1)
    )
    for axis in axes:
        np.testing.assert_array_equal(out, np.flip(out, axis))
    assert 0 < (out == 0).mean() < 1


def configuration(layer):
    """The layer's, without the shape that a wrapped layer was built for."""
    config = layer.get_config()
    for wrapped in ("layer", "cell"):
        config.get(wrapped, {}).pop("build_config", None)
    return config


@EVERY
@pytest.mark.parametrize("policy", POLICIES)
def test_configuration_and_policy_survive_every_copy(case, policy, tmp_path):
    layer = case.make(0.3, dtype=policy, name="mine", trainable=False)
    again = case.cls.from_config(layer.get_config())
    assert configuration(again) == configuration(layer)
    model = keras.Sequential([keras.Input(case.shape), layer])
    model(ones((2, *case.shape)), training=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    clone = keras.models.clone_model(model)
    for copy in (again, loaded.layers[-1], clone.layers[-1]):
        assert copy.dtype_policy.name == policy
        assert configuration(copy) == configuration(layer)
    x = ones((2, *case.shape))
    for _ in range(2):  # the stream goes on where it was saved
        np.testing.assert_array_equal(
            array(model(x, training=True)), array(loaded(x, training=True))
        )


@EVERY
@pytest.mark.parametrize("policy", [each for each in POLICIES if each != "float32"])
def test_half_precision_keeps_dtype_and_mean(case, policy):
    layer = case.make(0.3, dtype=policy)
    out = layer(ones((64, *case.shape)), training=True)
    assert keras.backend.standardize_dtype(out.dtype) == layer.compute_dtype
    error = abs(array(out).mean() - case.training_mean(0.3))
    assert error < 6 * case.deviation(0.3) / math.sqrt(case.independent(64)) + 5e-3


@EVERY
def test_eager_graph_and_xla_agree(case):
    x = np.random.default_rng(0).uniform(1, 2, (4, *case.shape)).astype("float32")
    eager = array(case.make(0.4, name="mine")(x, training=True))
    for jit in (False, True):
        compiled = array(compiled_call(case.make(0.4, name="mine"), jit)(x))
        np.testing.assert_array_equal(compiled == 0, eager == 0)
        np.testing.assert_allclose(compiled, eager, rtol=1e-4, atol=1e-5)


@those(lambda case: case.unknown)
def test_unknown_sizes(case):
    inputs = keras.Input(case.unknown)
    outputs = case.make(0.4)(inputs)
    assert outputs.shape == (None, *case.unknown)
    model = keras.Model(inputs, outputs)
    for size in (4, 7):
        shape = tuple(size if n is None else n for n in case.unknown)
        out = array(model(ones((size, *shape)), training=True))
        assert out.shape == (size, *shape)
    predicted = model.predict(ones((5, *shape)), verbose=0)
    np.testing.assert_array_equal(predicted, case.inference(ones((5, *shape)), 0.4))


@EVERY
def test_two_layers_of_one_seed_have_different_masks(case):
    x = ones((8, *case.shape))
    one, two = case.make(0.5, name="one"), case.make(0.5, name="two")
    first = array(one(x, training=True))
    assert (first != array(two(x, training=True))).any()
    assert (first != array(one(x, training=True))).any()


class Outer(keras.layers.Layer):
    def __init__(self, inner, **kwargs):
        super().__init__(**kwargs)
        self.inner = inner

    def call(self, inputs):
        return self.inner(inputs)


@EVERY
def test_two_layers_of_one_seed_and_name_differ_by_the_model_they_are_in(case):
    x = ones((8, *case.shape))
    layer, model = (
        [make(case.make(0.5, name="same"), name) for name in ("left", "right")]
        for make in (
            lambda part, name: Outer(part, name=name),
            lambda part, name: keras.Sequential([part], name=name),
        )
    )
    for left, right in (layer, model):
        assert (array(left(x, training=True)) != array(right(x, training=True))).any()


@EVERY
def test_training_reaches_a_layer_two_models_deep(case):
    inner = keras.Sequential([keras.Input(case.shape), Outer(case.make(0.5))])
    middle = keras.Input(case.shape)
    outer = keras.Sequential([keras.Input(case.shape), keras.Model(middle, inner(middle))])
    x = ones((4, *case.shape))
    assert (array(outer(x, training=True)) != x).any()
    np.testing.assert_array_equal(array(outer(x, training=False)), case.inference(x, 0.5))
    # With XLA a second more for each; test_eager_graph_and_xla_agree compiles all.
    outer.compile("sgd", "mse", jit_compile=JIT)
    layer = inner.layers[0].inner
    dropout = next(part for part in layer._flatten_layers() if isinstance(part, layers.Dropout))
    before = int(dropout.stream.state[2])
    outer.fit(x, x, epochs=2, batch_size=2, verbose=0)
    assert int(dropout.stream.state[2]) == before + 4


def takes_a_mask(case):
    """Keras masks are of (batch, steps); its own EinsumDense passes none on."""
    return len(case.shape) == 2 and "data_format" not in case.settings and case.wraps is not einsum


@those(takes_a_mask)
def test_a_keras_mask_passes_through(case):
    x = ones((2, *case.shape))
    x[:, 2:] = 0
    masked = keras.layers.Masking()(x)
    out = case.make(0.5)(masked, training=True)
    np.testing.assert_array_equal(array(out._keras_mask), array(masked._keras_mask))


@EVERY
@pytest.mark.parametrize("rate", WRONG_RATES if EVERYWHERE else [1])
def test_a_rate_out_of_range_is_refused(case, rate):
    with pytest.raises(ValueError, match=r"\[0, 1\)|fewer than 1.*Received|Received"):
        case.make(rate)


@EVERY
def test_the_rate_can_change(case):
    layer = case.make(0.1)
    x = ones((64, *case.shape))
    layer.rate = 0.8
    out = array(layer(x, training=True))
    if case.drops_exactly:
        assert (out == 0).mean() > 0.6
    assert layer.get_config()["rate"] == 0.8
    with pytest.raises(ValueError, match="Received"):
        layer.rate = 1.0
