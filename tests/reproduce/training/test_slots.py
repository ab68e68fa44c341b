"""Runs side by side end where each would alone; what happens to one does not touch the others."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from layers.noise.masks import random_32_bits, random_bernoulli
from reproduce import Autoencoder, ConvNet, LinearRegression, Mlp, Rbm, Recurrent
from reproduce.training import Engine, Training, advance_together, most_side_by_side
from reproduce.training.slots import Slots

DROPPED = {"keep_input": 0.8, "keep": 0.5}
EVERY_OPTION = {
    **DROPPED,
    "hold_out": True,
    "curve_points": 3,
    "max_norm": 2.0,
    "l2": 1e-3,
    "l1": 1e-4,
    "l1_start_fraction": 0.5,
    "warm_up_fraction": 0.1,
    "decay": "linear",
    "momentum_start": 0.5,
    "momentum_ramp_fraction": 0.3,
    "input_rate_factor": 0.5,
    "shift_pixels": 1,
    "early_stopping": True,
}
FEW_OPTIONS = {"net": Mlp((12, 8), "maxout", 3), "average_fraction": 0.5}
RECONSTRUCTING = {"net": Autoencoder((30,), "relu"), "measures": ("squared_error",)}


def three(run, settings):
    """Runs that differ in seed, learning rate, images and, if they drop units, in how many."""
    run = replace(run, **{"updates": 200, "learning_rate": 0.02} | settings)
    second = replace(run, seed=2, learning_rate=0.01, examples=700)
    if "keep" in settings:
        second = replace(second, keep=0.7, max_norm=1.5 if run.max_norm else None)
    return [run, second, replace(run, seed=3)]


def alone(engine, runs, digits):
    for run in runs:
        training = Training(run, digits, engine=engine)
        for _ in training:
            pass
        yield training.history, engine.state()


def together(engine, runs, digits):
    trainings = [Training(run, digits, engine=engine, slot=i) for i, run in enumerate(runs)]
    while not all(each.is_over for each in trainings):
        advance_together(trainings)
    return [(each.history, engine.state(each.slot)) for each in trainings]


def are_close(one, other):
    for name, value in one[1].items():
        if value.dtype == np.float32:
            np.testing.assert_allclose(value, other[1][name], rtol=0, atol=1e-5)
        else:  # the masks' state
            np.testing.assert_array_equal(value, other[1][name])
    for mine, theirs in zip(one[0], other[0], strict=True):
        assert (mine.split, mine.measure, mine.step) == (theirs.split, theirs.measure, theirs.step)
        assert mine.value == pytest.approx(theirs.value, rel=1e-4)


@pytest.mark.parametrize(
    "settings",
    [
        FEW_OPTIONS,
        EVERY_OPTION,
        {
            "net": Mlp((16, 12), "relu", batch_norm=True),
            "noise": "gaussian",
            **DROPPED,
            "sparsity_cost": 1e-3,
            "sparsity_target": 0.1,
        },
        {**RECONSTRUCTING, "keep": 0.5},
        {"net": LinearRegression(), "measures": ("nll",), "keep_input": 0.5},
        {**RECONSTRUCTING, "net": Rbm((20,)), "keep": 0.5, "l2": 1e-4},
    ],
    ids=["maxout", "every option", "all other options", "autoencoder", "regression", "RBM"],
)
def test_runs_side_by_side_end_where_each_would_alone(run, digits, settings):
    runs = three(run, settings)
    engine, solo = Engine(runs[0], digits, runs=3), Engine(runs[0], digits)
    stacked, own = together(engine, runs, digits), list(alone(solo, runs, digits))
    for one, other in zip(stacked, own, strict=True):
        are_close(one, other)
    if settings is FEW_OPTIONS:  # from one stack to another
        training = Training(runs[1], digits, engine=engine, slot=2)
        advance_together([training])
        assert 0 < training.step < 200
        training.move(solo, 0)
        for _ in training:
            pass
        are_close((training.history, solo.state()), own[1])
    if settings is EVERY_OPTION:
        unruly = [runs[0], replace(runs[1], learning_rate=1e6, max_norm=1e30), runs[2]]
        after = together(engine, unruly, digits)
        assert not np.isfinite(after[1][1]["velocity_0"]).all()
        for slot in (0, 2):
            for name, value in after[slot][1].items():
                np.testing.assert_array_equal(value, stacked[slot][1][name])
            assert after[slot][0] == stacked[slot][0]


def test_the_masks_of_a_stack_are_those_of_each_run():
    words = tf.constant([[7, 1, 0, 40000], [8, 1, 5, 60000], [4_000_000_000, 2, 9, 1]], tf.uint32)

    def drawn(row):
        bits = random_32_bits(row[0], row[1], row[2], (5, 3))
        return bits, random_bernoulli(row[0], row[1], row[2], row[3], (5, 3))

    each = tf.function(lambda: Slots(3).each(drawn, words), jit_compile=True)()
    for slot in range(3):
        for many, one in zip(each, drawn(words[slot]), strict=True):
            np.testing.assert_array_equal(many[slot], one)


def test_a_gpu_is_given_the_loop_with_no_kernel_copied_and_no_loop_over_runs(run, digits):
    run = replace(run, **DROPPED, max_norm=2.0, net=Mlp((40, 40), "relu"))
    engine = Engine(run, digits, runs=3, loop_inside=True)
    program = engine._chunk.experimental_get_compiler_ir()("optimized_hlo")
    assert "f32[3,40,40]" in program
    assert not [
        line for line in program.splitlines() if "f32[3,40,40]" in line and " copy(" in line
    ]
    assert program.count("known_trip_count") == 1
    assert f'"known_trip_count":{{"n":"{engine.chunk}"}}' in program


def test_a_loop_inside_the_program_makes_the_same_updates(run, digits):
    run = replace(run, **DROPPED, max_norm=2.0, updates=250)
    inside = Engine(run, digits, loop_inside=True)
    states = []
    for engine in (inside, Engine(run, digits)):
        training = Training(run, digits, engine=engine)
        for _ in training:
            pass
        states.append(engine.state())
    for name, value in states[0].items():
        np.testing.assert_allclose(value, states[1][name], rtol=0, atol=1e-5)


def test_how_many_pay(run, digits, monkeypatch):
    assert most_side_by_side(run, digits) == 1  # on a CPU
    assert most_side_by_side(run, digits, asked=3) == 3
    recurrent = replace(run, net=Recurrent((8,)))
    assert most_side_by_side(recurrent, digits, asked=3) == 1
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: ["a GPU"])
    wide = replace(run, net=Mlp((4096, 4096), "relu"))
    looping = replace(run, net=ConvNet((3,), (6,), "relu"))
    counts = [most_side_by_side(each, digits) for each in (run, wide, looping)]
    assert counts[0] > counts[1] > 1 and counts[2] == 1
