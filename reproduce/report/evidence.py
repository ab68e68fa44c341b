"""What the rows of one experiment at one profile show: values and paired differences."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from reproduce import experiments, plan
from reproduce.paper import PaperNumbers, paper_numbers
from reproduce.record import COLUMNS, Row
from reproduce.report.verdicts import NOT_JUDGED
from reproduce.spec import Cell, Claim, Experiment, Run, View, as_tuple

UNDERTRAINED_PERCENT = 50
# Rows of before 27 November 2026 have other names for these measures.
RENAMED = {
    "doubt": "predictive_entropy",
    "disagreement": "mutual_information",
    **{
        f"{method}_{old}": f"{method}_{new}"
        for method in ("monte_carlo", "weight_scaling")
        for old, new in (
            ("doubt_when_right", "predictive_entropy_when_right"),
            ("doubt_when_wrong", "predictive_entropy_when_wrong"),
            ("misranked_percent", "one_minus_auroc_percent"),
            ("kept_error_percent", "selective_risk_percent"),
        )
    },
}


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the files of one experiment contain at one profile.

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
        return plan.describe_budget(self.experiment, self.experiment.budgets[self.profile])

    def paper(self, view: View, split: str = "test") -> PaperNumbers:
        """The paper's numbers for a view; none where the profile runs on other data."""
        if self.experiment.budgets[self.profile].data:
            return {}
        return paper_numbers(view.paper, split)

    def qualified(self, verdict: str) -> str:
        """The verdict as reported: it mentions the budget, unless that is the paper's own."""
        data = self.experiment.budgets[self.profile].data
        if data:
            return f"{NOT_JUDGED} on {data}"
        return verdict if self.profile == "paper" else f"{verdict} at this budget"

    def values(self, arm: str, x: float | None, split: str, measure: str) -> pd.Series:
        """The last value of a measure for each seed; a value without x counts at every x."""
        rows = self._groups.get((arm, split, measure), self.final.iloc[:0])
        here = rows.x.isna() if x is None else rows.x.isna() | (rows.x == x)
        last = dict(zip(rows.seed[here], rows.value[here], strict=True))
        return pd.Series(last, dtype=float).sort_index()

    @cached_property
    def _groups(self) -> dict[tuple, pd.DataFrame]:
        """The final rows by arm, split and measure, in order of step; a report needs hundreds."""
        return dict(list(self.final.sort_values("step").groupby(["arm", "split", "measure"])))

    def diverged(self, arm: str, x: float | None) -> int:
        return len(self.values(arm, x, "train", "diverged"))

    def is_undertrained(self, claim: Claim) -> bool:
        """Whether an arm of the claim errs on most of its own training images: then the results say
        nothing about regularisation."""
        xs = {claim.x, claim.x if claim.worse_x is None else claim.worse_x}
        xs |= set() if claim.than_x is None else {claim.than_x}
        arms = {*as_tuple(claim.better), *as_tuple(claim.worse)}
        errors = [self.values(arm, x, "train", "error_percent") for arm in arms for x in xs]
        return any(each.mean() > UNDERTRAINED_PERCENT for each in errors if len(each))

    def is_explained_by_training(self, claim: Claim) -> bool:
        """Whether the claim's arms differ at least as much, and in the same direction, on their
        training images: one may only learn faster. Always False at the paper's budget."""
        is_plain = claim.split == "test" and claim.measure == "error_percent"
        is_other = claim.underfits or claim.within is not None or claim.than_x is not None
        if self.profile == "paper" or is_other or not is_plain:
            return False
        here = self.difference(claim)
        fit = self._gain(replace(claim, split="train"), claim.x)
        if here is None or fit is None or here.empty or fit.empty:
            return False
        is_ahead = claim.margin < here.mean() <= fit.mean()
        return bool(is_ahead or fit.mean() <= here.mean() < -claim.margin)

    def difference(self, claim: Claim) -> pd.Series | None:
        """Paired difference per seed, positive if it favours the claim; None if not run here."""
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
            .dropna()  # a seed counts only if all arms have it
            .mean(axis=1)
            for arms, at, split, measure in sides
        )
        gain = worse - better
        return (gain if claim.than_x is None else 100 * gain / worse).dropna()

    def _runs(self, arm: str, x: float | None) -> bool:
        """Whether the profile runs this cell; a cell without x may have rows at any x."""
        return any(cell.arm == arm and cell.x in (None, x) for cell, _ in self.chosen)


def gather(name: str, profile: str, results_dir: Path) -> Evidence | None:
    """The evidence of an experiment at a profile; None if no run has ended."""
    experiment = experiments.load(name)
    choice, final = (stage.results for stage in plan.stages_of(name, profile, results_dir))
    runs = choice.runs() | final.runs()
    if not runs:
        return None
    errors = choice.final_errors(experiment.measures[0])
    cells = plan.budgeted_cells(experiment, profile)
    chosen = [(cell, plan.chosen(cell, experiment, profile, errors)) for cell in cells]
    seeds = sorted({entry["run"]["seed"] for entry in final.runs().values()})
    current = {p.run.key for p in plan.final_runs(experiment, profile, errors, seeds)}
    current |= {p.run.key for p in plan.choice_runs(experiment, profile)}
    final_rows, choice_rows = (
        _frame([row for row in kind.rows() if row.run in current]) for kind in (final, choice)
    )
    superseded = len((choice.finished() | final.finished()) - current)
    runs = {key: entry for key, entry in runs.items() if key in current}
    return Evidence(name, profile, experiment, chosen, final_rows, choice_rows, runs, superseded)


def _frame(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).replace({"measure": RENAMED})
    return frame.astype({"x": float, "value": float, "step": int, "seed": int})
