"""Recurrent, residual and Transformer nets train on the one engine and stay Keras models."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from reproduce import LinearRegression, Recurrent, Residual, Transformer
from reproduce.training import Training
from reproduce.training.nets import build

NETS = [Recurrent((12,)), Recurrent((12,), "naive"), Residual((3, 4)), Transformer(8, 1, heads=2)]


@pytest.mark.parametrize("net", NETS)
def test_each_net_learns_is_repeatable_and_can_be_saved(run, digits, net, tmp_path):
    run = replace(run, net=net, keep=0.8, test=True, updates=150, learning_rate=0.05)
    first, second = Training(run, digits), None
    for _ in first:
        pass
    weights = [v.numpy() for v in first.network.variables]
    model = first.model()
    losses = [m.value for m in first.history if m.measure == "nll" and m.split == "train"]
    assert losses[-1] < 2.0  # log 10 = 2.303 for one that learned nothing
    second = Training(run, digits)
    for _ in second:
        pass
    for one, two in zip(weights, second.network.variables, strict=True):
        np.testing.assert_array_equal(one, two.numpy())
    model.save(tmp_path / "net.keras")
    loaded = keras.models.load_model(tmp_path / "net.keras")
    images = digits.images[:10]
    np.testing.assert_allclose(loaded(images), model(images), atol=1e-5)


@pytest.mark.parametrize("net", NETS)
def test_dropout_acts_in_training_only(run, digits, net):
    model = build(replace(run, net=net, keep=0.5), digits.shape, digits.classes).model
    images = digits.images[:10]
    once, twice = (np.asarray(model(images, training=True)) for _ in range(2))
    assert not np.array_equal(once, twice)
    np.testing.assert_array_equal(model(images), model(images))


def test_naive_and_sequence_masks_are_the_same_net_without_dropout(run, digits):
    images = digits.images[:10]
    naive, sequence = (
        build(replace(run, net=net), digits.shape, digits.classes).model(images)
        for net in (Recurrent((12,), "naive"), Recurrent((12,)))
    )
    np.testing.assert_allclose(naive, sequence, atol=1e-6)


IGNORED = [
    {"max_norm": 2.0},
    {"shift_pixels": 2},
    {"flip": True},
    {"keep_input": 0.5},
    {"input_rate_factor": 0.1},
]


@pytest.mark.parametrize("settings", IGNORED)
@pytest.mark.parametrize("net", [Transformer(8, 1), Recurrent((4,), "naive")])
def test_what_such_a_net_would_ignore_is_refused(run, digits, net, settings):
    with pytest.raises(ValueError, match="no regularisation but `keep`"):
        build(replace(run, net=net, **settings), digits.shape, digits.classes)


def test_a_keep_without_hidden_layers_is_refused(run, digits):
    with pytest.raises(ValueError, match="hidden layers; this net has none"):
        build(replace(run, net=LinearRegression(), keep=0.5), digits.shape, digits.classes)


def test_masks_of_recurrent_nets_are_naive_or_of_a_sequence():
    with pytest.raises(ValueError, match="'naive' or 'sequence'"):
        Recurrent((12,), "none")


def test_queries_keys_values_and_their_outcome_begin_differently(run, digits):
    model = build(replace(run, net=Transformer(8, 2, heads=2)), digits.shape, digits.classes).model
    attentions = [each for each in model.layers if each.name.startswith("attention_")]
    kernels = [w.numpy() for each in attentions for w in each.trainable_weights if w.ndim > 2]
    assert len(kernels) == 8
    for i, one in enumerate(kernels):
        for other in kernels[:i]:
            assert np.abs(np.sort(one.ravel()) - np.sort(other.ravel())).max() > 1e-3
