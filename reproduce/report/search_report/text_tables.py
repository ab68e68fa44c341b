"""What a search found -> its tables, and the finding as a sentence."""

import math

import pandas as pd

from reproduce import plan
from reproduce.judge import interval
from reproduce.report.labels import measure_label
from reproduce.report.search_report.searched import SearchEvidence
from reproduce.report.search_report.sensitivity import (
    LEAST_TRIALS,
    LEAST_TRIALS_A_VALUE,
    can_tell,
    explained_percent,
)
from reproduce.report.tables import Table
from reproduce.spec import format_setting

SHOWN_TRIALS = 10


def finding(found: SearchEvidence) -> str:
    """What the search found, as far as its trials and tests can tell."""
    best, gains = found.trials.iloc[0], found.gains()
    settings = found.space.describe(best)
    if not gains:
        error = f"{measure_label(found.measure)} {best['mean']:.2f}"
        return f"Lowest validation {error} at {settings}; not tested yet"
    said = []
    for arm, gain in gains.items():
        if gain.n < 2:
            said.append(f"one seed cannot compare it with {arm}")
        elif gain.low > 0 or gain.high < 0:
            how = "less" if gain.low > 0 else "more"
            said.append(f"errs {abs(gain.mean):.2f} points {how} than {arm}")
        else:
            said.append(f"cannot be told from {arm}")
    return f"Best found ({settings}): {'; '.join(said)}"


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
    title = f"search {found.name}, {found.profile} profile: the best of {found.effort}"
    columns = ("trial", "settings", f"validation {measure_label(found.measure)} (mean ± s.e.)", "n")
    return Table(title, columns, rows)


def sensitivity_table(found: SearchEvidence) -> Table:
    """For each axis, how much of the variance of the trials' ranks goes with its value; of axes of
    which the trials can tell nothing, that they cannot. By rank, since one run that diverged would
    outweigh all others."""
    errors, rows = found.trials["mean"], []
    told = [name for name in found.space.axes if can_tell(found.trials[name])]
    for name in found.space.axes:
        values = found.trials[name]
        said, lowest = _too_few(values), ""
        if name in told:
            low, high = explained_percent(values, errors.rank())
            said = f"{low:.0f} to {high:.0f}" if low > 0 else f"0 to {high:.0f}: maybe none"
        if name in told and low > 0:
            each = errors.groupby(values).agg(["median", "count"])
            best = each["median"].idxmin()
            lowest = f"{format_setting(best)} ({each['count'][best]} trials)"
        rows.append((name.replace("_", " "), said, lowest))
    about = f"what matters, from {found.effort}"
    if not told:
        about = f"{found.effort} cannot tell the settings apart"
    title = f"search {found.name}, {found.profile} profile: {about}"
    columns = (
        "setting",
        "share of the variance in rank, 95 % interval (%)",
        "lowest median error at",
    )
    return Table(title, columns, rows)


def _too_few(values: pd.Series) -> str:
    kinds = values.nunique()
    if kinds < 2:
        return "not told: one value tried"
    needed = max(LEAST_TRIALS, LEAST_TRIALS_A_VALUE * kinds)
    return f"not told: {len(values)} trials of {kinds} values, {needed} needed"


def tests_table(found: SearchEvidence) -> Table:
    """The best point found and the baselines, with their paired differences."""
    rows: list[tuple[str, ...]] = []
    gains = found.gains()
    for arm in dict.fromkeys(found.tests.arm) if not found.tests.empty else ():
        here = found.tests[found.tests.arm == arm]
        ours = interval(list(here.error))
        better = ""
        if arm in gains:
            gain = gains[arm]
            better = "one seed: no interval"
            if gain.n > 1:
                better = f"{gain.mean:.2f} points [{gain.low:.2f}, {gain.high:.2f}]"
        error = f" ± {ours.standard_error:.2f}" if ours.n > 1 else ""
        rows.append(
            (
                arm,
                found.space.describe(here.iloc[0]),
                f"{ours.mean:.2f}{error}",
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
        f"{plan.BEST_FOUND} is better by [95 % interval]",
    )
    return Table(title, columns, rows)


def tables(found: SearchEvidence) -> tuple[Table, ...]:
    return tests_table(found), sensitivity_table(found), trials_table(found)
