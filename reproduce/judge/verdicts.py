"""Values over seeds -> an interval -> one of four verdicts."""

import math
import statistics
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from reproduce.judge.looks import reached, spent
from reproduce.judge.student import student_quantile
from reproduce.judge.values import Values, cells_of
from reproduce.spec import Claim

REPRODUCED, OPPOSITE, NO_DIFFERENCE, OPEN = (
    "reproduced",
    "opposite",
    "no difference",
    "open",
)
ABOVE, BELOW = "above the paper's", "below the paper's"
# The most seeds that a forecast names.
MOST_SEEDS = 1_000


@dataclass(frozen=True)
class Interval:
    """Mean of n values with its standard error and t interval; unbounded below n = 2."""

    n: int
    mean: float
    standard_error: float
    low: float
    high: float

    @property
    def half(self) -> float:
        """Half of the interval's width."""
        return self.high - self.mean

    @property
    def spread(self) -> float:
        """The standard deviation from seed to seed."""
        return self.standard_error * math.sqrt(self.n)


def interval(values: Sequence[float], error: float = 0.05) -> Interval:
    """The interval that misses the true mean with chance `error`."""
    n = len(values)
    mean = statistics.fmean(values) if n else math.nan
    if n < 2:
        return Interval(n, mean, math.nan, -math.inf, math.inf)
    standard_error = statistics.stdev(values) / math.sqrt(n)
    half = student_quantile(1 - error / 2, n - 1) * standard_error
    return Interval(n, mean, standard_error, mean - half, mean + half)


@dataclass(frozen=True)
class Judged:
    """A claim's verdict at its last look, and the interval that decided it."""

    verdict: str
    found: Interval
    # The number of the look, from 1; 0 before the first, where nothing is judged.
    look: int
    # The numbers of seeds at the looks.
    looks: tuple[int, ...]

    @property
    def next_seeds(self) -> int | None:
        """The number of seeds at the next look; None if decided, or if no look is left."""
        if self.is_decided or self.look == len(self.looks):
            return None
        return self.looks[self.look]

    @property
    def is_decided(self) -> bool:
        return self.verdict != OPEN


def judge(claim: Claim, values: Values, looks: tuple[int, ...]) -> Judged | None:
    """Judges a claim by the seeds of the last look reached; None if its cells are not run here.

    A look is reached once its seeds, from 1 on, have ended in every cell of the claim. A seed whose
    run diverged in one of them has ended, but has no difference.
    """
    differences = values.difference(claim)
    if differences is None:
        return None
    ended = values.ended(cells_of(claim, values.cells))
    return _judged(differences, ended, looks, lambda found: claim_verdict(found, claim))


def judge_level(
    found: Mapping[int, float],
    ended: Sequence[int],
    paper: float,
    tolerance: float,
    looks: tuple[int, ...],
) -> Judged:
    """Judges the mean of one cell's values, by seed, against the paper's number; `ended` are the
    seeds whose runs have ended, diverged ones too."""
    return _judged(found, ended, looks, lambda f: level_verdict(f, paper, tolerance))


def _judged(
    values: Mapping[int, float],
    ended: Sequence[int],
    looks: tuple[int, ...],
    verdict: Callable[[Interval], str],
) -> Judged:
    """Before the first look the verdict is open, and the interval is that of all values. A look has
    the first seeds, whichever end first: one that waited for no seed would be taken again."""
    without_gap = next((n for n, seed in enumerate(ended) if seed != n + 1), len(ended))
    at = reached(without_gap, looks)
    if at is None:
        return Judged(OPEN, interval([*values.values()], spent(looks)[0]), 0, looks)
    counted = [values[seed] for seed in ended[: looks[at]] if seed in values]
    found = interval(counted, spent(looks)[at])
    return Judged(verdict(found), found, at + 1, looks)


def claim_verdict(found: Interval, claim: Claim) -> str:
    """What an interval of the paired difference says; positive differences favour the claim.

    `within` W: reproduced if the whole interval lies in [-W, W], opposite if none of it does.
    `or_equal`, with the smallest difference D: reproduced if all of it is above -D, opposite if all
    of it is below. Else: no difference if it lies inside (-D, D); reproduced if all of it is above
    0, opposite if all of it is below. Open in all other cases.
    """
    if claim.within is not None:
        return _around(found, 0.0, claim.within, apart=(OPPOSITE, OPPOSITE))
    assert claim.smallest is not None
    if claim.or_equal:
        return _side(found, -claim.smallest)
    if -claim.smallest < found.low and found.high < claim.smallest:
        return NO_DIFFERENCE
    return _side(found, 0.0)


def _side(found: Interval, border: float) -> str:
    if found.low > border:
        return REPRODUCED
    return OPPOSITE if found.high < border else OPEN


def level_verdict(ours: Interval, paper: float, tolerance: float) -> str:
    """Whether our mean equals the paper's number to within the tolerance, lies above or below it,
    or it is open."""
    return _around(ours, paper, tolerance, apart=(BELOW, ABOVE))


def _around(found: Interval, middle: float, tolerance: float, apart: tuple[str, str]) -> str:
    if middle - tolerance <= found.low and found.high <= middle + tolerance:
        return REPRODUCED
    if found.high < middle - tolerance:
        return apart[0]
    return apart[1] if found.low > middle + tolerance else OPEN


def seeds_needed(found: Interval, claim: Claim, looks: tuple[int, ...]) -> int | None:
    """How many seeds would decide an open claim, if mean and spread stay as they are: the fewest
    whose interval, as sure as the last look's, does so. None if that is more than `MOST_SEEDS`, or
    if one seed shows no spread."""
    if found.n < 2:
        return None
    error, counts = spent(looks)[-1], range(2, MOST_SEEDS + 1)
    place = bisect_left(counts, True, key=lambda n: _decides(found, claim, n, error))
    return counts[place] if place < len(counts) else None


def _decides(found: Interval, claim: Claim, n: int, error: float) -> bool:
    standard_error = found.spread / math.sqrt(n)
    half = student_quantile(1 - error / 2, n - 1) * standard_error
    then = Interval(n, found.mean, standard_error, found.mean - half, found.mean + half)
    return claim_verdict(then, claim) != OPEN
