"""A block begins with `<!-- rows: KIND NAME PROFILE -->` and ends with `<!-- end -->`."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from reproduce import experiments
from reproduce.errors import UserError
from reproduce.report import best
from reproduce.report.claims import claims_table, tried
from reproduce.report.evidence import Evidence
from reproduce.report.headlines import finding
from reproduce.report.tables import OURS, TRAINED, Table, measured_table, probes_table
from reproduce.spec import PROFILES

LESSON = Path("docs/lesson.md")
BLOCK = re.compile(r"(<!-- rows: (.*?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def filled(text: str, found: Sequence[Evidence]) -> str:
    """The text with each of its blocks drawn from the rows.

    Raises:
        UserError: for a block that names no known kind, experiment and profile, or has no end.
    """
    if len(BLOCK.findall(text)) != text.count("<!-- rows:"):
        raise UserError(f"{LESSON} has a block of rows without the line <!-- end -->")
    evidence = {(e.name, e.profile): e for e in found}

    def redrawn(block: re.Match[str]) -> str:
        return f"{block[1]}{_drawn(block[2], evidence)}\n{block[4]}"

    return BLOCK.sub(redrawn, text)


def _drawn(described: str, evidence: dict[tuple[str, str], Evidence]) -> str:
    words = described.split()
    known = ([*KINDS], experiments.names(), [*PROFILES])
    if len(words) != len(known) or any(w not in k for w, k in zip(words, known, strict=True)):
        valid = "; ".join(", ".join(names) for names in known)
        raise UserError(f"{LESSON} has a block of {described!r}; valid are, in this order: {valid}")
    kind, name, profile = words
    if (name, profile) not in evidence:
        command = f".venv/bin/python -m reproduce run {name} --profile {profile}"
        return f"*No rows are committed yet; `{command}` makes them.*"
    return KINDS[kind](evidence[name, profile])


def _claims(e: Evidence) -> str:
    return _part(e, tried(claims_table(e)), ("claim", "difference [interval]", "n", "verdict"))


def _arms(e: Evidence) -> str:
    table = measured_table(e)
    paper = ("paper",) if any(row[1] for row in table.rows) else ()
    return _part(e, table, ("arm", *paper, OURS, "n", TRAINED))


def _best(e: Evidence) -> str:
    return "\n\n".join(best.sentences(e)) or "*Some runs are missing yet.*"


def _probes(e: Evidence) -> str:
    table = probes_table(e)
    return _part(e, table, [each for each in table.columns if each not in ("images", "at")])


def _part(e: Evidence, table: Table, columns: Sequence[str]) -> str:
    """Some columns, under a title of the measure and the budget."""
    at = [table.columns.index(name) for name in columns]
    measured = re.search(r": (test|validation) ([^,]*)", table.title)
    title = f"{e.experiment.title}: {f'{measured[1]} {measured[2]}; ' if measured else ''}"
    rows = [tuple(row[i] for i in at) for row in table.rows]
    return Table(f"{title}{e.profile} profile, {e.budget}", tuple(columns), rows).markdown()


KINDS: dict[str, Callable[[Evidence], str]] = {
    "finding": finding,
    "claims": _claims,
    "arms": _arms,
    "best": _best,
    "probes": _probes,
}
