from dataclasses import replace
from itertools import islice, pairwise

import numpy as np
import pytest

from reproduce.training.schedules import averaged, batches, l1_strengths, learning_rates, momenta


def test_learning_rates_decay_as_named(run):
    run = replace(run, learning_rate=0.4, updates=100)
    assert learning_rates(run) == pytest.approx(np.full(100, 0.4))
    linear = learning_rates(replace(run, decay="linear"))
    assert linear[[0, 50, 99]] == pytest.approx([0.4, 0.2, 0.004])
    inverse = learning_rates(replace(run, decay="inverse_time", decay_fraction=0.25))
    assert inverse[[0, 25, 75]] == pytest.approx([0.4, 0.2, 0.1])
    halving = learning_rates(replace(run, decay="halving", decay_fraction=0.5))
    assert halving[[0, 50]] == pytest.approx([0.4, 0.2])


def test_warm_up_rises_to_the_full_rate(run):
    rates = learning_rates(replace(run, learning_rate=1.0, updates=100, warm_up_fraction=0.1))
    assert rates[[0, 4, 9, 10, 99]] == pytest.approx([0.1, 0.5, 1, 1, 1])


def test_momentum_ramps_and_l1_starts_late(run):
    run = replace(run, updates=100, momentum=0.9, momentum_start=0.5, momentum_ramp_fraction=0.2)
    assert momenta(run)[[0, 10, 20, 99]] == pytest.approx([0.5, 0.7, 0.9, 0.9])
    late = l1_strengths(replace(run, l1=0.01, l1_start_fraction=0.75))
    assert late[[0, 74, 75, 99]] == pytest.approx([0, 0, 0.01, 0.01])


def test_averages_are_over_even_steps_that_end_with_the_run(run):
    assert averaged(replace(run, updates=1000)) == []
    last = averaged(replace(run, updates=1000, average_fraction=0.25))
    assert (last[0], last[-1], len(last)) == (755, 1000, 50)
    assert {b - a for a, b in pairwise(last)} == {5}
    assert averaged(replace(run, updates=3, average_fraction=1.0)) == [1, 2, 3]


def test_every_pass_sees_every_example_once_also_when_batches_cut_through_passes():
    examples = np.arange(100, 107, dtype=np.int32)
    seen = np.concatenate(list(islice(batches(examples, 3, seed=1), 7)))
    for start in range(0, 21, 7):
        assert sorted(seen[start : start + 7]) == list(examples)
    assert list(seen[:7]) != list(seen[7:14])
    assert seen.dtype == np.int32
    again = np.concatenate(list(islice(batches(examples, 3, seed=1), 7)))
    np.testing.assert_array_equal(seen, again)
