"""Runs of restricted Boltzmann machines: the engine trains them by the layer's own loss."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from layers import RBM
from reproduce import Dbm, Rbm
from reproduce.training import Training
from reproduce.training.nets import build


@pytest.fixture
def rbm(run):
    return replace(
        run,
        net=Rbm((24,)),
        measures=("squared_error",),
        learning_rate=0.1,
        momentum=0.5,
        keep=0.5,
        l2=1e-4,
        updates=300,
        test=True,
    )


def finish(training):
    for _ in training:
        pass
    return training


def machine(model):
    return next(layer for layer in model.layers if layer.name == "hidden_1")


def test_an_update_is_that_of_the_layers_own_loss(rbm, digits):
    run = replace(rbm, updates=1, momentum=0.0, batch_size=len(digits.images))
    # All images in one batch: their order does not matter but to masks and samples.
    run = replace(run, batch_size=500, examples=500)
    training = Training(run, digits)
    order = training.course.take(1)[0][0]
    training.course = type(training.course)(run, training.splits["train"])
    model = build(run, digits.shape, digits.classes).model
    model.compile(keras.optimizers.SGD(0.1))
    images = digits.images[order]
    # The reconstruction is no part of what is learned.
    model.fit(images, batch_size=500, shuffle=False, verbose=0)
    finish(training)
    for mine, layers in zip(
        training.network.trainable_variables, model.trainable_variables, strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), layers.numpy(), atol=1e-6)


def test_it_learns_to_tell_digits_from_noise_and_to_reconstruct_them(rbm, digits):
    training = finish(Training(replace(rbm, curve_points=2), digits))
    first, last = (m.value for m in training.history if m.split == "train" and m.step in (0, 300))
    assert last < first / 2
    layer = machine(training.model())
    images = digits.images[training.splits["test"]].reshape(-1, 64)
    noise = np.random.default_rng(0).permuted(images, axis=1)
    assert np.mean(layer.free_energy(images)) + 10 < np.mean(layer.free_energy(noise))


def test_the_trained_machine_is_an_ordinary_keras_model(rbm, digits, tmp_path):
    training = finish(Training(rbm, digits))
    ids = training.splits["test"]
    training.model().save(tmp_path / "rbm.keras")
    loaded = keras.saving.load_model(tmp_path / "rbm.keras")
    logits = loaded.predict(digits.images[ids], verbose=0)
    np.testing.assert_allclose(logits, training.logits(ids), atol=1e-4)
    assert training.wrong_by() is None


@pytest.mark.parametrize("bad", [{"keep_input": 0.8}, {"noise": "gaussian"}])
def test_what_it_cannot_drop_is_refused(rbm, bad):
    with pytest.raises(ValueError, match="an RBM drops hidden units"):
        replace(rbm, **bad)
    with pytest.raises(ValueError, match="one hidden layer"):
        Rbm((5, 5))


def test_the_machines_have_the_settings_of_their_runs_and_can_be_saved(rbm, digits, tmp_path):
    deep = replace(rbm, net=Dbm((24, 9), mean_field=3, steps=2, chains=7), keep=1.0, updates=1)
    lower = replace(deep, net=Rbm((24,), visible_copies=2, hidden_copies=3, steps=4))
    layer = machine(build(lower, digits.shape, digits.classes).model)
    assert (layer.visible_copies, layer.hidden_copies, layer.steps) == (2, 3, 4)
    assert float(layer.kernel_regularizer.l2) == pytest.approx(lower.l2)
    upper = replace(rbm, start=replace(lower, net=Rbm((24,))), net=Rbm((9,)), keep=0.4)
    layers = build(upper, digits.shape, digits.classes).model.layers
    rates = [each.rate for each in layers if isinstance(each, RBM)]
    assert rates == [0.0, pytest.approx(0.6)]
    model = build(deep, digits.shape, digits.classes).model
    dbm = model.get_layer("reconstruction").dbm
    assert (dbm.units, dbm.mean_field, dbm.steps, dbm.chains) == ((24, 9), 3, 2, 7)
    assert float(dbm.kernel_regularizer.l2) == pytest.approx(deep.l2)
    model.save(tmp_path / "dbm.keras")
    loaded = keras.saving.load_model(tmp_path / "dbm.keras")
    images = digits.images[:20]
    np.testing.assert_allclose(loaded(images), model(images), atol=1e-6)
