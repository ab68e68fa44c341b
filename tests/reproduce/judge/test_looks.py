"""How often the sequential design errs and what it saves, over thousands of campaigns."""

from itertools import accumulate

import numpy as np
import pytest
from scipy import stats

from reproduce import Cell, Claim
from reproduce.judge import (
    NO_DIFFERENCE,
    OPEN,
    OPPOSITE,
    REPRODUCED,
    Interval,
    Values,
    claim_verdict,
    describe,
    judge,
    reached,
    spent,
    student_quantile,
)
from reproduce.record import Row

CAMPAIGNS = 2_000
DESIGNS = [(3, 6, 12), (5, 10), (3, 6), (5, 10, 20), (4,)]
# In standard deviations of the paired differences.
CLAIM = Claim(text="", better="A", worse="B", smallest=1.0)


def campaigns(looks, difference):
    """The verdict of each campaign and the seeds it took: it stops at the first verdict."""
    draws = np.random.default_rng(0).normal(difference, 1, size=(CAMPAIGNS, looks[-1]))
    verdicts, seeds = np.full(CAMPAIGNS, OPEN, dtype=object), np.full(CAMPAIGNS, looks[-1])
    for n, error in zip(looks, spent(looks), strict=True):
        means, spreads = draws[:, :n].mean(axis=1), draws[:, :n].std(axis=1, ddof=1)
        half = student_quantile(1 - error / 2, n - 1) * spreads / np.sqrt(n)
        for i in np.flatnonzero(verdicts == OPEN):
            found = Interval(n, means[i], 0, means[i] - half[i], means[i] + half[i])
            verdicts[i] = claim_verdict(found, CLAIM)
            if verdicts[i] != OPEN:
                seeds[i] = n
    return verdicts, seeds


@pytest.mark.parametrize("looks", DESIGNS)
def test_without_a_difference_at_most_one_verdict_in_twenty_is_false(looks):
    verdicts, _ = campaigns(looks, 0.0)
    false = np.isin(verdicts, (REPRODUCED, OPPOSITE)).mean()
    # The chance is at most 5 %: over 2,000 campaigns, at most two standard errors more.
    assert false <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / CAMPAIGNS)
    if len(looks) > 1:  # whose bound, a sum over the looks, is not reached
        assert false <= 0.05


@pytest.mark.parametrize("looks", DESIGNS)
def test_a_difference_worth_speaking_of_is_rarely_called_none(looks):
    verdicts, _ = campaigns(looks, CLAIM.smallest)
    assert np.isin(verdicts, (NO_DIFFERENCE, OPPOSITE)).mean() <= 0.05


def test_looking_without_the_rule_would_err_more_often():
    looks = (3, 6, 12)
    draws = np.random.default_rng(0).normal(size=(CAMPAIGNS, looks[-1]))
    plain = [stats.ttest_1samp(draws[:, :n], 0, axis=1).pvalue < 0.05 for n in looks]
    assert np.any(plain, axis=0).mean() > 0.08


@pytest.mark.parametrize(
    ("looks", "difference", "share"),
    [((3, 6, 12), 1.0, 0.87), ((3, 6, 12), 2.0, 0.56), ((5, 10, 20), 1.0, 0.65)],
)
def test_a_difference_takes_fewer_seeds_than_a_fixed_design(looks, difference, share):
    """In standard deviations from seed to seed; the fixed design has the last look's seeds."""
    verdicts, seeds = campaigns(looks, difference)
    assert seeds.mean() < share * looks[-1]
    assert (verdicts == REPRODUCED).mean() > 0.75


@pytest.mark.parametrize("looks", DESIGNS)
def test_the_looks_spend_one_in_twenty_in_all_and_by_lan_and_demets_function(looks):
    totals = list(accumulate(spent(looks)))
    assert totals[-1] == pytest.approx(0.05)
    for n, total in zip(looks, totals, strict=True):
        assert total == pytest.approx(0.05 * np.log(1 + (np.e - 1) * n / looks[-1]))
    assert all(each > 0 for each in spent(looks))


def test_a_look_is_reached_with_its_seeds():
    assert [reached(n, (3, 6, 12)) for n in (0, 2, 3, 5, 6, 12, 20)] == [None, None, 0, 0, 1, 2, 2]


def test_the_rule_is_said():
    assert describe((3,)) == "looks at 3 seeds with intervals of 95.00 %"
    assert describe((3, 6)).startswith("looks at 3, 6 seeds with intervals of 96.90 %, 98.10 %")


def test_a_campaign_that_is_judged_from_its_rows_ends_as_the_simulated_one():
    looks, cells = (3, 6, 12), (Cell("A", None, ()), Cell("B", None, ()))
    verdicts, seeds = campaigns(looks, 1.0)
    draws = np.random.default_rng(0).normal(1.0, 1, size=(CAMPAIGNS, looks[-1]))
    for i in range(200):
        rows: list[Row] = []
        wanted, judged = looks[0], None
        while wanted is not None:
            for seed in range(len(rows) // 2 + 1, wanted + 1):
                for arm, value in (("A", 0.0), ("B", float(draws[i, seed - 1]))):
                    rows.append(Row("k", arm, None, seed, "test", "error_percent", 1, value))
            judged = judge(CLAIM, Values(rows, cells), looks)
            wanted = judged.next_seeds
        assert (judged.verdict, judged.found.n) == (verdicts[i], seeds[i])
