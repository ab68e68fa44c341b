import math

import numpy as np
import pytest
from scipy import stats

from reproduce.report.verdicts import Interval, claim_verdict, interval, level_verdict


def test_the_interval_is_students():
    values = [1.0, 2.0, 4.0, 4.5]
    found = interval(values)
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.n, found.mean) == (4, 2.875)
    assert found.standard_error == pytest.approx(stats.sem(values))


def test_one_seed_proves_nothing():
    found = interval([3.0])
    assert (found.low, found.high) == (-math.inf, math.inf)
    assert claim_verdict(found, 0) == "inconclusive"
    assert level_verdict(found, 3.0, 0.1) == "inconclusive"
    assert claim_verdict(interval([]), 0) == "inconclusive"


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.1, 0.5, 0, "reproduced"),
        (-0.5, -0.1, 0, "not reproduced"),
        (-0.1, 0.5, 0, "inconclusive"),
        (0.1, 0.5, 0.2, "inconclusive"),
        (0.1, 0.15, 0.2, "not reproduced"),
    ],
)
def test_a_claim_holds_when_the_interval_lies_beyond_its_margin(low, high, margin, verdict):
    assert claim_verdict(Interval(3, 0, 0, low, high), margin) == verdict


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (1.0, 1.1, "reproduced"),
        (1.0, 1.3, "inconclusive"),
        (1.3, 1.4, "not reproduced"),
        (0.5, 2, "inconclusive"),
    ],
)
def test_a_level_holds_when_the_interval_lies_within_the_tolerance(low, high, verdict):
    assert level_verdict(Interval(3, 0, 0, low, high), 1.05, 0.1) == verdict
