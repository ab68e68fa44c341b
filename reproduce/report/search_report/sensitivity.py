"""A search's trials -> how much of the error goes with one setting, as far as they can tell."""

from collections.abc import Callable

import pandas as pd
from scipy.optimize import brentq
from scipy.stats import f, ncf

# With fewer trials, or fewer trials a value, nothing is said about a setting: even at this number,
# the interval of a setting that makes half of the variance is about half of all that is possible.
LEAST_TRIALS, LEAST_TRIALS_A_VALUE = 20, 3
CONFIDENCE = 0.95


def can_tell(values: pd.Series) -> bool:
    """Whether there are trials enough to say what goes with the setting."""
    many = len(values) >= LEAST_TRIALS
    return many and values.nunique() > 1 and len(values) >= LEAST_TRIALS_A_VALUE * values.nunique()


def explained_percent(values: pd.Series, errors: pd.Series) -> tuple[float, float]:
    """The 95 % interval of the share of the errors' variance that goes with the setting's value,
    in percent.

    The values are classes of a one-way analysis of variance, whose F has a noncentral distribution;
    the interval holds the noncentralities for which the F found is in neither tail (Steiger 2004,
    Psychological Methods 9, 164). The errors count as normal, and what the other settings do as
    noise.
    """
    trials, classes = len(errors), values.nunique()
    between, within = classes - 1, trials - classes
    whole = ((errors - errors.mean()) ** 2).sum()
    left = ((errors - errors.groupby(values).transform("mean")) ** 2).sum()
    if not whole:  # no error differs from another
        return 0.0, 0.0
    if left <= 1e-12 * whole:
        return 100.0, 100.0
    found = ((whole - left) / between) / (left / within)

    def share(chance: float) -> float:
        """The largest share for which an F as small as this one has so little chance or more."""
        if f.cdf(found, between, within) <= chance:
            return 0.0
        noncentrality = _root(lambda centre: ncf.cdf(found, between, within, centre) - chance)
        return 100 * noncentrality / (noncentrality + trials)

    tail = (1 - CONFIDENCE) / 2
    return share(1 - tail), share(tail)


def _root(falling: Callable[[float], float]) -> float:
    """Where a function of the numbers from 0 on, positive at 0, reaches zero."""
    high = 1.0
    while falling(high) > 0:
        high *= 2
    return brentq(falling, 0.0, high)
