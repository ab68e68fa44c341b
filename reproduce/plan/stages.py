"""The two stages of an experiment at a profile, each with its own result files.

`<name>_choice` trains every candidate on the training split and measures it on the validation
split, with the budget's `choice_updates` and `choice_seeds`; `<name>` retrains the chosen ones with
new seeds and reads the test set once.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reproduce import experiments
from reproduce.plan.cells import is_deterministic
from reproduce.plan.planned import Planned
from reproduce.plan.runs import choice_runs, final_runs
from reproduce.plan.standing import Standing
from reproduce.record import Results
from reproduce.spec import Experiment

CHOICE, FINAL = "choice", "final"


@dataclass(frozen=True)
class Stage:
    """One stage: the runs that it has, and those that are missing from its files."""

    name: str
    profile: str
    kind: str
    results: Results
    seeds: int | None = None
    # The final stage's settings follow from the rows of the choice stage.
    before: "Stage | None" = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.kind}"

    @cached_property
    def experiment(self) -> Experiment:
        return experiments.load(self.name)

    def standing(self) -> Standing:
        """What the rows of both stages show now. Of the final stage only."""
        assert self.before is not None
        return Standing(self.experiment, self.profile, self.before.results, self.results)

    def runs(self) -> list[Planned]:
        """All runs of the stage: of the choice, those declared; of the final stage, those whose
        settings are chosen, with as many seeds as the claims about them want by now."""
        if self.before is None:
            return choice_runs(self.experiment, self.profile)
        return self.runs_of(self.standing())

    def runs_of(self, standing: Standing) -> list[Planned]:
        """The final stage's runs as the rows stand."""
        return final_runs(self.experiment, standing.chosen, self.seeds_of(standing))

    def seeds_of(self, standing: Standing) -> dict[tuple[str, float | None], int]:
        """The number of final seeds that each cell is to have: as many as its claims want, or as
        were asked for."""
        if self.seeds is None:
            return standing.seeds_wanted
        return {
            (cell.arm, cell.x): 1 if is_deterministic(cell) else self.seeds
            for cell, _ in standing.chosen
        }

    def missing(self) -> list[Planned]:
        """The runs of the stage that are not finished: the others are skipped."""
        finished = self.results.finished()
        return [planned for planned in self.runs() if planned.run.key not in finished]


def stages_of(
    name: str, profile: str, results_dir: Path, seeds: int | None = None
) -> tuple[Stage, Stage]:
    """The choice stage and the final stage; `seeds` replaces the budget's number of final seeds."""
    choosing = Results(results_dir, profile, f"{name}_choice")
    choice = Stage(name, profile, CHOICE, choosing)
    return choice, Stage(name, profile, FINAL, Results(results_dir, profile, name), seeds, choice)
