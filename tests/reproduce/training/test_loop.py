import os
from dataclasses import replace

import keras
import numpy as np
import pytest

from reproduce import GaussianSvm, Rbm
from reproduce.training import Training, advance_together, checkpoint
from reproduce.training.schedules import averaged
from reproduce.training.svm import train_svm


@pytest.fixture
def full(run):
    return replace(
        run,
        keep=0.7,
        keep_input=0.9,
        max_norm=2.0,
        decay="linear",
        hold_out=True,
        test=True,
        updates=250,
        curve_points=7,
        momentum_start=0.5,
        momentum_ramp_fraction=0.3,
    )


def finish(training):
    for _ in training:
        pass
    return training


def weights(training):
    return [v.numpy() for v in training.network.variables]


def test_the_same_run_twice_is_bit_identical(full, digits):
    one = finish(Training(full, digits))
    first = weights(one)
    two = finish(Training(full, digits))
    assert one.history == two.history
    for a, b in zip(first, weights(two), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"average_fraction": 0.9},
        {"early_stopping": True, "shift_pixels": 1, "learning_rate": 0.2},
        {"net": Rbm((20,)), "measures": ("squared_error",), "keep_input": 1.0, "max_norm": None},
    ],
)
def test_a_run_resumed_equals_a_run_uninterrupted(full, digits, tmp_path, more):
    if "early_stopping" in more:
        full = replace(full, net=replace(full.net, batch_norm=True))
    full = replace(full, **more)
    whole = finish(Training(full, digits))
    expected, history = weights(whole), whole.history
    path = tmp_path / "folder" / "checkpoint.npz"
    for stop in (1, 2):  # interrupted twice, another run in between
        part = Training(full, digits, path)
        for looks, _ in enumerate(part):
            if looks == stop:
                break
        part.save()
        finish(Training(replace(full, seed=5), digits))
    resumed = Training(full, digits, path)
    assert 0 < resumed.step < full.updates
    finish(resumed)
    assert resumed.history == history
    for a, b in zip(expected, weights(resumed), strict=True):
        np.testing.assert_array_equal(a, b)


def test_early_stopping_ends_with_the_best_network_seen(full, digits):
    run = replace(full, early_stopping=True, learning_rate=0.3, decay="none", curve_points=25)
    training = finish(Training(run, digits))
    ends = [m for m in training.history if m.step == run.updates]
    errors = [
        m.value
        for m in training.history
        if (m.split, m.measure) == ("validation", "error_percent") and m.step > 0
    ]
    assert training.last("validation", "error_percent") == min(errors)
    assert len(ends) == 2 * 3
    with pytest.raises(ValueError, match="hold_out"):
        finish(Training(replace(run, hold_out=False), digits))


def test_an_average_is_that_of_the_weights_on_the_way_and_reports_itself(full, digits):
    run = replace(full, average_fraction=0.5)
    plain, points = Training(full, digits), averaged(run)
    seen = []
    for _ in points:
        while plain.step < points[len(seen)]:
            before = plain.course.stops
            plain.course.stops = before | {*points}
            advance_together([plain])
        seen.append([v.numpy() for v in plain.network.trainable_variables])
    training = finish(Training(run, digits))
    for mine, each in zip(
        training.network.trainable_variables, zip(*seen, strict=True), strict=True
    ):
        np.testing.assert_allclose(mine.numpy(), np.mean(each, axis=0), atol=1e-6)
    last = {(m.split, m.measure): m.value for m in training.history if m.step == run.updates}
    assert last == {
        (m.split, m.measure): m.value for m in training.measured("train", "validation", "test")
    }
    norms = np.linalg.norm(training.network.trainable_variables[0].numpy(), axis=0)
    assert norms.max() <= 2.0 * 0.9 * (1 + 1e-5)


def of_another_run(progress, state, best):
    progress.run = "0" * 16


def of_other_data(progress, state, best):
    progress.data = "0" * 16


def of_another_precision(progress, state, best):
    progress.precision = "tf32"


def beyond_the_end(progress, state, best):
    progress.step = 251


def before_the_start(progress, state, best):
    progress.step = -1


def odd(progress, state, best):
    progress.history = [("test", 5)]


def without_an_array(progress, state, best):
    state.popitem()


def of_another_shape(progress, state, best):
    name = next(iter(state))
    state[name] = state[name][:-1]


def best_of_another_network(progress, state, best):
    best["velocity_0"] = np.zeros(3)


def saved(full, digits, path):
    part = Training(full, digits, path)
    next(iter(part))
    part.save()
    return part.engine.state(part.slot)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (of_another_run, "it is of the run 0000000000000000, not of"),
        (of_other_data, "it is of the data 0000000000000000, not of"),
        (of_another_precision, "it is of the precision tf32, not of float32"),
        (beyond_the_end, "it is at update 251 of 250"),
        (before_the_start, "it is at update -1 of 250"),
        (odd, "Expected"),
        (without_an_array, "arrays are not those"),
        (of_another_shape, "arrays are not those"),
        (best_of_another_network, "arrays are not those"),
    ],
)
def test_a_checkpoint_of_something_else_is_named_and_left(
    full, digits, tmp_path, capsys, change, said
):
    path = tmp_path / "checkpoint.npz"
    like = saved(full, digits, path)
    state, best, progress = checkpoint.read(
        path, full.key, digits.digest, "float32", full.updates, like
    )
    change(progress, state, best)
    checkpoint.write(path, state, best, progress)
    again = Training(full, digits, path)
    printed = capsys.readouterr().err
    assert again.step == 0 and said in printed and "restarting from step 0" in printed


def test_a_damaged_checkpoint_is_named_and_the_run_starts_anew(full, digits, tmp_path, capsys):
    whole = finish(Training(full, digits))
    expected = weights(whole)
    path = tmp_path / "checkpoint.npz"
    saved(full, digits, path)
    content = path.read_bytes()
    for damaged in (content[:-2000], b"", b"x" * 99):
        path.write_bytes(damaged)
        again = Training(full, digits, path)
        assert again.step == 0
        assert "checkpoint.npz cannot be used" in capsys.readouterr().err
    path.unlink()
    os.mkfifo(path)
    assert Training(full, digits, path).step == 0
    assert "it is no regular file" in capsys.readouterr().err
    path.unlink()
    again = finish(Training(full, digits, path))
    for a, b in zip(expected, weights(again), strict=True):
        np.testing.assert_array_equal(a, b)


def test_history_has_every_split_at_every_point_and_the_test_set_once(full, digits):
    history = finish(Training(full, digits)).history
    errors = [(m.split, m.step) for m in history if m.measure == "error_percent"]
    steps = [round(250 * i / 7) for i in range(7)] + [250]
    assert [step for split, step in errors if split == "train"] == steps
    assert [step for split, step in errors if split == "validation"] == steps
    assert [step for split, step in errors if split == "test"] == [250]


def test_training_learns(run, digits):
    training = finish(Training(replace(run, updates=400, test=True), digits))
    assert training.last("test", "error_percent") < 15
    assert training.last("validation", "error_percent") is None


def test_a_run_whose_last_update_leads_to_infinity_has_diverged(run, digits):
    """Its loss was finite still: it is of the weights before."""
    training = Training(replace(run, learning_rate=1e38, updates=1, test=True), digits)
    for _ in training:
        pass
    assert np.isfinite(training.loss) and training.diverged
    assert not any(np.isnan(each.value) for each in training.history)


def test_divergence_ends_the_run_and_reads_no_test(run, digits):
    training = finish(Training(replace(run, learning_rate=1e4, test=True), digits))
    assert training.diverged
    assert training.step < run.updates or training.last("test", "error_percent") is None
    assert not [m for m in training.history if m.split == "test"]


def test_the_trained_model_is_an_ordinary_keras_model(full, digits, tmp_path):
    training = finish(Training(full, digits))
    ids = training.splits["test"]
    expected = training.logits(ids)
    model = training.model()
    finish(Training(replace(full, seed=5), digits))
    np.testing.assert_allclose(model.predict(digits.images[ids], verbose=0), expected, atol=1e-5)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(loaded.predict(digits.images[ids], verbose=0), expected, atol=1e-5)
    loaded.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    loaded.fit(digits.images[:100], digits.labels[:100], verbose=0)
    kernel = loaded.trainable_variables[0].numpy()
    assert np.linalg.norm(kernel, axis=0).max() <= 2.0 * 0.9 * (1 + 1e-5)


def test_the_support_vector_machine_is_scikit_learns(run, digits):
    net = GaussianSvm(5.0, 0.5)
    history, seconds = train_svm(replace(run, net=net, hold_out=True, test=True), digits)
    errors = {m.split: m.value for m in history}
    assert set(errors) == {"train", "validation", "test"}
    assert errors["train"] <= errors["test"] < 5
    assert seconds > 0
