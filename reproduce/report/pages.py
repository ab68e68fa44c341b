"""Rows and the paper's numbers -> tables, figures, the reports, the blocks of README and lesson.

Never imports keras. Redrawing from the same rows changes no byte.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from rich.console import Console

from reproduce import experiments
from reproduce.errors import UserError
from reproduce.files import is_usual, update_file
from reproduce.report import appended, best, evidence, figures, lesson, page, screen, search_report
from reproduce.report.claims import claims_table, reasons, shown, tried, verdicts_table
from reproduce.report.evidence import Evidence
from reproduce.report.headlines import finding, leads
from reproduce.report.tables import (
    Table,
    choice_table,
    lowest_table,
    measured_table,
    probes_table,
)
from reproduce.spec import PROFILES

# The profiles whose rows are committed. The others get a report beside their git-ignored rows.
COMMITTED = ("cpu", "tenth", "paper")
README = Path("README.md")
BEGIN, END = "<!-- report:begin -->", "<!-- report:end -->"


def write(results_dir: Path, profile: str | None = None) -> int:
    """Writes every report and prints the screen of `profile`, or of each one that has rows; returns
    exit status 0."""
    if not results_dir.is_dir():
        raise UserError(f"there is no folder {results_dir} with results; `run` makes it")
    found = {p: _gather(p, results_dir) for p in PROFILES}
    searched = {p: _searches(p, results_dir) for p in PROFILES}
    committed = [e for p in COMMITTED for e in found[p]]
    searches = [s for p in COMMITTED for s in searched[p]]
    last = appended.tables(committed, searches, results_dir)
    if committed or searches or last:
        _write_report(results_dir, committed, searches, last)
        if is_usual(results_dir) and README.exists():
            _write_readme(committed)
            if lesson.LESSON.exists():
                filled = lesson.filled(lesson.LESSON.read_text("utf-8"), committed)
                update_file(lesson.LESSON, filled.encode())
    for local in set(PROFILES) - set(COMMITTED):
        if found[local] or searched[local]:
            _write_report(results_dir / local, found[local], searched[local])
    every = [p for p in PROFILES if found[p] or searched[p]] or PROFILES[:1]
    for name in [profile] if profile else every:
        _show(found[name], searched[name], name, results_dir)
    return 0


def show(names: Sequence[str], profile: str, results_dir: Path) -> None:
    """Prints each named experiment's result at a profile: its tables, the finding as a sentence,
    and the path of its figure, which it draws where the report has it. An experiment that does not
    have the profile shows its committed rows, of the largest budget."""
    console = _console()
    for e in filter(None, (_result(name, profile, results_dir) for name in names)):
        for table in (measured_table(e), shown(tried(claims_table(e)))):
            if table.rows:
                console.print(table.trimmed().rich())
        print("\n".join((finding(e), *best.sentences(e))))
        if (figure := figures.draw(e)) is not None:
            path = _folder(results_dir, e.profile) / "figures" / f"{e.name}_{e.profile}.svg"
            path.parent.mkdir(parents=True, exist_ok=True)
            update_file(path, figure)
            print(f"Figure: {path}")


def _folder(results_dir: Path, profile: str) -> Path:
    """Where a profile's report and figures lie."""
    return results_dir if profile in COMMITTED else results_dir / profile


def _result(name: str, profile: str, results_dir: Path) -> Evidence | None:
    if profile in experiments.load(name).budgets:
        return evidence.gather(name, profile, results_dir)
    each = (evidence.gather(name, committed, results_dir) for committed in COMMITTED[::-1])
    found = next(filter(None, each), None)
    if found is not None:
        print(f"{name} has no {profile} profile. Its rows of the {found.profile} profile:")
    return found


def _console() -> Console:
    return Console(width=None if Console().is_terminal else 140)


def _show(
    found: list[Evidence],
    searches: Sequence[search_report.SearchEvidence],
    profile: str,
    results_dir: Path,
) -> None:
    """Prints the profile's screen, and what its searches found."""
    if not found and not searches:
        print("no results yet; `make reproduce` makes the first ones")
        return
    print()
    width, folder = _console().width, _folder(results_dir, profile)
    lines = screen.summary(found, profile, folder, width) if found else []
    print(
        "\n".join([*lines, *(f"Search of {s.name}: {search_report.finding(s)}" for s in searches)])
    )


def _gather(profile: str, results_dir: Path) -> list[Evidence]:
    each = (evidence.gather(name, profile, results_dir) for name in experiments.names())
    return [found for found in each if found is not None]


def _searches(profile: str, results_dir: Path) -> list[search_report.SearchEvidence]:
    each = (search_report.gather(name, profile, results_dir) for name in experiments.names())
    return [found for found in each if found is not None]


def _write_report(
    folder: Path,
    found: list[Evidence],
    searches: Sequence[search_report.SearchEvidence],
    last: Mapping[str, Sequence[Table]] = MappingProxyType({}),
) -> None:
    drawn = {}
    parts = [
        "# Report\n\nWritten by `python -m reproduce report` from the rows beside it; do not edit."
    ]
    parts += leads(found)
    for name in dict.fromkeys(e.profile for e in found):
        here = [e for e in found if e.profile == name]
        parts.append(verdicts_table(here, name).markdown())
    for e in found:
        parts.append(f"## {e.experiment.title}: {e.profile} profile\n\n{e.experiment.source}.")
        figure = figures.draw(e)
        if figure is not None:
            name = f"{e.name}_{e.profile}.svg"
            drawn[name] = figure
            parts.append(f"![{e.experiment.title}](figures/{name})")
        stated = (measured_table(e), lowest_table(e), shown(claims_table(e)))
        parts += [*(table.markdown() for table in stated if table.rows)]
        parts += [*reasons(e), *best.sentences(e), provenance(e)]
        for folded in (probes_table(e), choice_table(e)):
            if folded.rows:
                summary = f"<details><summary>{folded.title}</summary>"
                parts.append(f"{summary}\n\n{folded.markdown()}\n\n</details>")
    for search in searches:
        name = f"search_{search.name}_{search.profile}.svg"
        drawn[name] = search_report.draw(search)
        parts.append(f"## Search of {search.name}: {search.profile} profile")
        parts.append(f"![Search of {search.name}](figures/{name})")
        parts += [table.markdown() for table in search_report.tables(search)]
    for heading, under_it in last.items():
        parts += [f"## {heading}", *(table.markdown() for table in under_it)]
    figure_dir = folder / "figures"
    figure_dir.mkdir(parents=True, exist_ok=True)
    _remove_stale(figure_dir, set(drawn))
    for name, content in drawn.items():
        update_file(figure_dir / name, content)
    update_file(folder / "REPORT.md", ("\n\n".join(parts) + "\n").encode())
    is_local = folder.name in PROFILES  # it stands beside the rows of its profile
    html = page.render(found, searches, last, drawn, provenance, is_local)
    update_file(folder / "report.html", html)


def _remove_stale(figure_dir: Path, drawn: set[str]) -> None:
    ours = {path.name for p in PROFILES for path in figure_dir.glob(f"*_{p}.svg")}
    unread = tuple(f"{name}_" for name in experiments.broken())
    for stale in ours - drawn:
        if not stale.startswith(unread):  # the figure of a file with an error stays
            (figure_dir / stale).unlink()


def provenance(e: Evidence) -> str:
    left_out = f" {e.left_out}" if e.left_out else ""
    entries = list(e.runs.values())
    if not entries:
        return f"No run of the current settings has ended.{left_out}"
    ended = [entry for entry in entries if "seconds" in entry]
    statuses = ", ".join(
        f"{sum(entry['status'] == status for entry in entries)} {status}"
        for status in ("done", "diverged", "failed")
    )

    def each(values: Iterable[object]) -> str:
        return ", ".join(sorted({str(value) for value in values}))

    packages = each(f"{name} {v}" for entry in entries for name, v in entry["packages"].items())
    minutes = sum(entry["seconds"] for entry in ended) / 60
    commits = each(entry["commit"][:12] + entry["commit"][40:] for entry in entries)
    facts = (
        f"Runs: {statuses}",
        f"{minutes:.1f} minutes of training in all",
        f"on {each(entry['device'] for entry in entries)}",
        f"{each(entry['threads'] for entry in entries)} thread(s) a run",
        packages,
        f"commit {commits}",
        f"data {each(entry['data_digest'] for entry in ended)}",
    )
    return f"{'; '.join(facts)}.{left_out}"


def _write_readme(found: list[Evidence]) -> None:
    text = README.read_text("utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise UserError(f"{README} needs the lines {BEGIN} and {END} once each, for the report")
    before, rest = text.split(BEGIN)
    block = "\n\n".join([BEGIN, *leads(found), END])
    update_file(README, (before + block + rest.split(END)[1]).encode())
