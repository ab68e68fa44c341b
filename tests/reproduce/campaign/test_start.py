"""Runs that start from trained RBMs: what they begin with; a stop or a kill changes nothing."""

import re
import threading
from dataclasses import replace

import keras
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from layers import DBM, RBM
from reproduce import Dbm, Mlp, Rbm
from reproduce.campaign import Job, stack, start
from reproduce.campaign.execute import execute_together
from reproduce.data import split_indices
from reproduce.plan import Planned
from reproduce.record import turn
from reproduce.training import NOTHING, Start, Training, advance_together, loop, machines_of
from reproduce.training.engine import engine_for
from reproduce.training.nets import Machine


@pytest.fixture
def finetuned(run):
    """A net on two RBMs."""
    first = replace(
        run, net=Rbm((16,)), measures=("squared_error",), learning_rate=0.1, updates=150
    )
    second = replace(first, net=Rbm((12,)), start=first)
    settings = {"net": Mlp((16, 12), "sigmoid"), "keep": 0.5, "probes": ("machines", "features")}
    return replace(run, start=second, test=True, **settings)


@pytest.fixture
def job(finetuned, tmp_path):
    planned = Planned("arm", None, "", finetuned)
    origin = {"command": "", "commit": ""}
    return Job(planned, tmp_path / "logs", None, None, tmp_path / "stop", origin, stack=1)


@pytest.fixture
def deep(job):
    """The same upon a DBM that begins with these RBMs."""
    run = job.planned.run
    dbm = Dbm((16, 12), mean_field=2, steps=1, chains=20)
    joint = replace(run.start, net=dbm, start=run.start, learning_rate=0.01, batch_size=10)
    return replace(job, planned=replace(job.planned, run=replace(run, start=joint)))


@pytest.fixture(autouse=True)
def every_look_is_seen(monkeypatch):
    monkeypatch.setattr(start, "LOOK_SECONDS", 0.0)


def of(job, **changes):
    run = job.planned.run.at(**changes)
    folder = job.log_dir.parent / run.key
    return replace(job, planned=replace(job.planned, run=run), log_dir=folder)


def kept(job):
    return sorted(job.log_dir.parent.glob(f"machine-*/{start.FILE}"))


def ended(job, *others, watch=lambda seen: None):
    waiting = list(others)
    found = list(execute_together(job, watch, lambda: waiting.pop(0) if waiting else None))
    assert [each.status for each in found] == ["done"] * (1 + len(others)), found
    return [each.rows for each in sorted(found, key=lambda each: each.job.planned.run.seed)]


def test_the_net_begins_with_the_weights_of_machines_trained_one_upon_another(job, digits):
    starts = start.Starts(digits, lambda seen: None)
    assert starts.train([job])
    run, found = job.planned.run, starts.of(job)
    model = Training(run, digits, start=found).model()
    images = digits.images[:50].reshape(50, -1)
    hidden = images
    for depth, machine in enumerate(found.machines, 1):
        dense = model.get_layer(f"dense_{depth}")
        np.testing.assert_array_equal(dense.kernel, machine.kernel)
        np.testing.assert_array_equal(dense.bias, machine.hidden_bias)
        assert np.std(machine.kernel) > 0.05, "trained: drawn with a deviation of 0.01"
        hidden = 1 / (1 + np.exp(-(hidden @ machine.kernel + machine.hidden_bias)))
    # The second machine was trained on the first one, whose weights it left as they were.
    alone = Training(run.start.start, digits)
    for _ in alone:
        pass
    for mine, its in zip(found.machines[0], machines_of(alone.network)[0], strict=True):
        np.testing.assert_array_equal(mine, its)
    # Down again, from the second one's hidden units to the logits of the pixels.
    second = Training(run.start, digits, start._folder(job, run.start) / start.FILE, start=NOTHING)
    first, last = found.machines
    middle = 1 / (1 + np.exp(-(hidden @ last.kernel.T + last.visible_bias)))
    expected = middle @ first.kernel.T + first.visible_bias
    np.testing.assert_allclose(second.logits(np.arange(50)), expected, atol=1e-4)


def test_its_rows_and_picture_are_of_the_machines_before_finetuning(job, digits):
    [outcome] = execute_together(job, lambda seen: None)
    found = {(row.measure, row.x): row.value for row in outcome.rows}
    first, second = (found["reconstruction_error", x] for x in (1.0, 2.0))
    assert 0 < first < second < 10  # 16 units, then 12
    starts = start.Starts(digits, lambda seen: None)
    machine = starts.of(job).machines[0]
    rbm = RBM(16)
    rbm.build((None, 64))
    for mine, its in zip((rbm.kernel, rbm.hidden_bias, rbm.visible_bias), machine, strict=True):
        mine.assign(its)
    test = np.arange(digits.training, len(digits.labels))
    known = split_indices(digits, job.planned.run)["train"][: len(test)]
    energy = [
        np.mean(rbm.free_energy(digits.images[ids].reshape(len(ids), -1))) for ids in (test, known)
    ]
    assert found["free_energy_gap", 1.0] == pytest.approx(energy[0] - energy[1], abs=1e-3)
    assert "samples" in outcome.provenance["pictures"]


def test_a_net_begins_with_what_a_dbm_finds_in_one_more_round(deep, digits):
    starts = start.Starts(digits, lambda seen: None)
    assert starts.train([deep])
    run, found = deep.planned.run, starts.of(deep)
    before = Start(
        starts.of(replace(deep, planned=replace(deep.planned, run=run.start))).machines, ()
    )
    assert not np.allclose(found.machines[0].kernel, before.machines[0].kernel), "it learned"
    assert [m.x for m in found.history if m.split == "train"] == [1.0, 2.0, 3.0]
    errors = [m.value for m in found.history if m.split == "train"]
    assert 0 < max(errors) < 3
    dbm = DBM((16, 12), mean_field=2)
    dbm.build((None, 64))
    dbm.begin(found.machines)
    images = digits.images[:50].reshape(50, -1)
    model = Training(run, digits, start=found).model()
    hidden = keras.Model(model.input, model.get_layer("hidden_2").output)(digits.images[:50])
    np.testing.assert_allclose(hidden, dbm.to_model()(images), atol=1e-5)
    assert len(model.trainable_variables) == 6


@pytest.mark.parametrize("runs", [1, 2])
def test_what_a_frozen_dbm_finds_is_found_once_and_anew_for_another_machine(runs, deep, digits):
    run, draw, ids = deep.planned.run, np.random.default_rng(0), np.arange(40)
    sizes = ((64, 16), (16, 12))
    machines = [
        [Machine(*(draw.normal(size=n).astype("float32") for n in (k, k[1], k[0]))) for k in sizes]
        for _ in range(2)
    ]
    engine = engine_for(run, digits, runs)
    states = []
    for slot, mine in enumerate(machines):
        training = Training(run, digits, engine=engine, slot=slot % runs, start=Start(mine, ()))
        advance_together([training])
        seen = training.logits(ids)
        np.testing.assert_allclose(training.network(digits.images[ids]), seen, atol=1e-4)
        states.append((engine.state(slot % runs), seen))
    engine.restore(states[0][0], runs - 1)
    np.testing.assert_allclose(engine.logits(ids, runs - 1), states[0][1], atol=1e-5)
    assert not np.allclose(states[0][1], states[1][1], atol=0.1)
    if runs == 1:
        program = engine._update.experimental_get_compiler_ir()("hlo")
        # Forward, to the weights and to the units of three layers, but not to what is found.
        assert len(re.findall(r" dot\(", program)) == 8


def test_a_dbm_sees_the_images_as_they_are_shifted_in_training(deep, digits):
    run = deep.planned.run
    shifted = replace(run, shift_pixels=1)
    assert engine_for(run, digits).found and not engine_for(shifted, digits).found


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_interrupted_anywhere_it_ends_as_if_it_had_not_been(how, deep, monkeypatch):
    """A kill, here an error that nothing expects, comes after a checkpoint and some updates."""
    [expected] = ended(replace(deep, log_dir=deep.log_dir.parent / "elsewhere" / "logs"))
    looks, before = [], None
    if how == "kill":
        monkeypatch.setattr(loop, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(stack, "PROGRESS_SECONDS", 0.0)

    def watch(seen):
        looks.append((seen.label, seen.step))
        if how == "stop":
            deep.stop_file.touch()
        elif len(looks) % 3 == 0:
            raise KeyboardInterrupt

    while before != "done":
        try:
            [outcome] = execute_together(deep, watch)
            before = outcome.status
        except KeyboardInterrupt:
            before = "killed"
        assert before in ("stopped", "killed", "done"), outcome
        deep.stop_file.unlink(missing_ok=True)
    assert outcome.rows == expected
    for name in ("Machine 1, seed 1, for arm", "Machine 2", "Machine 3", "arm, seed 1"):
        steps = [step for label, step in looks if label.startswith(name)]
        assert len(steps) > 1 and steps == sorted(steps), (name, steps)  # it went on


def test_a_machine_is_trained_once_and_again_if_its_file_is_damaged(job, capsys):
    planned, labels = replace(job.planned, run=replace(job.planned.run, learning_rate=0.02)), []
    other = replace(job, planned=planned, log_dir=job.log_dir.parent / "other")
    ended(job)
    shared = kept(job)
    assert len(shared) == 2
    for file in shared:  # its curve is logged like any run's
        events = EventAccumulator(str(file.parent)).Reload()
        assert "loss/batches" in events.Tags()["tensors"]
    expected = ended(other, watch=lambda seen: labels.append(seen.label))
    assert labels and not any("Machine" in label for label in labels)
    other.checkpoint.unlink(missing_ok=True)
    for file in shared:
        file.write_bytes(file.read_bytes()[:1000])
    assert ended(other) == expected
    assert "restarting from step 0" in capsys.readouterr().err


def test_side_by_side_each_starts_from_its_own_machines(deep):
    """Rounded in another order, a probability may fall on the other side of what was drawn. The
    chains of a DBM then go another way, so this one hardly learns; an RBM ends within 1 %, where
    that of another seed is not."""
    run = deep.planned.run
    still = replace(run, start=replace(run.start, learning_rate=1e-7))
    job = replace(deep, planned=replace(deep.planned, run=still))
    one, two = of(job, seed=1), of(job, seed=2)
    alone = [*ended(one), *ended(two)]
    for each in (one, two):
        each.checkpoint.unlink(missing_ok=True)
        for file in kept(job):
            file.unlink()
    together = ended(replace(one, stack=2), replace(two, stack=2))
    for mine, theirs in zip(together, alone, strict=True):
        for row, other in zip(mine, theirs, strict=True):
            close = 0.6 if row.measure == "error_percent" else 1e-3  # of 360 images, two
            near = 0.01 if row.measure == "reconstruction_error" else 1e-3
            assert row.value == pytest.approx(other.value, rel=near, abs=close)
    found = [[r.value for r in rows if r.measure == "reconstruction_error"] for rows in alone]
    assert not np.isclose(*found, rtol=0.02).any()


def test_a_run_whose_machine_diverges_fails_and_says_so(job):
    bad = replace(job.planned.run.start, learning_rate=3e38)
    planned = replace(job.planned, run=replace(job.planned.run, start=bad))
    [outcome] = execute_together(replace(job, planned=planned), lambda seen: None)
    assert outcome.status == "failed"
    assert "machine 2 that the run starts from diverged" in outcome.provenance["error"]


def test_a_machine_that_another_process_trains_is_waited_for(job, digits):
    """Here by a thread: a lock on a file opened once more is another's."""
    starts, over = start.Starts(digits, lambda seen: None), []
    first = job.planned.run.start.start
    with turn(start._folder(job, first), lambda: False):
        waiting = threading.Thread(target=lambda: over.append(starts.train([job])))
        waiting.start()
        waiting.join(1.0)
        assert waiting.is_alive() and not over
        job.stop_file.touch()
        waiting.join(10.0)
    assert over == [False] and not kept(job)
    job.stop_file.unlink()
    assert starts.train([job]) and len(kept(job)) == 2


def test_a_bad_machine_is_the_fault_of_its_own_run_alone(deep):
    good = of(deep, seed=2)
    lowest = replace(deep.planned.run.start.start.start, learning_rate=3e38)
    second = replace(deep.planned.run.start.start, start=lowest)
    bad = replace(deep.planned.run.start, start=second)
    bad = replace(deep, planned=replace(deep.planned, run=replace(deep.planned.run, start=bad)))
    waiting = [replace(bad, stack=2)]
    outcomes = execute_together(
        replace(good, stack=2), lambda seen: None, lambda: waiting.pop() if waiting else None
    )
    status = {each.job.planned.run.seed: each.status for each in outcomes}
    assert status == {1: "failed", 2: "done"}


def test_jobs_of_two_experiments_have_machines_of_their_own(job):
    planned = replace(job.planned, run=replace(job.planned.run, learning_rate=0.02))
    other = replace(job, planned=planned, log_dir=job.log_dir.parent / "other" / "logs")
    waiting = [other]
    found = execute_together(job, lambda seen: None, lambda: waiting.pop() if waiting else None)
    assert [each.status for each in found] == ["done", "done"]
