"""Evidence -> tables of text, for a terminal and for Markdown."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from rich.table import Table as RichTable

from reproduce import plan
from reproduce.judge import OPEN, Interval, interval, level_verdict
from reproduce.paper import PaperNumber
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.labels import measure_label, number
from reproduce.spec import Cell, Run

# A measure with more places along x than this is left out of tables.
MOST_PLACES = 40
# Columns of the measured table: the mean over seeds, on test and on training images.
OURS, TRAINED = "ours (mean ± s.e.)", "on training images"
# Shown where there are no rows yet.
NONE_YET = "none yet"
# Settings for which a better value may lie beyond the grid.
GRID_SETTINGS = ("learning_rate", "max_norm", "l2", "l1", "sparsity_cost", "cost", "gamma")


@dataclass(frozen=True)
class Table:
    """Columns and rows of text, for a terminal or for Markdown."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def trimmed(self) -> "Table":
        """The same without columns in which every cell is empty."""
        kept = [i for i in range(len(self.columns)) if any(row[i] for row in self.rows)]
        rows = [tuple(row[i] for i in kept) for row in self.rows]
        return Table(self.title, tuple(self.columns[i] for i in kept), rows)

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left")
        for column in self.columns:
            table.add_column(column, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table


def mean_text(found: Interval) -> str:
    if found.n < 2:
        return number(found.mean) if found.n else NONE_YET
    return f"{number(found.mean)} ± {number(found.standard_error)}"


@cache  # the report shows it in several places
def measured_table(e: Evidence) -> Table:
    """The paper's numbers and ours, one row per arm: the experiment's first measure on test data,
    or on validation data if its view shows only that."""
    view, rows, paper = e.experiment.view, [], e.paper(e.experiment.view)
    measure = e.experiment.measures[0]
    split = "validation" if view.splits == ("validation",) else "test"
    for cell, run in e.chosen:
        ours = interval(e.values(cell.arm, cell.x, split, measure))
        trained = list(e.values(cell.arm, cell.x, "train", measure)) if split == "test" else []
        # Without randomness there are no updates, and every seed would give the same result.
        is_exact = plan.is_deterministic(cell)
        if is_exact:
            ours = replace(ours, low=ours.mean, high=ours.mean)
        theirs = paper.get((cell.arm, cell.x))
        verdict = published = ""
        if theirs is not None:
            verdict = _judged(e, cell, ours, theirs)
            published = number(theirs.percent)
            published += f" ± {number(theirs.uncertainty)}" if theirs.uncertainty else ""
        if diverged := e.diverged(cell.arm, cell.x):
            verdict = f"{verdict}; {diverged} more diverged".removeprefix("; ")
        rows.append(
            (
                place(e, cell.arm, cell.x),
                published,
                mean_text(ours),
                str(ours.n),
                mean_text(interval(trained)) if trained else "",
                "no updates" if is_exact else e.budget_of(cell),
                _chosen(cell, run, e.standing.measured(cell)),
                verdict,
            )
        )
    title = f"{e.experiment.source} — {e.profile} profile: {split} {measure_label(measure)}"
    if any((cell.arm, cell.x) in paper for cell, _ in e.chosen):
        title += f", judged to within {view.tolerance_points:g} points and the paper's error bar"
    columns = (
        "arm",
        "paper",
        OURS,
        "n",
        TRAINED,
        "budget",
        "chosen on validation",
        "verdict",
    )
    return Table(title, columns, rows)


def _judged(e: Evidence, cell: Cell, ours: Interval, theirs: PaperNumber) -> str:
    """The verdict on a level: whether ours equals the paper's number within the tolerance."""
    budget = e.experiment.budgets[e.profile]
    if not ours.n:
        return ""
    if budget.examples:
        return f"{NOT_JUDGED} on {budget.examples:,} examples"
    if budget.width != 1:
        return f"{NOT_JUDGED} at {budget.fraction_of_width} of the width"
    if plan.is_deterministic(cell):
        tolerance = e.experiment.view.tolerance_points + theirs.uncertainty
        return level_verdict(ours, theirs.percent, tolerance)
    if (cell.arm, cell.x) in e.standing.choosing:
        return NOT_JUDGED + plan.STILL_CHOOSING
    judged = e.standing.levels[cell.arm, cell.x]
    look = f", look {judged.look} of {len(judged.looks)}"
    if not judged.is_decided:
        return f"{OPEN}, one seed" if ours.n == 1 else f"{OPEN}{look}"
    return e.qualified(judged.verdict) + look


def _chosen(cell: Cell, run: Run | None, measured: Sequence[Run]) -> str:
    """The chosen settings. Those at an edge of what was measured are named: better values may lie
    beyond it."""
    if run is None:
        return "not chosen yet"
    at_edges, settings = [], plan.flat_settings(run)
    for name in GRID_SETTINGS:
        stated = (plan.flat_settings(candidate).get(name) for candidate in measured)
        tried = {value for value in stated if value is not None}
        if len(tried) > 1 and settings.get(name) in (min(tried), max(tried)):
            at_edges.append(name.replace("_", " "))
    edges = f" (grid edge: {', '.join(at_edges)})" if at_edges else ""
    return plan.tuned_settings(cell)[cell.candidates.index(run)] + edges


def probes_table(e: Evidence) -> Table:
    """What the probes measured on the trained networks: one row per arm and place, one column per
    measure."""
    places = e.final.groupby("measure").x.nunique()
    # Histograms are shown in the figure and the CSV only.
    names = set(places[places <= MOST_PLACES].index) - {*e.experiment.measures, "diverged"}
    rows = e.final[e.final.measure.isin(names)]
    measures = list(dict.fromkeys(rows.measure))
    lines = []
    for (arm, split, x), here in rows.groupby(["arm", "split", "x"], dropna=False, sort=False):
        cells = [
            mean_text(interval(here[here.measure == name].value.to_list())) for name in measures
        ]
        at = "" if math.isnan(x) else f"{x:g}"
        lines.append((arm, split, at, *(c.replace(NONE_YET, "") for c in cells)))
    columns = ("arm", "images", "at", *(measure_label(name) for name in measures))
    return Table(f"{e.name}, {e.profile} profile: what the trained networks show", columns, lines)


def lowest_table(e: Evidence) -> Table:
    """Where along x each arm of a sweep has its lowest error: on average, and seed by seed."""
    views = [v for v in (e.experiment.view, *e.experiment.panels) if v.lowest]
    measure, rows = e.experiment.measures[0], []
    for view in views:
        here = e.final[(e.final.split == view.splits[0]) & (e.final.measure == measure)]
        for arm in view.arms:
            errors = here[here.arm == arm].pivot_table(index="x", columns="seed", values="value")
            if not errors.empty:
                each = ", ".join(f"{x:g}" for x in errors.idxmin())
                rows.append((arm, view.x_label, f"{errors.mean(axis=1).idxmin():g}", each))
    title = f"{e.name}, {e.profile} profile: where the {measure_label(measure)} is lowest"
    return Table(title, ("arm", "along", "lowest mean at", "lowest at, by seed"), rows)


def choice_table(e: Evidence) -> Table:
    """Every candidate with its validation error: the same number of tries for every arm."""
    rows: list[tuple[str, ...]] = []
    measure = e.experiment.measures[0]
    errors = e.choice[(e.choice.split == "validation") & (e.choice.measure == measure)]
    last = errors.sort_values("step").groupby("run").value.last().to_dict()
    for planned in e.standing.choice_runs:
        entry = e.runs.get(planned.run.key, {"status": "missing"})
        value = number(last[planned.run.key]) if planned.run.key in last else entry["status"]
        arm = place(e, planned.arm, planned.x)
        rows.append((arm, planned.settings, str(planned.run.seed), value))
    columns = ("arm", "candidate", "seed", f"validation {measure_label(measure)}")
    return Table(f"{e.name}, {e.profile} profile: the choice of settings", columns, rows)


def place(e: Evidence, arm: str, x: float | None) -> str:
    """An arm, and where along x, as tables name it."""
    if x is None:
        return arm
    views = (e.experiment.view, *e.experiment.panels)
    label = next(v.x_label for v in views if v.x_label and (not v.arms or arm in v.arms))
    return f"{arm}, {label} = {x:,g}"
