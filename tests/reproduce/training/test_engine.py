"""The engine's update is Keras's own SGD step, in the paper's convention, compiled once."""

import re
from dataclasses import replace

import keras
import numpy as np
import pytest

from layers import paper_to_inverted
from reproduce import Autoencoder, ConvNet, Mlp, Run
from reproduce.training import Training
from reproduce.training.engine import Engine, engine_for
from reproduce.training.nets import build
from reproduce.training.schedules import batches

UPDATES = 20


def trained_by_engine(run, digits, order):
    engine = Engine(run, digits)
    built = build(run, digits.shape, digits.classes)
    engine.load(built)
    schedule = np.tile(np.float32([run.learning_rate, run.momentum, run.l1]), (len(order), 1))
    engine.advance(order, schedule)
    return [v.numpy() for v in engine.shown().trainable_variables]


def trained_by_keras(run, digits, order):
    model = build(run, digits.shape, digits.classes).model
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(run.learning_rate, run.momentum), loss)
    for ids in order:
        model.train_on_batch(digits.images[ids], digits.labels[ids])
    return [v.numpy() for v in model.trainable_variables]


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"l2": 1e-2, "max_norm": 0.9},
        {"sparsity_cost": 0.1, "sparsity_target": 0.1},
    ],
)
def test_without_dropout_the_update_is_that_of_keras(run, digits, settings):
    run = replace(run, **settings)
    order = np.stack(
        [b for b, _ in zip(batches(np.arange(500), 20, 1), range(UPDATES), strict=False)]
    )
    ours, theirs = (train(run, digits, order) for train in (trained_by_engine, trained_by_keras))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("noise", ["bernoulli", "slice"])
def test_with_dropout_kernels_move_by_keep_squared_and_biases_in_full(run, digits, noise):
    run = replace(run, keep_input=0.8, keep=0.5, momentum=0.0, noise=noise)
    built = build(run, digits.shape, digits.classes)
    before = [v.numpy() for v in built.model.trainable_variables]
    order = np.arange(20, dtype=np.int32)[None]
    ours = trained_by_engine(run, digits, order)
    theirs = trained_by_keras(run, digits, order)
    factors = [f for keep in (0.8, 0.5, 0.5) for f in (paper_to_inverted(keep).learning_rate, 1)]
    for start, mine, other, factor in zip(before, ours, theirs, factors, strict=True):
        np.testing.assert_allclose(mine - start, factor * (other - start), rtol=1e-3, atol=1e-6)


def test_l1_moves_weights_by_its_strength_and_leaves_biases(run, digits):
    run = replace(run, l1=0.01, momentum=0.0)
    order = np.arange(20, dtype=np.int32)[None]
    with_l1, without = (trained_by_engine(r, digits, order) for r in (run, replace(run, l1=0.0)))
    before = [v.numpy() for v in build(run, digits.shape, digits.classes).model.trainable_variables]
    for i, (mine, other, start) in enumerate(zip(with_l1, without, before, strict=True)):
        pull = 0 if i % 2 else run.learning_rate * 0.01 * np.sign(start)
        np.testing.assert_allclose(other - mine, np.broadcast_to(pull, mine.shape), atol=1e-6)


def test_the_compiled_update_copies_no_kernel_and_draws_each_mask_once(run, digits):
    run = replace(run, keep_input=0.8, keep=0.5, max_norm=2.0, net=Mlp((40, 40), "relu"))
    program = Engine(run, digits)._update.experimental_get_compiler_ir()("optimized_hlo")
    assert "f32[40,40]" in program
    assert not re.findall(r"f32\[40,40\]\S* copy\(", program)
    # A multiplier of Philox; the masks are of the inputs and two hidden layers.
    assert len(re.findall(r"u64\[\] constant\(3528531795\)", program)) == 3


def test_an_update_reads_nothing_that_tensorflow_keeps_on_the_host_beside_a_gpu(run, digits):
    dropping = replace(run, keep_input=0.8, keep=0.5, max_norm=1.0, shift_pixels=1)
    update = Engine(dropping, digits)._update.get_concrete_function()
    constants = [each for each in update.captured_inputs if each.dtype != "resource"]
    assert len(constants) == 2  # images and labels
    read = {each.dtype.name for each in [*update.graph.variables, *constants]}
    assert "int64" in read and "int32" not in read


def test_the_mean_loss_is_that_of_the_updates(run, digits):
    engine = Engine(run, digits)
    built = build(run, digits.shape, digits.classes)
    engine.load(built)
    ids = np.arange(20, dtype=np.int32)
    logits = built.model(digits.images[ids])
    losses = keras.losses.sparse_categorical_crossentropy(
        digits.labels[ids], logits, from_logits=True
    )
    stated = engine.advance(ids[None], np.float32([[0.0, 0.0, 0.0]]))
    assert stated == pytest.approx(float(np.mean(losses)), rel=1e-5)


def test_scores_do_not_depend_on_the_block_they_fall_into(run, digits):
    engine = Engine(run, digits)
    ids = np.arange(1237, dtype=np.int32)
    expected = engine.shown()(digits.images[ids]).numpy()
    np.testing.assert_allclose(engine.logits(ids), expected, atol=1e-5)


def test_runs_of_one_architecture_share_one_engine(run, digits):
    run = replace(run, keep=0.5, keep_input=0.8, max_norm=2.0, l2=1e-3)
    same = replace(run, keep=0.6, keep_input=0.9, max_norm=1.0, l2=1e-4, learning_rate=0.3, seed=9)
    assert engine_for(run, digits) is engine_for(same, digits)
    assert engine_for(run, digits) is not engine_for(replace(run, max_norm=None), digits)


def test_numbers_are_values_of_a_shared_engine(run, digits):
    run = replace(run, keep=0.5, keep_input=0.8, max_norm=0.7, l2=1e-2)
    other = replace(run, keep=0.9, keep_input=0.9, max_norm=0.3, l2=1e-1)
    order = np.stack([np.arange(20)] * 3).astype(np.int32)
    alone = trained_by_engine(other, digits, order)
    engine = Engine(run, digits)
    engine.load(build(other, digits.shape, digits.classes))
    schedule = np.tile(np.float32([other.learning_rate, other.momentum, 0]), (3, 1))
    engine.advance(order, schedule)
    for mine, expected in zip(engine.shown().trainable_variables, alone, strict=True):
        np.testing.assert_array_equal(mine.numpy(), expected)


CONVOLUTIONAL = ConvNet((3, 4), (6,), "relu")
RECONSTRUCTING = Autoencoder((9,), "relu")


@pytest.mark.parametrize("settings", [{}, {"l2": 1e-2, "max_norm": 0.9}])
def test_a_convolutional_update_is_that_of_keras_too(run, digits, settings):
    run = replace(run, net=CONVOLUTIONAL, **settings)
    order = np.stack(
        [b for b, _ in zip(batches(np.arange(500), 20, 1), range(UPDATES), strict=False)]
    )
    ours, theirs = (train(run, digits, order) for train in (trained_by_engine, trained_by_keras))
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("net", [CONVOLUTIONAL, RECONSTRUCTING, Mlp((6, 5), "maxout", 3)])
def test_two_trainings_of_one_run_end_in_the_same_weights(run, digits, net):
    keeps = {"keep_conv": (0.75, 0.5)} if isinstance(net, ConvNet) else {}
    run = replace(run, net=net, keep_input=0.9, keep=0.5, max_norm=2.0, **keeps)
    order = np.arange(10 * 20, dtype=np.int32).reshape(10, 20)
    first, second = (trained_by_engine(run, digits, order) for _ in range(2))
    other = trained_by_engine(replace(run, seed=run.seed + 1), digits, order)
    for one, two, three in zip(first, second, other, strict=True):
        np.testing.assert_array_equal(one, two)
        assert (one != three).any()


def test_an_autoencoder_learns_to_reproduce_its_inputs(run, digits):
    run = replace(run, net=RECONSTRUCTING, keep=0.5)
    engine = Engine(run, digits)
    engine.load(build(run, digits.shape, digits.classes))
    order = np.stack([b for b, _ in zip(batches(np.arange(500), 20, 1), range(100), strict=False)])
    schedule = np.tile(np.float32([run.learning_rate, run.momentum, 0]), (100, 1))
    first = engine.advance(order[:1], schedule[:1])
    pixels = digits.images[order[0]].reshape(20, -1)
    assert engine.logits(order[0]).shape == pixels.shape
    assert first == pytest.approx(((0.5 - pixels) ** 2).sum() / 40, rel=0.3)
    assert engine.advance(order, schedule) < 0.8 * first


@pytest.mark.parametrize("net", [CONVOLUTIONAL, Mlp((6, 5), "maxout", 3)])
def test_a_trained_net_is_an_ordinary_keras_model(run, digits, net, tmp_path):
    run = replace(run, net=net, keep=0.5, max_norm=2.0, updates=20)
    training = Training(run, digits)
    for _ in training:
        pass
    training.model().save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    ids = np.arange(50)
    expected = training.logits(ids)
    np.testing.assert_allclose(loaded.predict(digits.images[ids], verbose=0), expected, atol=1e-5)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    loaded.compile(keras.optimizers.SGD(0.01), loss)
    history = loaded.fit(digits.images[:500], digits.labels[:500], epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def parameters(net, shape, classes=10):
    run = Run(data="-", net=net, batch_size=100, learning_rate=0.1)
    return build(run, shape, classes).model.count_params()


def test_networks_have_the_papers_parameter_counts():
    mnist, cifar = (28, 28), (32, 32, 3)
    assert parameters(Mlp((1024, 1024, 1024), "relu"), mnist) == 2_913_290
    assert parameters(Mlp((1024, 1024, 2048), "relu"), mnist) == 3_973_130
    assert parameters(Mlp((240, 240), "maxout", 5), mnist) == 1_233_610
    assert parameters(Autoencoder((256,), "relu"), mnist) == 784 * 256 + 256 + 256 * 784 + 784
    # Convolutions 5 x 5 of 96, 128, 256 filters; three poolings leave 4 x 4 x 256 = 4,096 inputs.
    dense = 4096 * 2048 + 2048 + 2048 * 2048 + 2048 + 2048 * 10 + 10
    conv = 75 * 96 + 96 + 2400 * 128 + 128 + 3200 * 256 + 256
    assert parameters(ConvNet((96, 128, 256), (2048, 2048), "relu"), cifar) == conv + dense
