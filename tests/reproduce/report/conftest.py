"""Evidence made of a table of rows, without files."""

import math

import pytest

from reproduce.plan import Standing
from reproduce.record import Row
from reproduce.report.evidence import Evidence


@pytest.fixture(scope="session")
def made():
    """A function of (experiment, chosen, final rows as a table, profile) that returns Evidence."""

    def of(experiment, chosen, final, profile="cpu"):
        standing = Standing(experiment, profile, None, None)
        lines = final.itertuples(index=False)
        rows = [Row(*(None if _is_nan(each) else each for each in line)) for line in lines]
        every = {"measured": lambda cell: list(cell.candidates)}
        standing.__dict__.update(chosen=chosen, rows=rows, superseded=0, **every)
        return Evidence("toy", standing, final, final.iloc[:0], {})

    return of


@pytest.fixture(scope="session")
def altered(made):
    """A function that returns evidence with some of its parts replaced."""

    def of(evidence, **parts):
        same = {
            name: getattr(evidence, name) for name in ("experiment", "chosen", "final", "profile")
        }
        return made(**same | parts)

    return of


def _is_nan(value):
    return isinstance(value, float) and math.isnan(value)
