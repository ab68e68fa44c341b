"""Experiment, profile and finished rows -> the runs that remain. Standard library only.

Each experiment has two stages with files of their own: `<name>_choice` trains every candidate on
the training part and measures it on the validation part, by the budget's `choice_updates` and
`choice_seeds`; `<name>` retrains the chosen ones with fresh seeds and reads the test set once.
"""

import importlib
import math
import pkgutil
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean

from reproduce import Budget, Cell, Experiment, GaussianSvm, Run, UserError, experiments
from reproduce.record import Results
from reproduce.runs import told

STAGES = ("choice", "final")
# Choice seeds start here, so that no final run shares a seed with the runs that chose for it.
FIRST_CHOICE_SEED = 1001
# The arm of a search's lowest validation error.
BEST_FOUND = "Best found"


@dataclass(frozen=True)
class Planned:
    """A run with its place in the experiment: its labels, which are no part of its key."""

    arm: str
    x: float | None
    # What tells the run from its arm's other candidates.
    settings: str
    run: Run

    @property
    def label(self) -> str:
        where = f" at {self.x:,g}" if self.x is not None else ""
        parts = [f"{self.arm}{where}", self.settings, f"seed {self.run.seed}"]
        return ", ".join(part for part in parts if part)

    @property
    def folder(self) -> str:
        """The name of the run's folder in the log: readable, and no other run's."""
        return re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-") + f"-{self.run.key}"


def tuned_settings(cell: Cell, run: Run) -> str:
    """The settings that vary among the cell's candidates, as this run has them."""
    each = [flat(candidate) for candidate in cell.candidates]
    mine = flat(run)
    varying = [name for name in mine if any(s.get(name) != each[0].get(name) for s in each)]
    return told({name: mine[name] for name in varying})


def flat(run: Run) -> dict:
    """A run's settings, those of its net among them."""
    settings = run.settings()
    return settings | settings.pop("net")


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(experiments.__path__))


def load(name: str) -> Experiment:
    if name not in names():
        raise UserError(f"unknown experiment {name!r}; the experiments are {', '.join(names())}")
    return importlib.import_module(f"reproduce.experiments.{name}").experiment


def declared_cells(experiment: Experiment, profile: str) -> list[Cell]:
    """The cells that a profile runs, as they are declared."""
    budget = experiment.budgets[profile]
    return [
        cell
        for cell in experiment.cells
        if (budget.xs is None or cell.x in budget.xs)
        and (budget.arms is None or cell.arm in budget.arms)
    ]


def cells(experiment: Experiment, profile: str) -> list[Cell]:
    """The cells that a profile runs, their candidates cut to its budget."""
    budget = experiment.budgets[profile]
    return [
        replace(
            cell, candidates=tuple(budgeted(run, budget, experiment) for run in cell.candidates)
        )
        for cell in declared_cells(experiment, profile)
    ]


def described_budget(experiment: Experiment, budget: Budget) -> str:
    """The budget as it must stand beside every number: with the training images of all runs, be
    they the profile's or the experiment's own."""
    declared = {run.examples for cell in experiment.cells for run in cell.candidates}
    if budget.examples is None and len(declared) == 1:
        budget = replace(budget, examples=declared.pop())
    return budget.describe()


def budgeted(run: Run, budget: Budget, experiment: Experiment) -> Run:
    return replace(
        run,
        updates=budget.updates,
        net=run.net.scaled(budget.width),
        data=budget.data or run.data,
        examples=run.examples if budget.examples is None else budget.examples,
        measures=experiment.measures,
    )


def choice_runs(experiment: Experiment, profile: str) -> list[Planned]:
    """Every candidate of every cell on the validation part; none without a choice."""
    return [
        Planned(cell.arm, cell.x, tuned_settings(cell, run), choosing)
        for cell in cells(experiment, profile)
        if len(cell.candidates) > 1
        for run in cell.candidates
        for choosing in _choosing(run, experiment, profile)
    ]


def _choosing(run: Run, experiment: Experiment, profile: str) -> list[Run]:
    """The runs that tell how good a candidate is, one a choice seed."""
    budget = experiment.budgets[profile]
    # Early stopping looks at points of the curve; others are measured once, at the end.
    points = experiment.curve_points if run.early_stopping else 0
    updates = budget.choice_updates or budget.updates
    run = replace(run, hold_out=True, curve_points=points, updates=updates)
    # One will do for what draws nothing.
    count = 1 if isinstance(run.net, GaussianSvm) else budget.choice_seeds
    seeds = range(FIRST_CHOICE_SEED, FIRST_CHOICE_SEED + count)
    return [replace(run, seed=seed) for seed in seeds]


def chosen(
    cell: Cell, experiment: Experiment, profile: str, errors: dict[str, float]
) -> Run | None:
    """The candidate with the lowest mean validation error; None while one is missing.

    `errors` maps the keys of finished choice runs to the final value of the experiment's first
    measure on validation data; a diverged run counts as infinite. Ties go to the candidate stated
    first.
    """
    if len(cell.candidates) == 1:
        return cell.candidates[0]
    means = [
        fmean(errors.get(each.key, math.nan) for each in _choosing(run, experiment, profile))
        for run in cell.candidates
    ]
    if any(math.isnan(mean) for mean in means):
        return None
    return cell.candidates[means.index(min(means))]


def final_run(run: Run, experiment: Experiment, seed: int) -> Run:
    return replace(
        run,
        test=True,
        hold_out=experiment.hold_out,
        curve_points=experiment.curve_points,
        probes=experiment.probes,
        seed=seed,
    )


def final_runs(
    experiment: Experiment, profile: str, errors: dict[str, float], seeds: Iterable[int]
) -> list[Planned]:
    """The chosen candidate of each decided cell with each seed, seed by seed so that an
    interrupted campaign has every arm at the same seeds."""
    decided = [(c, chosen(c, experiment, profile, errors)) for c in cells(experiment, profile)]
    return [
        Planned(cell.arm, cell.x, tuned_settings(cell, run), final_run(run, experiment, seed))
        for count, seed in enumerate(seeds)
        for cell, run in decided
        if run is not None and (count == 0 or not is_deterministic(cell))
    ]


def is_deterministic(cell: Cell) -> bool:
    """Whether every seed would find the same: then one will do."""
    return isinstance(cell.candidates[0].net, GaussianSvm)


def search_finals(experiment: Experiment, profile: str, point: Mapping) -> list[Planned]:
    """The runs that test the point that a search found beside the space's baselines, seed by
    seed."""
    assert experiment.search is not None
    budget = experiment.budgets[profile]
    arms = {BEST_FOUND: experiment.search.run(point), **experiment.search.baselines}
    plain = replace(experiment, hold_out=False, curve_points=0, probes=())
    return [
        Planned(arm, None, "", final_run(budgeted(run, budget, plain), plain, seed))
        for seed in range(1, budget.seeds + 1)
        for arm, run in arms.items()
    ]


def results(name: str, profile: str, stage: str, results_dir: Path) -> Results:
    """The files of one stage of an experiment."""
    return Results(results_dir, profile, f"{name}_choice" if stage == "choice" else name)


def runs(
    name: str, profile: str, stage: str, results_dir: Path, seeds: int | None = None
) -> list[Planned]:
    """All runs of a stage: of the final one, those whose settings are chosen already."""
    experiment = load(name)
    if stage == "choice":
        return choice_runs(experiment, profile)
    errors = results(name, profile, "choice", results_dir).final_errors(experiment.measures[0])
    count = seeds or experiment.budgets[profile].seeds
    return final_runs(experiment, profile, errors, range(1, count + 1))
