"""The paper's own numbers, in percent, by source and arm; numbers.csv says how each was read.

In: a table's or figure's name. Out: `paper_numbers`, which `report` shows next to our numbers.

There is nothing else to open but numbers.csv.
"""

import csv
from pathlib import Path
from typing import NamedTuple


class PaperNumber(NamedTuple):
    """A value printed or drawn in the paper, in percent, and its error bar (0: none given)."""

    percent: float
    uncertainty: float


PaperNumbers = dict[tuple[str, float | None], PaperNumber]


def paper_numbers(source: str | None, split: str = "test") -> PaperNumbers:
    """(arm, x) -> the paper's number on that split."""
    if source is None:
        return {}
    with (Path(__file__).parent / "numbers.csv").open(newline="", encoding="utf-8") as file:
        return {
            (row["arm"], float(row["x"]) if row["x"] else None): PaperNumber(
                float(row["percent"]), float(row["uncertainty"] or 0)
            )
            for row in csv.DictReader(file)
            if row["source"] == source and row["split"] == split
        }
