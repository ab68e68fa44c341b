"""Restricted Boltzmann machines against sums over all of their states."""

from itertools import product

import keras
import numpy as np
import pytest
from backend import BACKEND, JIT, ONCE, array, some

from layers import DBM, RBM

VISIBLE, HIDDEN = 5, 4
STATES = np.array(list(product((0.0, 1.0), repeat=VISIBLE)), "float32")
HIDDEN_STATES = np.array(list(product((0.0, 1.0), repeat=HIDDEN)), "float32")


def machine(**settings):
    """An RBM with weights that are not small, in a model with its own loss and plain descent."""
    wide = keras.initializers.RandomNormal(stddev=0.8, seed=3)
    settings = {"kernel_initializer": wide, "seed": 1, "name": "rbm"} | settings
    rbm = RBM(HIDDEN, visible_initializer=wide, hidden_initializer=wide, **settings)
    model = keras.Sequential([keras.Input((VISIBLE,)), rbm], name="machine")
    model.compile(keras.optimizers.SGD(1.0))
    return model, rbm


def energies(rbm):
    """E(v, h) of every state, visible ones first."""
    w, c, b = (array(each) for each in (rbm.kernel, rbm.hidden_bias, rbm.visible_bias))
    return -(STATES @ b)[:, None] - (HIDDEN_STATES @ c) - STATES @ w @ HIDDEN_STATES.T


def probabilities(rbm):
    """P(v) of every visible state."""
    each = np.exp(-energies(rbm).astype("float64")).sum(axis=1)
    return each / each.sum()


def log_likelihood(rbm, data):
    index = data.astype(int) @ (2 ** np.arange(VISIBLE)[::-1])
    return np.log(probabilities(rbm)[index]).mean()


def exact_gradient(rbm, data):
    """Of the mean log-likelihood with respect to W."""
    p = probabilities(rbm)[:, None]
    hidden = [array(rbm.hidden(v)) for v in (data, STATES)]
    return data.T @ hidden[0] / len(data) - (p * STATES).T @ hidden[1]


def moved(model, rbm, data):
    """The step of W in one update with a learning rate of 1: minus the loss's gradient."""
    before = array(rbm.kernel).copy()
    model.fit(data, batch_size=len(data), shuffle=False, verbose=0)
    return array(rbm.kernel) - before


def patterns(examples):
    """Two patterns with some noise: something that an RBM can learn."""
    rng = np.random.default_rng(0)
    rows = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0]], "float32")[rng.integers(0, 2, examples)]
    return np.abs(rows - (rng.random(rows.shape) < 0.1)).astype("float32")


def test_the_free_energy_sums_over_all_hidden_states():
    _, rbm = machine()
    expected = -np.log(np.exp(-energies(rbm)).sum(axis=1))
    np.testing.assert_allclose(array(rbm.free_energy(STATES)), expected, rtol=1e-4)
    kept = np.broadcast_to(np.float32([1, 0, 1, 0]), (len(STATES), HIDDEN))
    present = (HIDDEN_STATES[:, 1] == 0) & (HIDDEN_STATES[:, 3] == 0)
    expected = -np.log(np.exp(-energies(rbm)[:, present]).sum(axis=1))
    np.testing.assert_allclose(array(rbm.free_energy(STATES, kept)), expected, rtol=1e-4)


@ONCE
@pytest.mark.parametrize("copies", [1, 2])
def test_long_chains_visit_states_as_often_as_their_probabilities_say(copies):
    _, rbm = machine(sample_visible=True, hidden_copies=copies)
    start = np.tile(STATES, (500, 1))
    end = array(rbm.gibbs(keras.ops.convert_to_tensor(start), 30))
    index = end.astype(int) @ (2 ** np.arange(VISIBLE)[::-1])
    found = np.bincount(index, minlength=len(STATES)) / len(start)
    weights = np.exp(-array(rbm.free_energy(STATES)).astype("float64"))
    expected = weights / weights.sum()
    # Of 16,000 chains: four standard errors.
    assert np.all(np.abs(found - expected) < 4 * np.sqrt(expected / len(start)) + 1e-4)


@pytest.mark.parametrize("settings", some([{}, {"sample_visible": True}, {"steps": 5}], 1))
def test_contrastive_divergence_points_the_way_of_the_exact_gradient(settings):
    data, cosines = patterns(2_000), []
    for seed in range(5):
        wide = keras.initializers.RandomNormal(stddev=0.5, seed=seed)
        model, rbm = machine(kernel_initializer=wide, seed=seed, **settings)
        exact, step = exact_gradient(rbm, data), moved(model, rbm, data)
        cosines.append((exact * step).sum() / np.linalg.norm(exact) / np.linalg.norm(step))
    assert np.mean(cosines) > 0.9


@ONCE
@pytest.mark.parametrize("settings", [{}, {"chains": 100}], ids=["CD", "persistent"])
def test_training_raises_the_exact_likelihood(settings):
    data = patterns(500)
    model, rbm = machine(kernel_initializer=None, **settings)
    before = log_likelihood(rbm, data)
    model.compile(keras.optimizers.SGD(0.1, momentum=0.5))
    model.fit(data, batch_size=50, epochs=40, verbose=0)
    after = log_likelihood(rbm, data)
    best = -np.mean([-np.log(np.mean((data == row).all(axis=1))) for row in data])
    assert before < -3.0 < after
    assert best - after < 0.15


@ONCE
def test_persistent_chains_end_in_the_models_distribution_and_go_on_from_where_they_were():
    model, rbm = machine(chains=8_000)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(STATES, batch_size=1, verbose=0)
    index = array(rbm.particles).astype(int) @ (2 ** np.arange(VISIBLE)[::-1])
    found = np.bincount(index, minlength=len(STATES)) / 8_000
    expected = probabilities(rbm)
    assert np.all(np.abs(found - expected) < 4 * np.sqrt(expected / 8_000) + 1e-4)
    before = array(rbm.particles).copy()
    # One step from there changes some units, not all.
    model.fit(STATES[:1], verbose=0)
    assert 0 < np.mean(array(rbm.particles) != before) < 0.5


def test_a_dropped_unit_learns_nothing_in_either_phase():
    model, rbm = machine(rate=0.5)
    for _ in range(6):
        words = array(rbm.stream.state).copy()
        kept = array(rbm.stream.kept((1, HIDDEN)))[0]
        np.testing.assert_array_equal(words, array(rbm.stream.state))
        step = moved(model, rbm, STATES[11:12])
        assert np.all(step[:, kept == 0] == 0)
        assert np.all(np.abs(step[:, kept == 1]).sum(axis=0) > 0)


@pytest.mark.parametrize("rate", [0.0, 0.5])
def test_an_update_is_that_of_contrastive_divergence(rate):
    """To the digit: <v h'> of the data minus that of the reconstruction, hidden probabilities in
    both, each example with a mask of its own, which holds in both phases."""
    (model, rbm), (_, other) = machine(rate=rate), machine(rate=rate)
    data = keras.ops.convert_to_tensor(patterns(64))
    kept = None
    if rate:
        kept = keras.ops.cast(other.stream.kept((64, HIDDEN)), "float32")
        assert len(np.unique(array(kept), axis=0)) > 4
        other.stream.advance()
    phases = array(data), array(other.gibbs(data, 1, kept))
    hidden = [array(other.hidden(v)) * (1 if kept is None else array(kept)) for v in phases]
    before = [array(each).copy() for each in (rbm.kernel, rbm.hidden_bias, rbm.visible_bias)]
    model.fit(phases[0], batch_size=64, shuffle=False, verbose=0)
    expected = (
        (phases[0].T @ hidden[0] - phases[1].T @ hidden[1]) / 64,
        (hidden[0] - hidden[1]).mean(axis=0),
        (phases[0] - phases[1]).mean(axis=0),
    )
    after = (rbm.kernel, rbm.hidden_bias, rbm.visible_bias)
    for new, old, step in zip(after, before, expected, strict=True):
        np.testing.assert_allclose(array(new) - old, step, atol=1e-5)


def test_inputs_are_vectors():
    for layer in (RBM(4), DBM((4, 2))):
        for shape in ((5,), (2, 5, 5)):
            with pytest.raises(ValueError, match="ndim=2"):
                layer(np.ones(shape, "float32"))


def test_dropped_units_are_off_in_the_negative_phase():
    _, rbm = machine(rate=0.5)
    none = np.zeros((len(STATES), HIDDEN), "float32")
    alone = 1 / (1 + np.exp(-array(rbm.visible_bias)))
    visible = array(rbm.gibbs(keras.ops.convert_to_tensor(STATES), 3, none))
    np.testing.assert_allclose(visible, np.tile(alone, (len(STATES), 1)), atol=1e-6)


def test_examples_have_masks_of_their_own_and_each_call_new_ones():
    _, rbm = machine(rate=0.5)
    first = array(rbm.stream.kept((200, HIDDEN)))
    assert 0.4 < first.mean() < 0.6 and len(np.unique(first, axis=0)) == 16
    rbm(STATES, training=True)
    assert (array(rbm.stream.kept((200, HIDDEN))) != first).any()


def test_without_a_rate_it_draws_no_mask_and_equals_one_whose_units_are_all_kept():
    plain, dropout = machine(), machine(rate=0.5)
    dropout[1].stream.set_keep(1.0)
    plain[1].stream.advance()  # the call that drew the other's mask
    steps = [moved(*each, patterns(100)) for each in (plain, dropout)]
    # PyTorch may add in another order where there is a mask to multiply by.
    np.testing.assert_allclose(*steps, rtol=0, atol=1e-6 if BACKEND == "torch" else 0)
    np.testing.assert_array_equal(array(plain[1].stream.state)[2], 2)
    with pytest.raises(AttributeError):
        plain[1].rate = 0.5


def test_at_inference_it_has_no_loss_and_gives_the_probabilities_of_all_units():
    _, rbm = machine(rate=0.5)
    out = array(rbm(STATES))
    w, c = array(rbm.kernel), array(rbm.hidden_bias)
    np.testing.assert_allclose(out, 1 / (1 + np.exp(-(STATES @ w + c))), atol=1e-5)
    assert rbm.losses == []
    logits = array(rbm.reconstruction_logits(rbm(STATES)))
    np.testing.assert_allclose(logits, 0.5 * out @ w.T + array(rbm.visible_bias), atol=1e-5)


def test_copies_of_units_are_those_of_a_wider_machine():
    wide = keras.initializers.RandomNormal(stddev=0.8, seed=3)
    for kind, twice in (("visible", (2, 1)), ("hidden", (1, 2))):
        _, rbm = machine(**{f"{kind}_copies": 2})
        wider = RBM(HIDDEN * twice[1])
        wider.build((None, VISIBLE * twice[0]))
        wider.kernel.assign(np.tile(array(rbm.kernel), twice))
        wider.visible_bias.assign(np.tile(array(rbm.visible_bias), twice[0]))
        wider.hidden_bias.assign(np.tile(array(rbm.hidden_bias), twice[1]))
        both = np.tile(STATES, (1, twice[0]))
        energies = array(rbm.free_energy(STATES)), array(wider.free_energy(both))
        np.testing.assert_allclose(*energies, rtol=1e-5)
        hidden = array(wider.hidden(both))
        np.testing.assert_allclose(np.tile(array(rbm.hidden(STATES)), twice[1]), hidden, atol=1e-6)
        drawn = np.tile(array(wide((9, HIDDEN))) > 0, (1, twice[1])).astype("float32")
        below = array(wider.visible(drawn))[:, :VISIBLE]
        np.testing.assert_allclose(array(rbm.visible(drawn[:, :HIDDEN])), below, atol=1e-6)


def test_while_it_is_frozen_it_has_no_loss_and_goes_on_afterwards():
    _, rbm = machine()
    rbm.trainable = False
    out = array(rbm(STATES, training=True))
    assert rbm.losses == [] and rbm.trainable_variables == []
    np.testing.assert_array_equal(out, array(rbm(STATES)))
    rbm.trainable = True
    rbm(STATES, training=True)
    assert len(rbm.losses) == 1


def test_its_weights_go_on_in_dense_layers_and_stay_its_own():
    for settings in ({"rate": 0.5}, {"visible_copies": 2}):
        _, rbm = machine(**settings)
        before = array(rbm(STATES))
        np.testing.assert_allclose(array(rbm.to_dense()(STATES)), before, atol=1e-6)
        assert rbm.to_dense("relu", name="first").name == "first"
        assert rbm.to_dense(dtype="float64").dtype == "float64"
        inputs = keras.Input((VISIBLE,))
        both = keras.layers.Add()([rbm.to_dense()(inputs), rbm.to_dense(name="other")(inputs)])
        net = keras.Model(inputs, both)
        net.compile(keras.optimizers.SGD(1.0), "mse")
        net.fit(STATES, np.zeros((len(STATES), HIDDEN)), verbose=0)
        np.testing.assert_array_equal(array(rbm(STATES)), before)
    half = RBM(3, dtype="mixed_bfloat16")
    half(STATES)
    assert half.to_dense().dtype_policy.name == "mixed_bfloat16"
    for early in (
        RBM.to_dense,
        lambda rbm: rbm.free_energy(STATES),
        lambda rbm: rbm.gibbs(STATES, 1),
    ):
        with pytest.raises(ValueError, match="not built"):
            early(RBM(3))
    for fixed in ({"use_bias": False}, {"units": 3}):
        with pytest.raises(TypeError, match=next(iter(fixed))):
            half.to_dense(**fixed)


def test_an_array_has_the_gradient_of_a_tensor():
    _, rbm = machine()
    tensor = keras.ops.convert_to_tensor(STATES)
    np.testing.assert_allclose(array(rbm.free_energy(STATES)), array(rbm.free_energy(tensor)))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(persistent=True) as tape:
            sums = [tf.reduce_sum(rbm.free_energy(each)) for each in (STATES, tensor)]
        found = [tape.gradient(each, rbm.visible_bias) for each in sums]
        np.testing.assert_allclose(array(found[0]), array(found[1]))


@pytest.mark.parametrize("settings", [{"rate": 0.5, "kernel_regularizer": "l2"}, {"chains": 7}])
def test_a_saved_machine_goes_on_as_if_it_had_not_been(settings, tmp_path):
    model, rbm = machine(**settings)
    moved(model, rbm, STATES)
    model.save(tmp_path / "machine.keras")
    loaded = keras.saving.load_model(tmp_path / "machine.keras")
    assert loaded.layers[-1].get_config() == rbm.get_config()
    loaded.compile(keras.optimizers.SGD(1.0))
    model.compile(keras.optimizers.SGD(1.0))
    steps = [moved(each, each.layers[-1], STATES) for each in (model, loaded)]
    np.testing.assert_allclose(*steps, atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA by name is TensorFlow's")
def test_it_is_the_same_under_xla():
    steps = []
    for jit in (False, True):
        model, rbm = machine(rate=0.5)
        model.compile(keras.optimizers.SGD(1.0), jit_compile=jit)
        steps.append(moved(model, rbm, patterns(64)))
    np.testing.assert_allclose(*steps, atol=1e-5)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_it_trains_in_half_precision(policy):
    if BACKEND == "torch" and policy == "mixed_float16":
        policy = "mixed_bfloat16"
    model, rbm = machine(rate=0.5, dtype=policy)
    assert np.isfinite(moved(model, rbm, patterns(64))).all()


@pytest.mark.parametrize(
    "bad",
    [
        {"units": 0},
        {"rate": 1.0},
        {"steps": 0},
        {"chains": -1},
        {"chains": True},
        {"chains": 1.5},
        {"hidden_copies": 0},
        {"sample_visible": "no"},
        {"seed": 1.5},
    ],
)
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="Received"):
        RBM(**{"units": 3} | bad)


def test_persistent_chains_have_no_masks():
    with pytest.raises(ValueError, match=r"rate=0\.5, chains=10"):
        RBM(3, rate=0.5, chains=10)


def test_the_loss_of_an_rbm_leaves_the_one_below_it_as_it_is():
    # Of one name in models of one name, so that both draw the same samples.
    alone, mine = machine(kernel_initializer=None)
    lower, upper = RBM(HIDDEN, seed=1, name="rbm"), RBM(3, seed=2, name="upper")
    stack = keras.Sequential([keras.Input((VISIBLE,)), lower, upper], name="machine")
    for model in (stack, alone):
        model.compile(keras.optimizers.SGD(1.0))
    wide = keras.initializers.RandomNormal(stddev=1.0, seed=4)
    for rbm in (lower, mine):
        rbm.kernel.assign(wide((VISIBLE, HIDDEN)))
        rbm.hidden_bias.assign(np.zeros(HIDDEN))
        rbm.visible_bias.assign(np.zeros(VISIBLE))
    upper.kernel.assign(wide((HIDDEN, 3)))
    upper.visible_bias.assign(wide((HIDDEN,)))
    steps = [moved(stack, lower, STATES), moved(alone, mine, STATES)]
    np.testing.assert_allclose(*steps, atol=1e-6)


@pytest.mark.parametrize("policy", some(["mixed_float16", "mixed_bfloat16"], 1))
@pytest.mark.parametrize("make", [lambda **s: RBM(4, **s), lambda **s: DBM((4, 2), **s)])
def test_half_precision_takes_weight_costs_and_other_losses(make, policy):
    layer = make(dtype=policy, kernel_regularizer="l2", seed=1)
    head = keras.layers.Dense(1, dtype=policy)
    model = keras.Sequential([keras.Input((VISIBLE,)), layer, head])
    model.compile("sgd", "mse", jit_compile=JIT)
    history = model.fit(STATES, STATES[:, :1], verbose=0).history
    assert np.isfinite(history["loss"]).all()
    model(STATES, training=True)
    assert {keras.backend.standardize_dtype(each.dtype) for each in layer.losses} == {"float32"}


def test_a_wide_machines_loss_is_not_rounded_to_half_precision():
    """F is thousands here: float16 would know it to the nearest 2."""
    x = np.random.default_rng(0).integers(0, 2, (8, 4_000)).astype("float32")
    losses = []
    for policy in ("float32", "mixed_float16"):
        settings = {"kernel_initializer": "zeros", "visible_initializer": "ones"}
        rbm = RBM(4, seed=1, dtype=policy, name="wide", **settings)
        rbm(x, training=True)
        losses.append(float(array(rbm.losses[0])))
    assert losses[1] == pytest.approx(losses[0], abs=0.6)
