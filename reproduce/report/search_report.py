"""The rows of a search -> tables and a figure: what was tried, what matters, what was found."""

import math
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns

from reproduce import experiments, plan
from reproduce.judge import interval
from reproduce.record import Results
from reproduce.report.figures import as_svg
from reproduce.report.labels import measure_label
from reproduce.report.tables import Table
from reproduce.spec import Search, format_setting

SHOWN_TRIALS = 10


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
    tested = {
        row.run: row.value
        for row in Results(results_dir, profile, f"search_{name}_best").rows()
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
    return SearchEvidence(name, profile, space, measure, tried, tested_with, trials, tests)


def trials_table(found: SearchEvidence) -> Table:
    """The best trials, best first."""
    rows = [
        (
            trial["trial"],
            found.space.describe(trial),
            f"{trial['mean']:.2f}" + ("" if math.isnan(trial["sem"]) else f" ± {trial['sem']:.2f}"),
            f"{trial['count']}",
        )
        for _, trial in found.trials.head(SHOWN_TRIALS).iterrows()
    ]
    title = f"search {found.name}, {found.profile} profile: the best of {len(found.trials)} trials"
    columns = ("trial", "settings", f"validation {measure_label(found.measure)} (mean ± s.e.)", "n")
    return Table(title, columns, rows)


def sensitivity_table(found: SearchEvidence) -> Table:
    """For each axis, the share of the trials' variance that its value alone explains."""
    errors, rows = found.trials["mean"], []
    for name in found.space.axes:
        share = explained_percent(found.trials[name], errors)
        explained = "too few trials" if share is None else f"{max(share, 0):.0f}"
        best = errors.groupby(found.trials[name]).mean().idxmin()
        rows.append((name.replace("_", " "), explained, format_setting(best)))
    title = f"search {found.name}, {found.profile} profile: what matters"
    columns = ("setting", "variance explained (%), beyond chance", "value of the lowest mean error")
    return Table(title, columns, rows)


def explained_percent(values: pd.Series, errors: pd.Series) -> float | None:
    """The adjusted R squared, in percent, of the errors on the values, taken as classes.

    With few trials, classes explain much by chance: k values in n trials explain (k - 1) / (n - 1)
    of the variance. The adjustment makes this 0 on average, at times negative. None unless n > k
    and the errors differ.
    """
    trials, classes = len(errors), values.nunique()
    spread = errors.var() * (trials - 1)
    if trials <= classes or not spread:
        return None
    left = ((errors - errors.groupby(values).transform("mean")) ** 2).sum()
    return 100 * (1 - (left / (trials - classes)) / (spread / (trials - 1)))


def tests_table(found: SearchEvidence) -> Table:
    """The best point found and the baselines, with their paired differences."""
    rows: list[tuple[str, ...]] = []
    if not found.tests.empty:
        errors = found.tests.pivot(index="seed", columns="arm", values="error")
        for arm in dict.fromkeys(found.tests.arm):
            ours = interval(list(errors[arm].dropna()))
            settings = found.space.describe(found.tests[found.tests.arm == arm].iloc[0])
            better = ""
            if arm != plan.BEST_FOUND and plan.BEST_FOUND in errors:
                gain = interval(list((errors[arm] - errors[plan.BEST_FOUND]).dropna()))
                better = f"{gain.mean:.2f} points [{gain.low:.2f}, {gain.high:.2f}]"
            rows.append(
                (
                    arm,
                    settings,
                    f"{ours.mean:.2f} ± {ours.standard_error:.2f}",
                    str(ours.n),
                    found.test_budget,
                    better,
                )
            )
    title = f"search {found.name}, {found.profile} profile: tested once"
    columns = (
        "arm",
        "settings",
        f"test {measure_label(found.measure)} (mean ± s.e.)",
        "n",
        "budget",
        "Best found is better by [95 % interval]",
    )
    return Table(title, columns, rows)


def tables(found: SearchEvidence) -> tuple[Table, ...]:
    return tests_table(found), sensitivity_table(found), trials_table(found)


def draw(found: SearchEvidence) -> bytes:
    """As SVG: a heat map over two axes (lowest over the others), every trial along each axis."""
    return as_svg(partial(_fill, found), (7 + 3.2 * len(found.space.axes), 4.4))


def _fill(found: SearchEvidence, figure: plt.Figure) -> None:
    first, second = found.space.heat
    axes = list(found.space.axes)
    grid = figure.subplots(1, 1 + len(axes), width_ratios=[2.2] + [1] * len(axes))
    lowest = found.trials.pivot_table(index=second, columns=first, values="mean", aggfunc="min")
    sns.heatmap(
        lowest.iloc[::-1],
        annot=True,
        fmt=".1f",
        cmap="viridis_r",
        cbar_kws={"label": f"validation {measure_label(found.measure)}"},
        ax=grid[0],
    )
    grid[0].set(xlabel=first.replace("_", " "), ylabel=second.replace("_", " "))
    values = found.trials["mean"]
    top = min(values.max(), 3 * values.min()) if values.min() > 0 else values.max()
    beyond = f"; triangles: above {top:.1f}" if values.max() > top else ""
    for name, panel in zip(axes, grid[1:], strict=True):
        # Values as categories: equally spaced, whatever their scale.
        order = sorted(found.space.axes[name])
        labels = [format_setting(value) for value in order]
        places = found.trials[name].map(format_setting)
        look = {"order": labels, "color": ".4", "jitter": False, "ax": panel}
        inside = values <= top
        sns.stripplot(x=places[inside], y=values[inside], size=4, **look)
        # Values beyond the axis are drawn at its end.
        sns.stripplot(x=places[~inside], y=top + 0 * values[~inside], marker="^", size=6, **look)
        means = [values[places == label].mean() for label in labels]
        panel.plot(range(len(labels)), means, color="C0", marker="o")
        panel.set(xlabel=name.replace("_", " "), ylabel="", ylim=(0.9 * values.min(), 1.05 * top))
        panel.tick_params(axis="x", rotation=60)
    figure.suptitle(
        f"Search {found.name}, {found.profile} profile: {len(found.trials)} trials\n"
        f"{found.budget}; lowest and mean validation {measure_label(found.measure)}{beyond}",
        x=0.01,
        ha="left",
        fontsize="medium",
    )
