"""Rows -> what they have cost; what is missing -> what one GPU would add in a day."""

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from reproduce import experiments, plan
from reproduce.record import Results
from reproduce.report.evidence import Evidence
from reproduce.report.search_report import SearchEvidence
from reproduce.report.tables import Table

# The profiles that are made for a GPU.
ON_A_GPU = ("tenth", "paper")
DAY_MINUTES = 24 * 60


class Cost(NamedTuple):
    """What a run cost; equal for copies of its entry."""

    key: str
    on_cpu: bool
    seconds: float
    threads: int


def tables(
    found: Sequence[Evidence], searches: Sequence[SearchEvidence], results_dir: Path
) -> list[Table]:
    """Both tables, without those that would be empty."""
    both = (spent_table(found, searches), next_table(results_dir))
    return [table for table in both if table.rows]


def spent_table(found: Sequence[Evidence], searches: Sequence[SearchEvidence]) -> Table:
    """The time of all recorded runs, of settings that are no longer declared too."""
    each: list[tuple[str, str, tuple[Results, ...]]]
    each = [(e.name, e.profile, (e.standing.choice, e.standing.final)) for e in found]
    each += [(f"search of {s.name}", s.profile, s.results) for s in searches]
    times = [(name, profile, _entries(results)) for name, profile, results in each]
    rows = [(name, profile, *_times(entries)) for name, profile, entries in times]
    if len(rows) > 1:
        # A choice run that another experiment took over was trained once.
        once = {each for *_, entries in times for each in entries}
        rows.append(("all, each once", "", *_times(once)))
    return Table(
        "What the recorded runs cost: training time, without compilation and reading of data",
        ("experiment", "profile", "runs", "hours of CPU cores", "minutes of a GPU"),
        rows,
    )


def _entries(files: Iterable[Results]) -> set[Cost]:
    return {
        Cost(key, entry["device"] == "CPU", entry.get("seconds", 0), entry["threads"])
        for results in files
        for key, entry in results.runs().items()
    }


def _times(costs: Collection[Cost]) -> tuple[str, str, str]:
    cores = sum(cost.seconds * cost.threads for cost in costs if cost.on_cpu)
    gpu = sum(cost.seconds for cost in costs if not cost.on_cpu)
    return f"{len(costs):,}", _shown(cores / 3600), _shown(gpu / 60)


def _shown(time: float) -> str:
    return f"{time:.1f}" if time else ""


def next_table(results_dir: Path) -> Table:
    """The experiments that fit into a day of one H100, those that cost least for each claim
    without a verdict first."""
    waiting = []
    for name in experiments.names():
        for profile, state in plan.status(name, results_dir)["profiles"].items():
            claims = state["claims_total"] - state["claims_decided"]
            minutes = state["gpu_minutes_left"]
            if profile in ON_A_GPU and claims and minutes:
                waiting.append((minutes / claims, name, profile, claims, minutes))
    rows, spent = [], 0.0
    for _, name, profile, claims, minutes in sorted(waiting):
        spent += minutes
        if spent > DAY_MINUTES:
            break
        rows.append((name, profile, str(claims), f"{minutes:.0f}", f"{spent / 60:.1f}"))
    return Table(
        f"What a day of one H100 would make: {len(rows)} of {len(waiting)} experiments and "
        "profiles, up to their first or next look",
        ("experiment", "profile", "claims without a verdict", "minutes of it", "hours together"),
        rows,
    )
