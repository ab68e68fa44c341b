"""Rows of final runs -> verdicts on claims. Standard library only, since `list` reads them.

In: the rows of an experiment's final runs and its claims. Out: `Values`, paired differences over
seeds; `judge`, a verdict with the interval that decides it and the look at which it does.

Open `verdicts.py` first (the four verdicts), then `looks.py` (why several looks need care).
"""

from reproduce.judge.looks import describe, reached, spent
from reproduce.judge.student import student_quantile
from reproduce.judge.values import RENAMED, Values, cells_of
from reproduce.judge.verdicts import (
    ABOVE,
    BELOW,
    MOST_SEEDS,
    NO_DIFFERENCE,
    OPEN,
    OPPOSITE,
    REPRODUCED,
    Interval,
    Judged,
    claim_verdict,
    interval,
    judge,
    judge_level,
    level_verdict,
    seeds_needed,
)

__all__ = [
    "ABOVE",
    "BELOW",
    "MOST_SEEDS",
    "NO_DIFFERENCE",
    "OPEN",
    "OPPOSITE",
    "RENAMED",
    "REPRODUCED",
    "Interval",
    "Judged",
    "Values",
    "cells_of",
    "claim_verdict",
    "describe",
    "interval",
    "judge",
    "judge_level",
    "level_verdict",
    "reached",
    "seeds_needed",
    "spent",
    "student_quantile",
]
