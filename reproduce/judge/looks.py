"""Looks at the data, and how sure an interval is at each, so that all together keep 95 %.

A campaign judges its claims after a few seeds, then again after more, and stops where they are
decided. Who looks three times with 95 % each errs more than once in twenty. So the chance of error,
5 %, is spent over the looks by the spending function of Pocock's type, ln(1 + (e - 1) t) at the
fraction t of the seeds (Lan and DeMets 1983, Biometrika 70, 659). Each interval misses its true
value with the chance that its look adds; their sum, 5 %, bounds the chance that any of them does,
whatever the looks have in common, and with the t distribution of few seeds too.
"""

import math
from itertools import pairwise

ERROR = 0.05


def spent(looks: tuple[int, ...]) -> tuple[float, ...]:
    """The chance of error that each look may spend; they sum to `ERROR`."""
    totals = [_total(n / looks[-1]) for n in (0, *looks)]
    return tuple(after - before for before, after in pairwise(totals))


def _total(fraction: float) -> float:
    """The chance of error spent when a fraction of the seeds is there."""
    return ERROR * math.log(1 + (math.e - 1) * fraction)


def reached(seeds: int, looks: tuple[int, ...]) -> int | None:
    """The index of the last look that so many seeds allow; None before the first."""
    passed = [index for index, n in enumerate(looks) if n <= seeds]
    return passed[-1] if passed else None


def describe(looks: tuple[int, ...]) -> str:
    """The rule in words, for a report."""
    levels = ", ".join(f"{100 * (1 - error):.2f} %" for error in spent(looks))
    counts = ", ".join(str(n) for n in looks)
    return f"looks at {counts} seeds with intervals of {levels}"
