"""Deep Boltzmann machines against sums over all of their states."""

from itertools import product

import keras
import numpy as np
import pytest
from backend import BACKEND, ONCE, array

from layers import DBM, RBM

SIZES = (4, 3, 2)
STATES = [np.array(list(product((0.0, 1.0), repeat=size)), "float32") for size in SIZES]


def machine(deviation=0.8, **settings):
    """A DBM with weights that are not small, in a model with its own loss and plain descent."""
    wide = keras.initializers.RandomNormal(stddev=deviation, seed=3)
    wide = {f"{kind}_initializer": wide for kind in ("kernel", "visible", "hidden")}
    dbm = DBM(SIZES[1:], **{**wide, "seed": 1, "name": "dbm"} | settings)
    model = keras.Sequential([keras.Input(SIZES[:1]), dbm], name="machine")
    model.compile(keras.optimizers.SGD(1.0))
    return model, dbm


def joint(dbm):
    """P(v, h1, h2) of every state."""
    w, u = (array(each).astype("float64") for each in dbm.kernels)
    b, c, d = (array(each).astype("float64") for each in dbm.biases)
    v, h, g = (each.astype("float64") for each in STATES)
    below = (v @ b)[:, None] + h @ c + v @ w @ h.T
    above = g @ d + h @ u @ g.T
    each = np.exp(below[:, :, None] + above[None])
    return each / each.sum()


def log_likelihood(dbm, data):
    index = data.astype(int) @ (2 ** np.arange(SIZES[0])[::-1])
    return np.log(joint(dbm).sum(axis=(1, 2))[index]).mean()


def pairs_seen(dbm, data):
    """The mean products of neighbouring layers, of data: with the hidden layers' true probabilities
    given the data, and with those of mean field."""
    p = joint(dbm)
    index = data.astype(int) @ (2 ** np.arange(SIZES[0])[::-1])
    given = (p / p.sum(axis=(1, 2), keepdims=True))[index]
    _, h, g = STATES
    true = (
        np.einsum("nhg,nv,hk->vk", given, data, h) / len(data),
        np.einsum("nhg,hk,gl->kl", given, h, g) / len(data),
    )
    _, h, g = (array(each) for each in dbm.probabilities(data))
    return true, (data.T @ h / len(data), h.T @ g / len(data))


def pairs_expected(dbm):
    """The same of the machine's own distribution."""
    p, (v, h, g) = joint(dbm), STATES
    return np.einsum("vhg,vi,hk->ik", p, v, h), np.einsum("vhg,hk,gl->kl", p, h, g)


def moved(model, dbm, data):
    """The step of each W in one update with a learning rate of 1: minus the loss's gradient."""
    before = [array(each).copy() for each in dbm.kernels]
    model.fit(data, batch_size=len(data), shuffle=False, verbose=0)
    return [array(each) - old for each, old in zip(dbm.kernels, before, strict=True)]


def patterns(examples):
    rng = np.random.default_rng(0)
    rows = np.array([[1, 1, 0, 1], [0, 0, 1, 0]], "float32")[rng.integers(0, 2, examples)]
    return np.abs(rows - (rng.random(rows.shape) < 0.1)).astype("float32")


def bound(dbm, data, rounds):
    """The lower bound on the mean log P(v) but for log Z: minus energy, plus entropy."""
    states = [array(each) for each in dbm.probabilities(data, rounds)]
    inner = [np.clip(each.astype("float64"), 1e-12, 1 - 1e-12) for each in states[1:]]
    entropy = -sum((m * np.log(m) + (1 - m) * np.log(1 - m)).sum(axis=1) for m in inner)
    return (entropy - array(dbm.energy(states))).mean()


def test_mean_field_climbs_to_a_bound_on_the_likelihood():
    _, dbm = machine()
    data = patterns(50)
    first = array(dbm.probabilities(data, 0)[1])  # from a pass up with doubled weights
    into = 2 * data @ array(dbm.kernels[0]) + array(dbm.biases[1])
    np.testing.assert_allclose(first, 1 / (1 + np.exp(-into)), atol=1e-6)
    climbed = [bound(dbm, data, rounds) for rounds in range(12)]
    assert np.all(np.diff(climbed) > -1e-5)
    w, u = (array(each).astype("float64") for each in dbm.kernels)
    b, c, d = (array(each).astype("float64") for each in dbm.biases)
    v, h, g = STATES
    log_z = np.log(
        np.exp(
            ((v @ b)[:, None] + h @ c + v @ w @ h.T)[:, :, None] + (g @ d + h @ u @ g.T)[None]
        ).sum()
    )
    gap = log_likelihood(dbm, data) - (climbed[-1] - log_z)
    assert 0 <= gap < 0.2


@ONCE
def test_its_chains_visit_states_as_often_as_their_probabilities_say():
    model, dbm = machine(chains=8_000, steps=30)
    model.compile(keras.optimizers.SGD(0.0))
    model.fit(STATES[0], batch_size=16, verbose=0)
    v, g = (array(each).astype(int) for each in dbm.particles)
    index = v @ (2 ** np.arange(SIZES[0])[::-1]) * 4 + g @ np.array([2, 1])
    found = np.bincount(index, minlength=64) / 8_000
    expected = joint(dbm).sum(axis=1).ravel()
    # Four standard errors.
    assert np.all(np.abs(found - expected) < 4 * np.sqrt(expected / 8_000) + 1e-4)
    before = array(dbm.particles[0]).copy()
    model.fit(STATES[0], batch_size=16, verbose=0)
    assert 0 < np.mean(array(dbm.particles[0]) != before) < 1


def test_the_loss_points_the_way_of_the_exact_gradient():
    data = patterns(2_000)
    for seed in range(2):
        wide = keras.initializers.RandomNormal(stddev=0.5, seed=seed)
        model, dbm = machine(kernel_initializer=wide, chains=5_000, steps=10, seed=seed)
        (true, mean_field), expected = pairs_seen(dbm, data), pairs_expected(dbm)
        step = moved(model, dbm, data)
        of_the_bound = [seen - known for seen, known in zip(mean_field, expected, strict=True)]
        for mine, exact in zip(step, of_the_bound, strict=True):
            np.testing.assert_allclose(mine, exact, atol=0.03)  # four standard errors of the chains
        exact = np.concatenate([(a - b).ravel() for a, b in zip(true, expected, strict=True)])
        mine = np.concatenate([each.ravel() for each in step])
        assert exact @ mine / np.linalg.norm(exact) / np.linalg.norm(mine) > 0.9


@ONCE
def test_training_raises_the_exact_likelihood():
    data = patterns(500)
    model, dbm = machine(0.1, chains=100)
    before = log_likelihood(dbm, data)
    model.compile(keras.optimizers.SGD(0.05, momentum=0.5))
    model.fit(data, batch_size=50, epochs=60, verbose=0)
    after = log_likelihood(dbm, data)
    best = -np.mean([-np.log(np.mean((data == row).all(axis=1))) for row in data])
    assert before < -2.5 < after
    assert best - after < 0.2


def test_it_begins_with_rbms_and_goes_on_in_a_network_that_finds_the_same():
    first, second, _ = RBM(3, seed=1), RBM(2, seed=2), None
    wide = keras.initializers.RandomNormal(stddev=0.8, seed=3)
    for rbm, visible in ((first, 4), (second, 3)):
        rbm.build((None, visible))
        for each in rbm.trainable_variables:
            each.assign(wide(each.shape))
    model, dbm = machine(mean_field=50)
    dbm.begin([first, second])
    np.testing.assert_array_equal(array(dbm.kernels[1]), array(second.kernel))
    middle = (array(first.hidden_bias) + array(second.visible_bias)) / 2
    np.testing.assert_allclose(array(dbm.biases[1]), middle, atol=1e-7)
    # Where mean field has converged, one more round changes nothing.
    network = dbm.to_model()
    np.testing.assert_allclose(array(network(STATES[0])), array(dbm(STATES[0])), atol=1e-4)
    assert len(network.trainable_variables) == 4
    # Each can be trained, and leaves the others as they were.
    outputs = [array(each) for each in (first(STATES[0]), dbm(STATES[0]))]
    network.compile(keras.optimizers.SGD(1.0), "mse")
    network.fit(STATES[0], np.zeros((len(STATES[0]), 2)), verbose=0)
    np.testing.assert_array_equal(array(dbm(STATES[0])), outputs[1])
    model.compile(keras.optimizers.SGD(0.1))
    model.fit(STATES[0], verbose=0)
    assert np.any(array(dbm(STATES[0])) != outputs[1])
    np.testing.assert_array_equal(array(first(STATES[0])), outputs[0])
    with pytest.raises(ValueError, match=r"\(4, 3\), \(3, 2\)"):
        dbm.begin([second, first])


def test_at_inference_and_while_it_is_frozen_it_has_no_loss():
    _, dbm = machine()
    top = array(dbm(STATES[0]))
    assert dbm.losses == []
    _, costly = machine(kernel_regularizer="l2")
    costly(STATES[0], training=True)
    assert len(costly.losses) == 3  # its own, and the cost of each kernel
    dbm.trainable = False
    np.testing.assert_array_equal(array(dbm(STATES[0], training=True)), top)
    assert dbm.losses == []


def test_a_saved_machine_and_its_network_go_on_as_if_they_had_not_been(tmp_path):
    model, dbm = machine(kernel_regularizer="l2", chains=7)
    moved(model, dbm, STATES[0])
    model.save(tmp_path / "machine.keras")
    loaded = keras.saving.load_model(tmp_path / "machine.keras")
    for each in (loaded, model):
        each.compile(keras.optimizers.SGD(1.0))
    steps = [moved(each, each.layers[-1], STATES[0]) for each in (model, loaded)]
    for mine, its in zip(*steps, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-6)
    network = dbm.to_model()
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras")
    np.testing.assert_allclose(array(again(STATES[0])), array(network(STATES[0])), atol=1e-6)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="XLA by name is TensorFlow's")
def test_it_is_the_same_under_xla():
    steps = []
    for jit in (False, True):
        model, dbm = machine()
        model.compile(keras.optimizers.SGD(1.0), jit_compile=jit)
        steps.append(moved(model, dbm, patterns(64)))
    for mine, its in zip(*steps, strict=True):
        np.testing.assert_allclose(mine, its, atol=1e-5)


def test_its_network_has_its_precision():
    dbm = DBM((3, 2), dtype="bfloat16")
    with pytest.raises(ValueError, match="not built"):
        dbm.to_model()
    top = dbm(STATES[0])
    np.testing.assert_allclose(array(dbm.to_model()(STATES[0])), array(top), atol=0.02)


def test_three_hidden_layers_train_in_half_precision():
    dbm = DBM((5, 4, 3), chains=6, dtype="mixed_bfloat16", seed=1)
    model = keras.Sequential([keras.Input((4,)), dbm])
    model.compile(keras.optimizers.SGD(1.0))
    assert all(np.isfinite(each).all() for each in moved(model, dbm, patterns(64)))
    assert [tuple(each.shape) for each in dbm.particles] == [(6, 4), (6, 4)]


@pytest.mark.parametrize(
    "bad",
    [
        {"units": 3},
        {"units": 3.5},
        {"units": {3, 2}},
        {"seed": "x"},
        {"units": (3,)},
        {"units": (3, 0)},
        {"mean_field": 0},
        {"steps": 0},
        {"chains": 0},
        {"chains": True},
    ],
)
def test_numbers_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match="Received"):
        DBM(**{"units": (3, 2)} | bad)


@pytest.mark.parametrize("rbms", [None, 3, [None, None], [keras.layers.Dense(3)], (), iter(())])
def test_what_is_no_list_of_rbms_is_refused(rbms):
    _, dbm = machine()
    with pytest.raises(ValueError, match=r"Received: "):
        dbm.begin(rbms)


def test_rbms_that_are_not_built_are_named():
    _, dbm = machine()
    with pytest.raises(ValueError, match="'lower', not built"):
        dbm.begin([RBM(3, name="lower"), RBM(2)])


def test_the_largest_seed_serves_and_a_rate_does_not():
    for seed in (2**32 - 1, np.int64(2**32 - 1)):
        dbm = DBM((3, 2), seed=seed)
        first, second = (array(each) for each in (dbm(STATES[0]), dbm.kernels[1]))
        assert np.isfinite(first).all() and second.any()
    with pytest.raises(ValueError, match=r"'rate': 0\.5"):
        DBM((3, 2), rate=0.5)
