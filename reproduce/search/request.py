"""A search as requested on the command line, and the runs of its trials."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from reproduce import experiments, plan
from reproduce.campaign import Options
from reproduce.errors import UserError
from reproduce.record import Results
from reproduce.spec import Budget, Experiment, Run, Search

TUNERS = ("grid", "random", "bayesian", "hyperband")
# Hyperband's epochs; its last rung makes all of the budget's updates.
EPOCHS = 9
# Points measured along a trial, so that its best error can differ from its last one.
CURVE_POINTS = 5


@dataclass(frozen=True)
class Request:
    """A search of one experiment's space: `options.seeds` runs per trial."""

    name: str
    tuner: str
    trials: int
    resume: bool
    overwrite: bool
    options: Options
    # The command-line arguments, passed on to the chief and the workers.
    arguments: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.experiment.search is None:
            names = experiments.names()
            able = ", ".join(name for name in names if experiments.load(name).search)
            raise UserError(f"{self.name} declares no search space; {able} do")
        if self.tuner not in TUNERS:
            raise UserError(f"unknown tuner {self.tuner!r}; the tuners are {', '.join(TUNERS)}")

    @cached_property
    def experiment(self) -> Experiment:
        return experiments.load(self.name)

    @property
    def space(self) -> Search:
        assert self.experiment.search is not None  # as checked above
        return self.experiment.search

    @property
    def seeds(self) -> int:
        assert self.options.seeds is not None  # the command line has a default
        return self.options.seeds

    @property
    def budget(self) -> Budget:
        return self.experiment.budgets[self.options.profile]

    def budgeted(self, run: Run) -> Run:
        return plan.budgeted(run, self.budget, self.experiment)

    def runs(self, values: Mapping) -> list[Run]:
        """The runs of a trial, seed by seed: `values` is its point, and hyperband's epochs."""
        epochs = values.get("tuner/epochs", EPOCHS)
        updates = max(1, round(self.budget.updates * epochs / EPOCHS))
        run = self.budgeted(self.space.run(values))
        run = replace(run, updates=updates, curve_points=CURVE_POINTS).at(hold_out=True)
        first = plan.FIRST_CHOICE_SEED
        return [run.at(seed=seed) for seed in range(first, first + self.seeds)]

    @property
    def log_dir(self) -> Path:
        return self.options.log_dir / f"search_{self.name}"

    @property
    def state_dir(self) -> Path:
        """Where keras-tuner keeps its state."""
        return self.log_dir / "tuner"

    def results(self, kind: str = "") -> Results:
        return Results(self.options.results_dir, self.options.profile, f"search_{self.name}{kind}")
