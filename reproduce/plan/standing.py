"""Rows so far -> what is chosen, what the current final runs measured, and the seeds wanted."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from reproduce.judge import (
    OPPOSITE,
    REPRODUCED,
    Judged,
    Values,
    cells_of,
    interval,
    judge,
    judge_level,
    spent,
)
from reproduce.paper import paper_numbers
from reproduce.plan.cells import budgeted_cells, is_deterministic
from reproduce.plan.planned import Planned
from reproduce.plan.runs import choice_runs, extended, final_run, with_choice_seeds
from reproduce.record import Results, Row
from reproduce.spec import Cell, Claim, Experiment, Run

UNDERTRAINED_PERCENT = 50
# Why nothing is judged of a cell that may still choose other settings.
STILL_CHOOSING = ": a candidate beyond the grid is still to be tried"

Place = tuple[str, float | None]


@dataclass(frozen=True, eq=False)
class Standing:
    """An experiment at a profile, as its rows are now."""

    experiment: Experiment
    profile: str
    choice: Results
    final: Results

    @property
    def looks(self) -> tuple[int, ...]:
        return self.experiment.budgets[self.profile].looks

    @cached_property
    def chosen(self) -> list[tuple[Cell, Run | None]]:
        """Each cell, with all candidates tried or to be tried, and the candidate that validation
        data chose; None while undecided."""
        errors = self.choice.final_errors(self.experiment.measures[0])
        return [
            extended(cell, self.experiment, self.profile, errors)
            for cell in budgeted_cells(self.experiment, self.profile)
        ]

    def measured(self, cell: Cell) -> list[Run]:
        """The candidates of a cell that validation data has measured; all of them, where there is
        no choice."""
        finished = self.choice.finished()
        return [
            run
            for run in cell.candidates
            if len(cell.candidates) == 1
            or all(
                each.key in finished
                for each in with_choice_seeds(run, self.experiment, self.profile)
            )
        ]

    @cached_property
    def choice_runs(self) -> list[Planned]:
        """The runs of all candidates, those added beyond the declared ones included."""
        return choice_runs(self.experiment, self.profile, [cell for cell, _ in self.chosen])

    @cached_property
    def current(self) -> set[str]:
        """The keys of the final runs that the experiment declares, with any seed recorded. Others
        are of settings that are no longer declared, or no longer chosen."""
        seeds = {entry["run"]["seed"] for entry in self.final.runs().values()}
        return {
            final_run(run, self.experiment, seed).key
            for _, run in self.chosen
            if run is not None
            for seed in seeds
        }

    @cached_property
    def rows(self) -> list[Row]:
        """The rows of current final runs."""
        return [row for row in self.final.rows() if row.run in self.current]

    @cached_property
    def values(self) -> Values:
        return Values(self.rows, tuple(cell for cell, _ in self.chosen))

    @cached_property
    def verdicts(self) -> list[Judged | None]:
        """Each claim's verdict; None if the profile does not run its cells."""
        return [judge(claim, self.values, self.looks) for claim in self.experiment.claims]

    def why_not_judged(self, claim: Claim, judged: Judged) -> str:
        """Why the rows do not support a verdict, to follow the words "not judged"; empty if they
        do, or if only seeds are missing."""
        if data := self.experiment.budgets[self.profile].data:
            return f" on {data}"
        if self._is_nothing(claim):
            return ": it is 0 in every run"
        if self._is_undertrained(claim):
            return ": undertrained at this budget"
        if judged.found.n and self.is_choosing(claim):
            return STILL_CHOOSING
        # That the arms do not differ needs no explanation.
        if self.profile == "paper" or judged.verdict not in (REPRODUCED, OPPOSITE):
            return ""
        if claim.underfits:
            return ": at this budget an arm may only learn more slowly"
        if self._is_explained_by_training(claim, judged):
            return ": the training error differs as much at this budget"
        return ""

    def is_choosing(self, claim: Claim) -> bool:
        """Whether a cell of the claim has a candidate that validation data has not measured, such
        as one added beyond an end of its grid: then it may still choose another."""
        cells = cells_of(claim, [cell for cell, _ in self.chosen])
        return any((cell.arm, cell.x) in self.choosing for cell in cells)

    @cached_property
    def choosing(self) -> set[Place]:
        """The cells with such a candidate, those without claims included."""
        each = (cell for cell, _ in self.chosen)
        return {(c.arm, c.x) for c in each if len(self.measured(c)) < len(c.candidates)}

    def _is_nothing(self, claim: Claim) -> bool:
        """Whether there is nothing of what the claim says that an arm has less of."""
        each = [self.values.values(arm, x, claim.split, claim.measure) for arm, x in claim.places]
        return all(each) and not any(value for found in each for value in found.values())

    def _is_undertrained(self, claim: Claim) -> bool:
        """Whether an arm of the claim errs on most of its own training images: then the results say
        nothing about regularisation."""
        errors = [self.values.values(arm, x, "train", "error_percent") for arm, x in claim.places]
        return any(fmean(each.values()) > UNDERTRAINED_PERCENT for each in errors if each)

    def _is_explained_by_training(self, claim: Claim, judged: Judged) -> bool:
        """Whether the claim's arms differ in the same direction on their training images, and what
        is left without that is not surely of this direction: one may only learn faster."""
        is_plain = claim.split == "test" and claim.measure == "error_percent"
        if claim.within is not None or claim.or_equal or not is_plain:
            return False
        gained, fitted = self.values.difference(claim) or {}, self.values.fit(claim)
        ended = self.values.ended(cells_of(claim, self.values.cells))
        seeds = [s for s in ended[: self.looks[judged.look - 1]] if s in gained and s in fitted]
        side = 1 if judged.verdict == REPRODUCED else -1
        if not seeds or fmean(side * fitted[s] for s in seeds) <= 0:
            return False
        error = spent(self.looks)[judged.look - 1]
        return interval([side * (gained[s] - fitted[s]) for s in seeds], error).low <= 0

    @property
    def claims_decided(self) -> int:
        """The number of claims with a verdict that the rows support."""
        pairs = zip(self.experiment.claims, self.verdicts, strict=True)
        return sum(
            judged is not None and judged.is_decided and not self.why_not_judged(claim, judged)
            for claim, judged in pairs
        )

    @cached_property
    def levels(self) -> dict[Place, Judged]:
        """The verdict on each of the paper's numbers that can be judged: of whole networks, on all
        images of the paper's data."""
        budget = self.experiment.budgets[self.profile]
        if budget.examples or budget.data or budget.width != 1:
            return {}
        view, measure = self.experiment.view, self.experiment.measures[0]
        paper, found = paper_numbers(view.paper), {}
        for cell, _ in self.chosen:
            if (theirs := paper.get((cell.arm, cell.x))) and not is_deterministic(cell):
                # The paper's own error bar widens the tolerance.
                tolerance = view.tolerance_points + theirs.uncertainty
                ours = self.values.values(cell.arm, cell.x, "test", measure)
                found[cell.arm, cell.x] = judge_level(
                    ours, self.values.ended([cell]), theirs.percent, tolerance, self.looks
                )
        return found

    @cached_property
    def seeds_wanted(self) -> dict[Place, int]:
        """How many final seeds each cell should have: those of the first look, and those of the
        next one while a claim of the cell is open. At the paper's own budget this holds for its
        numbers too; at smaller ones they lie elsewhere anyway."""
        looks, cells = self.looks, [cell for cell, _ in self.chosen]
        wanted = {(cell.arm, cell.x): looks[0] for cell in cells}

        def want(here: Iterable[Cell], judged: Judged) -> None:
            seeds = judged.next_seeds or looks[max(judged.look, 1) - 1]
            for cell in here:
                wanted[cell.arm, cell.x] = max(wanted[cell.arm, cell.x], seeds)

        for claim, judged in zip(self.experiment.claims, self.verdicts, strict=True):
            if judged is not None:
                want(cells_of(claim, cells), judged)
        if self.profile == "paper":
            for cell in cells:
                if (cell.arm, cell.x) in self.levels:
                    want([cell], self.levels[cell.arm, cell.x])
        return {
            (cell.arm, cell.x): 1 if is_deterministic(cell) else wanted[cell.arm, cell.x]
            for cell in cells
        }

    @cached_property
    def superseded(self) -> int:
        """The number of finished runs of settings that are no longer declared or chosen."""
        declared = {planned.run.key for planned in self.choice_runs}
        return len((self.choice.finished() | self.final.finished()) - declared - self.current)
