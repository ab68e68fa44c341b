"""One number of the results, and its line in a CSV file."""

import csv
import hashlib
import io
from dataclasses import astuple, dataclass, fields


@dataclass(frozen=True)
class Row:
    """One number."""

    run: str
    arm: str
    x: float | None
    seed: int
    split: str
    measure: str
    step: int
    value: float


COLUMNS = tuple(field.name for field in fields(Row))


def _text(value) -> str:
    if value is None:
        return ""
    # The shortest text that parses to the same number; 5000 rather than 5000.0.
    return f"{value:.17g}" if isinstance(value, float) and value.is_integer() else str(value)


def format_rows(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_text(value) for value in astuple(row)] for row in rows)
    return buffer.getvalue()


def lines_of(text: str) -> list[list[str]]:
    """The fields of each line."""
    return list(csv.reader(io.StringIO(text)))


def digest(lines: list[list[str]]) -> str:
    """Of a run's lines, in their order."""
    text = "\x1e".join("\x1f".join(line) for line in lines)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()[:16]


def parse_row(line: list[str]) -> Row:
    run, arm, x, seed, split, measure, step, value = line
    x_value = float(x) if x else None
    return Row(run, arm, x_value, int(seed), split, measure, int(step), float(value))
