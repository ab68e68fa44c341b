"""Evidence -> tables of text, for a terminal and for Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table as RichTable

from reproduce import evidence, plan
from reproduce.evidence import Evidence, Interval, interval


@dataclass(frozen=True)
class Table:
    """Columns and rows of text, for a terminal or for Markdown."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def markdown(self) -> str:
        lines = [self.columns, ("---",) * len(self.columns), *self.rows]
        return f"**{self.title}**\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def rich(self) -> RichTable:
        table = RichTable(title=self.title, title_justify="left")
        for column in self.columns:
            table.add_column(column, overflow="fold")
        for row in self.rows:
            table.add_row(*row)
        return table


def _number(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}"


def _mean(found: Interval) -> str:
    if found.n < 2:
        return _number(found.mean) if found.n else "none yet"
    return f"{_number(found.mean)} ± {_number(found.standard_error)}"


def measured_table(e: Evidence) -> Table:
    """Paper and ours, a row an arm: test error in percent."""
    view, rows = e.experiment.view, []
    paper = evidence.paper_values(view.paper)
    for cell, run in e.chosen:
        ours = interval(e.values(cell.arm, cell.x, "test", "error_percent"))
        theirs = paper.get((cell.arm, cell.x))
        verdict = "no number in the paper"
        if theirs is not None:
            verdict = evidence.level_verdict(ours, theirs, view.tolerance_points)
        if diverged := e.diverged(cell.arm, cell.x):
            verdict += f"; {diverged} diverged"
        rows.append(
            (
                _place(e, cell.arm, cell.x),
                "" if theirs is None else _number(theirs),
                _mean(ours),
                str(ours.n),
                e.budget,
                plan.tuned_settings(cell, run) if run else "not chosen yet",
                verdict,
            )
        )
    tolerance = f", verdicts to within {view.tolerance_points:g} points" if view.paper else ""
    title = f"{e.experiment.source} — {e.profile} profile: test error in %{tolerance}"
    columns = (
        "arm",
        "paper",
        "ours (mean ± s.e.)",
        "n",
        "budget",
        "chosen on validation",
        "verdict",
    )
    return Table(title, columns, rows)


def claims_table(e: Evidence) -> Table:
    """The claims stated before running, with paired differences over seeds."""
    rows = []
    for claim in e.experiment.claims:
        values = e.difference(claim)
        if values is None:
            rows.append((claim.text, f"not run at the {e.profile} profile", "0", "", ""))
            continue
        found = interval(values)
        unit = (
            "%"
            if claim.than_x is not None
            else {"error_percent": "points"}.get(claim.measure, "nats")
        )
        digits = 3 if unit == "nats" else 2
        told = "none yet" if not found.n else f"{_number(found.mean, digits)} {unit}"
        if found.n > 1:
            told += f" [{_number(found.low, digits)}, {_number(found.high, digits)}]"
        verdict = evidence.claim_verdict(found, claim.margin)
        rows.append((claim.text, told, str(found.n), e.budget, verdict))
    title = f"{e.experiment.source} — {e.profile} profile: claims"
    columns = ("claim", "difference [95 % interval]", "n", "budget", "verdict")
    return Table(title, columns, rows)


def choice_table(e: Evidence) -> Table:
    """Every candidate with its validation error: the same number of tries for every arm."""
    rows: list[tuple[str, ...]] = []
    errors = e.choice[(e.choice.split == "validation") & (e.choice.measure == "error_percent")]
    last = errors.sort_values("step").groupby("run").value.last().to_dict()
    for planned in plan.choice_runs(e.experiment, e.profile):
        entry = e.runs.get(planned.run.key, {"status": "missing"})
        told = _number(last[planned.run.key]) if planned.run.key in last else entry["status"]
        arm = _place(e, planned.arm, planned.x)
        rows.append((arm, planned.settings, str(planned.run.seed), told))
    columns = ("arm", "candidate", "seed", "validation error (%)")
    return Table(f"{e.name}, {e.profile} profile: the choice of settings", columns, rows)


def _place(e: Evidence, arm: str, x: float | None) -> str:
    return arm if x is None else f"{arm}, {x:,g} {e.experiment.view.x_label}"
