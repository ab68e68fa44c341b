"""Every verdict, and where one ends and the next begins."""

import math

import numpy as np
import pytest
from scipy import stats

from reproduce import Cell, Claim
from reproduce.judge import (
    ABOVE,
    BELOW,
    NO_DIFFERENCE,
    OPEN,
    OPPOSITE,
    REPRODUCED,
    Interval,
    Values,
    claim_verdict,
    interval,
    judge,
    judge_level,
    level_verdict,
    seeds_needed,
    spent,
)
from reproduce.record import Row

SIDES = {"text": "", "better": "B", "worse": "A"}
DIRECTION = Claim(**SIDES, smallest=0.2)
EQUALITY = Claim(**SIDES, within=0.2)
OR_EQUAL = Claim(**SIDES, smallest=0.2, or_equal=True)
LEAST = 1e-9


def between(low, high):
    return Interval(3, (low + high) / 2, 0.1, low, high)


def test_the_interval_is_students():
    values = [1.0, 2.0, 4.0, 4.5]
    for error in (0.05, 0.01):
        found = interval(values, error)
        low, high = stats.t.interval(1 - error, 3, np.mean(values), stats.sem(values))
        assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.n, found.mean) == (4, 2.875)
    assert found.standard_error == pytest.approx(stats.sem(values))
    assert found.spread == pytest.approx(np.std(values, ddof=1))


@pytest.mark.parametrize("claim", [DIRECTION, EQUALITY, OR_EQUAL])
def test_one_seed_proves_nothing(claim):
    for values in ([], [3.0]):
        found = interval(values)
        assert (found.low, found.high) == (-math.inf, math.inf)
        assert claim_verdict(found, claim) == OPEN
        assert level_verdict(found, 3.0, 0.1) == OPEN
    assert seeds_needed(interval([3.0]), claim, (3, 6)) is None


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (LEAST, 0.5, REPRODUCED),
        (0, 0.5, OPEN),
        (-0.5, -LEAST, OPPOSITE),
        (-0.5, 0, OPEN),
        # Surely above 0, and surely smaller than what is worth speaking of.
        (0.05, 0.2 - LEAST, NO_DIFFERENCE),
        (0.05, 0.2, REPRODUCED),
        (-0.2 + LEAST, 0.2 - LEAST, NO_DIFFERENCE),
        (-0.2, 0.1, OPEN),
        (-0.2, -0.1, OPPOSITE),
        (-0.3, 0.3, OPEN),
    ],
)
def test_a_direction(low, high, verdict):
    assert claim_verdict(between(low, high), DIRECTION) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.2, 0.2, REPRODUCED),
        (-0.2 - LEAST, 0.2, OPEN),
        (0.1, 0.2 + LEAST, OPEN),
        (0.2, 0.3, OPEN),
        (0.2 + LEAST, 0.3, OPPOSITE),
        (-0.3, -0.2 - LEAST, OPPOSITE),
    ],
)
def test_equality_up_to_a_difference(low, high, verdict):
    assert claim_verdict(between(low, high), EQUALITY) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.2 + LEAST, 3, REPRODUCED),
        (-0.2, 3, OPEN),
        (-1, -0.2, OPEN),
        (-1, -0.2 - LEAST, OPPOSITE),
    ],
)
def test_lower_or_equal(low, high, verdict):
    assert claim_verdict(between(low, high), OR_EQUAL) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.95, 1.15, REPRODUCED),
        (0.95 - LEAST, 1.1, OPEN),
        (1.15, 1.3, OPEN),
        (1.15 + LEAST, 1.3, ABOVE),
        (0.5, 0.95 - LEAST, BELOW),
    ],
)
def test_a_level_is_the_papers_up_to_the_tolerance(low, high, verdict):
    assert level_verdict(between(low, high), 1.05, 0.1 + LEAST / 10) == verdict


def rows_of(**arms):
    """The rows of each arm's seeds; None: that seed diverged."""
    return [
        Row("k", arm, None, seed, "test", "error_percent", 10, value)
        if value is not None
        else Row("k", arm, None, seed, "train", "diverged", 10, 1.0)
        for arm, values in arms.items()
        for seed, value in enumerate(values, start=1)
    ]


def judged(claim, looks, **arms):
    cells = tuple(Cell(arm, None, ()) for arm in arms)
    return judge(claim, Values(rows_of(**arms), cells), looks)


def test_differences_are_paired_by_seed():
    # The seeds' own spread dwarfs the difference, which is nearly the same for each.
    found = judged(DIRECTION, (3,), A=(2.0, 12.0, 22.0), B=(1.0, 11.1, 20.9))
    assert (found.verdict, found.look, found.found.n) == (REPRODUCED, 1, 3)
    assert found.found.mean == pytest.approx(1.0)
    assert judged(DIRECTION, (3,), A=(1.0, 11.1, 20.9), B=(2.0, 12.0, 22.0)).verdict == OPPOSITE


def test_without_any_spread_the_mean_decides():
    equal = {"A": (1.0, 1.0, 1.0), "B": (1.0, 1.0, 1.0)}
    assert judged(DIRECTION, (3,), **equal).verdict == NO_DIFFERENCE
    assert judged(EQUALITY, (3,), **equal).verdict == REPRODUCED
    apart = {"A": (1.5, 1.5, 1.5), "B": (1.0, 1.0, 1.0)}
    assert judged(DIRECTION, (3,), **apart).verdict == REPRODUCED
    assert judged(EQUALITY, (3,), **apart).verdict == OPPOSITE


def test_between_looks_the_seeds_of_the_last_one_count_and_before_the_first_none_do():
    errors = {"A": (2.0, 2.1, 2.2, 9.0, 2.0), "B": (1.0, 1.0, 1.3, 1.0, 1.0)}
    at_three = judged(DIRECTION, (3, 6), **errors)
    assert (at_three.found.n, at_three.look) == (3, 1)
    expected = interval([1.0, 1.1, 0.9], spent((3, 6))[0])
    assert at_three.found.low == pytest.approx(expected.low)
    early = judged(DIRECTION, (6, 12), **errors)
    assert (early.verdict, early.look, early.found.n, early.next_seeds) == (OPEN, 0, 5, 6)


def test_an_open_claim_asks_for_the_next_look_and_a_decided_one_does_not():
    unclear = {"A": (2.0, 1.0, 3.0), "B": (1.0, 1.9, 2.5)}
    assert judged(DIRECTION, (3, 6), **unclear).next_seeds == 6
    assert judged(DIRECTION, (3,), **unclear).next_seeds is None
    clear = {"A": (2.0, 12.0, 22.0), "B": (1.0, 11.1, 20.9)}
    assert judged(DIRECTION, (3, 6), **clear).next_seeds is None


def test_a_seed_that_diverged_in_one_arm_has_ended_and_has_no_difference():
    found = judged(DIRECTION, (3, 6), A=(2.0, 3.0, 4.0), B=(1.0, None, 3.0))
    assert (found.look, found.found.n, found.found.mean) == (1, 2, 1.0)
    nothing = judged(DIRECTION, (3,), A=(2.0, 3.0, 4.0), B=(None, None, None))
    assert (nothing.verdict, nothing.found.n, nothing.next_seeds) == (OPEN, 0, None)


def test_a_claim_about_a_cell_that_is_not_run_here_is_not_judged():
    assert judged(DIRECTION, (3,), A=(1.0, 2.0, 3.0)) is None
    there = Claim(**SIDES, smallest=0.2, x=0.5)
    cells = (Cell("A", 1.0, ()), Cell("B", 1.0, ()))
    assert judge(there, Values([], cells), (3,)) is None


def test_levels_are_judged_at_the_same_looks():
    found = judge_level({1: 1.0, 2: 1.01, 3: 1.02, 4: 9.0}, [1, 2, 3, 4], 1.05, 0.2, (3, 6))
    assert (found.verdict, found.look, found.found.n) == (REPRODUCED, 1, 3)
    assert judge_level({1: 1.0}, [1], 1.05, 0.2, (3, 6)).verdict == OPEN
    # The look waits for the second seed: else it would be taken again, with another three.
    early = judge_level({1: 1.0, 3: 1.02, 4: 1.0}, [1, 3, 4], 1.05, 0.2, (3, 6))
    assert (early.verdict, early.look) == (OPEN, 0)
    # The second seed diverged: it has ended, and has no value.
    found = judge_level({1: 1.0, 3: 1.0}, [1, 2, 3], 1.05, 0.2, (3,))
    assert (found.verdict, found.look, found.found.n) == (REPRODUCED, 1, 2)


@pytest.mark.parametrize("claim", [DIRECTION, EQUALITY, OR_EQUAL])
def test_the_seeds_needed_decide_if_nothing_else_changes(claim):
    found = interval([0.5, -0.2, 0.3, 0.1, -0.1, 0.2], spent((3, 6))[1])
    assert claim_verdict(found, claim) == OPEN
    needed = seeds_needed(found, claim, (3, 6))
    for n, is_decided in ((needed, True), (needed - 1, False)):
        half = stats.t.ppf(1 - spent((3, 6))[1] / 2, n - 1) * found.spread / math.sqrt(n)
        at = Interval(n, found.mean, 0, found.mean - half, found.mean + half)
        assert (claim_verdict(at, claim) != OPEN) == is_decided


def test_a_mean_on_the_border_is_never_decided():
    border = Interval(3, 0.2, 0.1, 0.0, 0.4)
    assert seeds_needed(border, EQUALITY, (3,)) is None
