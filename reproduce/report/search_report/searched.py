"""The rows of a search -> its trials and tests."""

from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from reproduce import experiments, plan
from reproduce.judge import Interval, interval
from reproduce.record import Results
from reproduce.spec import Search


@dataclass(frozen=True)
class SearchEvidence:
    """The trials of a search at the full budget, one row each, with the values of its axes and the
    mean validation error over `n` seeds (a diverged run counts as 100 %); and the test results."""

    name: str
    profile: str
    space: Search
    measure: str
    budget: str
    test_budget: str
    trials: pd.DataFrame
    # Arm, seed, test error, settings.
    tests: pd.DataFrame
    # The files of both.
    results: tuple[Results, ...] = ()

    @property
    def effort(self) -> str:
        """The number of trials, and of seeds in each."""
        trials, counts = len(self.trials), self.trials["count"]
        low, high = counts.min(), counts.max()
        seeds = (
            "one seed" if high == 1 else f"{low} seeds" if low == high else f"{low}-{high} seeds"
        )
        if trials == 1:
            return f"1 trial of {seeds}"
        return f"{trials} trials of {seeds} each"

    def gains(self) -> dict[str, Interval]:
        """Baseline -> by how much the best point found errs less, in the paired test errors."""
        if self.tests.empty:
            return {}
        errors = self.tests.pivot(index="seed", columns="arm", values="error")
        if plan.BEST_FOUND not in errors:
            return {}
        return {
            arm: interval(list((errors[arm] - errors[plan.BEST_FOUND]).dropna()))
            for arm in dict.fromkeys(self.tests.arm)
            if arm != plan.BEST_FOUND
        }


def gather(name: str, profile: str, results_dir: Path) -> SearchEvidence | None:
    """What a search found; None if no trial has ended."""
    experiment = experiments.load(name)
    space, measure = experiment.search, experiment.measures[0]
    if space is None:
        return None
    results = Results(results_dir, profile, f"search_{name}")
    entries, errors = results.runs(), results.final_errors(measure)
    if not errors:
        return None
    # A full trial makes all of the budget's updates, unless Hyperband has not got there yet.
    budget = replace(experiment.budgets[profile], choice_updates=None)
    most = max(entries[key]["run"]["updates"] for key in errors)
    runs = pd.DataFrame(
        space.point(entries[key]["run"], budget.width)
        | {"trial": entries[key]["arm"], "error": min(error, 100.0)}
        for key, error in errors.items()
        if entries[key]["run"]["updates"] == most
    )
    trials = runs.groupby(["trial", *space.axes]).error.agg(["mean", "sem", "count"]).reset_index()
    trials = trials.sort_values("mean", kind="stable")
    # Skips trials that lack a seed, which failed or has not run yet.
    best = trials[trials["count"] == trials["count"].max()].iloc[0]
    # The values as declared: pandas converts numbers to its own types.
    point = {a: next((v for v in each if v == best[a]), best[a]) for a, each in space.axes.items()}
    finals = plan.search_finals(experiment, profile, point)
    best_found = Results(results_dir, profile, f"search_{name}_best")
    tested = {
        row.run: row.value
        for row in best_found.rows()
        if (row.split, row.measure) == ("test", measure)
    }
    tests = pd.DataFrame(
        space.point(planned.run.settings(), budget.width)
        | {"arm": planned.arm, "seed": planned.run.seed, "error": tested[planned.run.key]}
        for planned in finals
        if planned.run.key in tested
    )
    tried = plan.describe_budget(experiment, replace(budget, updates=most))
    tested_with = plan.describe_budget(experiment, budget)
    files = (results, best_found)
    return SearchEvidence(name, profile, space, measure, tried, tested_with, trials, tests, files)
