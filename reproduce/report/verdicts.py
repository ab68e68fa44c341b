"""Values over seeds -> intervals -> verdicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE = "reproduced", "not reproduced", "inconclusive"
NOT_JUDGED = "not judged"


@dataclass(frozen=True)
class Interval:
    """Mean of n values with its standard error and 95 % t interval; unbounded below n = 2."""

    n: int
    mean: float
    standard_error: float
    low: float
    high: float


def interval(values: Sequence[float]) -> Interval:
    n = len(values)
    mean = float(np.mean(values)) if n else math.nan
    if n < 2:
        return Interval(n, mean, math.nan, -math.inf, math.inf)
    error = float(np.std(values, ddof=1) / math.sqrt(n))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1)) * error
    return Interval(n, mean, error, mean - half, mean + half)


def claim_verdict(difference: Interval, margin: float, within: float | None = None) -> str:
    """A claim states that a difference exceeds a margin, or that it lies within a bound of zero;
    the interval decides."""
    if within is not None:
        return level_verdict(difference, 0.0, within)
    if difference.low > margin:
        return REPRODUCED
    return NOT_REPRODUCED if difference.high < margin else INCONCLUSIVE


def level_verdict(ours: Interval, paper: float, tolerance: float) -> str:
    """Whether our mean equals the paper's number to within the tolerance, or it is unclear."""
    if paper - tolerance <= ours.low and ours.high <= paper + tolerance:
        return REPRODUCED
    apart = ours.high < paper - tolerance or ours.low > paper + tolerance
    return NOT_REPRODUCED if apart else INCONCLUSIVE
