"""All runs of an experiment: choice runs, which choose settings, and final runs, tested once."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import fmean

from reproduce.plan.cells import budgeted, budgeted_cells
from reproduce.plan.planned import Planned, tuned_settings
from reproduce.spec import Cell, Experiment, GaussianSvm, Run

# Choice seeds start here, so that no final run shares a seed with the runs that chose for it.
FIRST_CHOICE_SEED = 1001
# The arm for the lowest validation error that a search found.
BEST_FOUND = "Best found"


def choice_runs(
    experiment: Experiment, profile: str, cells: Iterable[Cell] | None = None
) -> list[Planned]:
    """The runs of every candidate of every cell on the validation split; none for a cell with only
    one candidate. `cells`: the profile's own, or the same with more candidates."""
    return [
        Planned(cell.arm, cell.x, settings, choosing)
        for cell in (budgeted_cells(experiment, profile) if cells is None else cells)
        if len(cell.candidates) > 1
        for settings, run in zip(tuned_settings(cell), cell.candidates, strict=True)
        for choosing in with_choice_seeds(run, experiment, profile)
    ]


def with_choice_seeds(run: Run, experiment: Experiment, profile: str) -> list[Run]:
    """The runs that measure a candidate on validation data, one for each choice seed."""
    budget = experiment.budgets[profile]
    # Early stopping uses the points of the curve; other runs are measured once, at the end.
    points = experiment.curve_points if run.early_stopping else 0
    updates = budget.choice_updates or budget.updates
    run = replace(run, curve_points=points, updates=updates).at(hold_out=True)
    # One seed is enough where nothing is random.
    count = 1 if isinstance(run.net, GaussianSvm) else budget.choice_seeds
    seeds = range(FIRST_CHOICE_SEED, FIRST_CHOICE_SEED + count)
    return [run.at(seed=seed) for seed in seeds]


def chosen(
    cell: Cell, experiment: Experiment, profile: str, errors: dict[str, float]
) -> Run | None:
    """The candidate with the lowest mean validation error; None while any error is missing.

    `errors` maps the keys of finished choice runs to the final value of the experiment's first
    measure on validation data; a diverged run counts as infinite. Ties go to the candidate declared
    first.
    """
    if len(cell.candidates) == 1:
        return cell.candidates[0]
    means = [
        fmean(
            errors.get(each.key, math.nan) for each in with_choice_seeds(run, experiment, profile)
        )
        for run in cell.candidates
    ]
    if any(math.isnan(mean) for mean in means):
        return None
    return cell.candidates[means.index(min(means))]


def extended(
    cell: Cell, experiment: Experiment, profile: str, errors: dict[str, float]
) -> tuple[Cell, Run | None]:
    """The cell with the candidates that the brackets have added to it so far, and the best of those
    measured; None while a declared one is not. The last one added may not be measured yet."""
    # Of each setting: another one's candidates must not leave it at an end.
    left = [experiment.budgets[profile].added] * len(experiment.brackets)
    best = chosen(cell, experiment, profile, errors)
    while best is not None and len(cell.candidates) > 1:
        further = (
            (i, run)
            for i, each in enumerate(experiment.brackets)
            if left[i] and (run := each.beyond(best, cell.candidates)) is not None
        )
        i, new = next(further, (0, None))
        if new is None:
            break
        left[i] -= 1
        cell = replace(cell, candidates=(*cell.candidates, new))
        if (better := chosen(cell, experiment, profile, errors)) is None:
            break
        best = better
    return cell, best


def final_run(run: Run, experiment: Experiment, seed: int) -> Run:
    run = replace(run, test=True, curve_points=experiment.curve_points, probes=experiment.probes)
    return run.at(hold_out=experiment.hold_out, seed=seed)


def final_runs(
    experiment: Experiment,
    decided: Iterable[tuple[Cell, Run | None]],
    seeds: Mapping[tuple[str, float | None], int],
) -> list[Planned]:
    """The chosen candidate of each decided cell, with the first seeds, as many as its place has.
    The order is seed by seed, so that an interrupted campaign has every arm at the same seeds."""
    planned = []
    for cell, run in decided:
        if run is not None:
            settings = tuned_settings(cell)[cell.candidates.index(run)]
            for seed in range(1, seeds[cell.arm, cell.x] + 1):
                final = final_run(run, experiment, seed)
                planned.append(Planned(cell.arm, cell.x, settings, final))
    return sorted(planned, key=lambda each: each.run.seed)


def search_finals(experiment: Experiment, profile: str, point: Mapping) -> list[Planned]:
    """The runs that test the best point of a search and, for comparison, the space's baselines,
    seed by seed."""
    assert experiment.search is not None
    budget = experiment.budgets[profile]
    arms = {BEST_FOUND: experiment.search.run(point), **experiment.search.baselines}
    plain = replace(experiment, hold_out=False, curve_points=0, probes=(), bests=())
    return [
        Planned(arm, None, "", final_run(budgeted(run, budget, plain), plain, seed))
        for seed in range(1, budget.looks[0] + 1)
        for arm, run in arms.items()
    ]
