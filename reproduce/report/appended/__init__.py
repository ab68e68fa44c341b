"""Rows and measured times -> the report's last tables: cost and speed.

In: evidence, searches and a results folder. Out: `tables`, by heading.

Open `cost.py` first (what the rows cost, what a day of a GPU would add); `speed.py` has the tables
of `make bench`.
"""

from collections.abc import Sequence
from pathlib import Path

from reproduce.report.appended import cost, speed
from reproduce.report.evidence import Evidence
from reproduce.report.search_report import SearchEvidence
from reproduce.report.tables import Table

__all__ = ["tables"]


def tables(
    found: Sequence[Evidence], searches: Sequence[SearchEvidence], results_dir: Path
) -> dict[str, list[Table]]:
    """Heading -> its tables, without headings that would have none."""
    costs = cost.tables(found, searches, results_dir) if found or searches else []
    measured = [t for t in (speed.targets(results_dir), *speed.tables(results_dir)) if t]
    return {name: under_it for name, under_it in (("Cost", costs), ("Speed", measured)) if under_it}
