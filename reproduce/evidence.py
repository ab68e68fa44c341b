"""Rows and provenance -> means, intervals and verdicts. Never imports keras."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from reproduce import Cell, Claim, Experiment, Run, View, as_tuple, plan
from reproduce.record import COLUMNS, Row

CONFIDENCE = 0.95
HARDLY_TRAINED_PERCENT = 50
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
    """A claim says that a difference exceeds a margin, or that it lies within a bound of zero; the
    interval says whether it does."""
    if within is not None:
        return level_verdict(difference, 0.0, within)
    if difference.low > margin:
        return REPRODUCED
    return NOT_REPRODUCED if difference.high < margin else INCONCLUSIVE


def level_verdict(ours: Interval, paper: float, tolerance: float) -> str:
    """Our mean equals the paper's number to within the tolerance, it does not, or who knows."""
    if paper - tolerance <= ours.low and ours.high <= paper + tolerance:
        return REPRODUCED
    apart = ours.high < paper - tolerance or ours.low > paper + tolerance
    return NOT_REPRODUCED if apart else INCONCLUSIVE


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the committed files of one experiment say at one profile.

    `final` and `choice` hold rows with the columns of the CSV; `chosen` pairs each cell with the
    candidate that validation data chose (None while undecided). Rows of runs that the experiment
    no longer declares are left out and counted in `superseded`.
    """

    name: str
    profile: str
    experiment: Experiment
    chosen: list[tuple[Cell, Run | None]]
    final: pd.DataFrame
    choice: pd.DataFrame
    runs: dict[str, dict]
    superseded: int

    @property
    def budget(self) -> str:
        return plan.described_budget(self.experiment, self.experiment.budgets[self.profile])

    def paper(self, view: View, split: str = "test") -> "PaperNumbers":
        """The paper's numbers for a view; none where the profile runs on other data."""
        if self.experiment.budgets[self.profile].data:
            return {}
        return paper_numbers(view.paper, split)

    def qualified(self, verdict: str) -> str:
        """A verdict as it may stand: with its budget unless that is the paper's own."""
        data = self.experiment.budgets[self.profile].data
        if data:
            return f"{NOT_JUDGED} on {data}"
        return verdict if self.profile == "paper" else f"{verdict} at this budget"

    def values(self, arm: str, x: float | None, split: str, measure: str) -> pd.Series:
        """The last value of a measure for each seed; one of no x has that value at every x."""
        rows = self._groups.get((arm, split, measure), self.final.iloc[:0])
        here = rows.x.isna() if x is None else rows.x.isna() | (rows.x == x)
        last = dict(zip(rows.seed[here], rows.value[here], strict=True))
        return pd.Series(last, dtype=float).sort_index()

    @cached_property
    def _groups(self) -> dict[tuple, pd.DataFrame]:
        """The final rows by arm, split and measure, by step; a report asks for hundreds of them."""
        return dict(list(self.final.sort_values("step").groupby(["arm", "split", "measure"])))

    def diverged(self, arm: str, x: float | None) -> int:
        return len(self.values(arm, x, "train", "diverged"))

    def is_hardly_trained(self, claim: Claim) -> bool:
        """Whether an arm of the claim errs on most of its own training images: then nothing can be
        said of what regularises it."""
        xs = {claim.x, claim.x if claim.worse_x is None else claim.worse_x}
        xs |= set() if claim.than_x is None else {claim.than_x}
        arms = {*as_tuple(claim.better), *as_tuple(claim.worse)}
        errors = [self.values(arm, x, "train", "error_percent") for arm in arms for x in xs]
        return any(each.mean() > HARDLY_TRAINED_PERCENT for each in errors if len(each))

    def told_by_training(self, claim: Claim) -> str:
        """Whether the claim's better arm is "ahead" or "behind" by no more than on its training
        images: it may only learn faster or slower. Empty else, and at the paper's budget."""
        is_plain = claim.split == "test" and claim.measure == "error_percent"
        is_other = claim.underfits or claim.within is not None or claim.than_x is not None
        if self.profile == "paper" or is_other or not is_plain:
            return ""
        here = self.difference(claim)
        fit = self._gain(replace(claim, split="train"), claim.x)
        if here is None or fit is None or here.empty or fit.empty:
            return ""
        if claim.margin < here.mean() <= fit.mean():
            return "ahead"
        return "behind" if fit.mean() <= here.mean() < -claim.margin else ""

    def difference(self, claim: Claim) -> pd.Series | None:
        """For each seed, by how much the claim's difference favours it; None if not run here."""
        at = self._gain(claim, claim.x)
        if claim.than_x is None or at is None:
            return at
        than = self._gain(claim, claim.than_x)
        return None if than is None else (at - than).dropna()

    def _gain(self, claim: Claim, x: float | None) -> pd.Series | None:
        worse_x = x if claim.worse_x is None else claim.worse_x
        sides = (
            (as_tuple(claim.better), x, claim.split, claim.measure),
            (
                as_tuple(claim.worse),
                worse_x,
                claim.worse_split or claim.split,
                claim.worse_measure or claim.measure,
            ),
        )
        if not all(self._runs(arm, at) for arms, at, *_ in sides for arm in arms):
            return None
        better, worse = (
            pd.concat([self.values(arm, at, split, measure) for arm in arms], axis=1)
            .dropna()  # a seed counts once all arms have it
            .mean(axis=1)
            for arms, at, split, measure in sides
        )
        gain = worse - better
        return (gain if claim.than_x is None else 100 * gain / worse).dropna()

    def _runs(self, arm: str, x: float | None) -> bool:
        """Whether the profile runs this cell; a cell of no x may have rows at any."""
        return any(cell.arm == arm and cell.x in (None, x) for cell, _ in self.chosen)


def gather(name: str, profile: str, results_dir: Path) -> Evidence | None:
    """The evidence of an experiment at a profile; None where no run has ended."""
    experiment = plan.load(name)
    choice = plan.results(name, profile, "choice", results_dir)
    final = plan.results(name, profile, "final", results_dir)
    runs = choice.runs() | final.runs()
    if not runs:
        return None
    errors = choice.final_errors(experiment.measures[0])
    cells = plan.cells(experiment, profile)
    chosen = [(cell, plan.chosen(cell, experiment, profile, errors)) for cell in cells]
    seeds = sorted({entry["run"]["seed"] for entry in final.runs().values()})
    current = {p.run.key for p in plan.final_runs(experiment, profile, errors, seeds)}
    current |= {p.run.key for p in plan.choice_runs(experiment, profile)}
    final_rows, choice_rows = (
        _frame([row for row in kind.rows() if row.run in current]) for kind in (final, choice)
    )
    superseded = len((choice.ended() | final.ended()) - current)
    runs = {key: entry for key, entry in runs.items() if key in current}
    return Evidence(name, profile, experiment, chosen, final_rows, choice_rows, runs, superseded)


def _frame(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype({"x": float, "value": float, "step": int, "seed": int})


class PaperNumber(NamedTuple):
    """A value printed or drawn in the paper, in percent, and its error bar (0: none given)."""

    percent: float
    uncertainty: float


PaperNumbers = dict[tuple[str, float | None], PaperNumber]


def paper_numbers(source: str | None, split: str = "test") -> PaperNumbers:
    """(arm, x) -> the paper's number on that split."""
    if source is None:
        return {}
    with (Path(__file__).parent / "paper.csv").open(newline="") as file:
        return {
            (row["arm"], float(row["x"]) if row["x"] else None): PaperNumber(
                float(row["percent"]), float(row["uncertainty"] or 0)
            )
            for row in csv.DictReader(file)
            if row["source"] == source and row["split"] == split
        }
