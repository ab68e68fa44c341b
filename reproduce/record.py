"""The only writer of results/: rows in CSV, provenance in JSON. Standard library only.

A run counts as finished once the JSON names it; the JSON is replaced in one step after the rows
are on disk. Rows of a run that the JSON does not name (a kill between the two) are never read, and
are removed when the next writer opens the file.
"""

import csv
import fcntl
import io
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from reproduce import UserError

ENDED = ("done", "diverged")


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
    # Shortest text that reads back to the same number, and 5000 rather than 5000.0.
    return f"{value:.17g}" if isinstance(value, float) and value.is_integer() else str(value)


def _lines(rows: list[Row]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_text(value) for value in astuple(row)] for row in rows)
    return buffer.getvalue()


def _parse(line: list[str]) -> Row:
    run, arm, x, seed, split, measure, step, value = line
    x_value = float(x) if x else None
    return Row(run, arm, x_value, int(seed), split, measure, int(step), float(value))


class Results:
    """The files of one experiment at one profile."""

    def __init__(self, results_dir: Path, profile: str, name: str):
        self.csv = results_dir / profile / f"{name}.csv"
        self.json = results_dir / profile / f"{name}.json"

    def runs(self) -> dict[str, dict]:
        """Run key -> provenance, for every run that ended, failed ones too."""
        try:
            return json.loads(self.json.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise UserError(
                f"{self.json} is not valid JSON ({error}); restore it from git"
            ) from None

    def ended(self) -> set[str]:
        """Keys of the runs that need no repetition."""
        return {key for key, entry in self.runs().items() if entry["status"] in ENDED}

    def rows(self) -> list[Row]:
        """The rows of ended runs; torn or orphaned lines are left out."""
        ended = self.ended()
        try:
            with self.csv.open(newline="") as file:
                lines = [line for line in csv.reader(file) if line and line[0] in ended]
        except FileNotFoundError:
            lines = []
        try:
            rows = [_parse(line) for line in lines]
        except ValueError as error:
            raise UserError(
                f"{self.csv} holds a malformed row ({error}); restore it from git"
            ) from None
        lost = ended - {row.run for row in rows}
        if lost:
            raise UserError(
                f"{self.csv} lacks the rows of {len(lost)} finished runs of {self.json.name}; "
                "restore both from git, or delete both"
            )
        return rows

    def final_errors(self, measure: str) -> dict[str, float]:
        """Run key -> last value of a measure on validation data; infinite for a diverged run."""
        errors = {}
        for row in self.rows():  # a run's rows stand in order of step, so the last one wins
            if row.split == "validation" and row.measure == measure:
                errors[row.run] = row.value
        diverged = [key for key, entry in self.runs().items() if entry["status"] == "diverged"]
        errors.update(dict.fromkeys(diverged, float("inf")))
        return errors

    def repair(self) -> None:
        """Drops what a kill left behind: torn and orphaned lines, half-written files."""
        for leftover in self.csv.parent.glob(f".{self.csv.stem}.*.tmp"):
            leftover.unlink()
        if not self.csv.exists():
            return
        clean = ",".join(COLUMNS) + "\n" + _lines(self.rows())
        if clean != self.csv.read_text():
            _replace(self.csv, clean)

    def remove(self) -> None:
        """Forgets all runs; their rows count no more once the first file is gone."""
        self.json.unlink(missing_ok=True)
        self.csv.unlink(missing_ok=True)

    def append(self, rows: list[Row], key: str, entry: dict) -> None:
        """Adds one ended run: rows first, then the JSON that makes them count. Processes that
        search side by side take turns."""
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        with self.csv.open("a", newline="") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = file.seek(0, os.SEEK_END)
            header = "" if before else ",".join(COLUMNS) + "\n"
            try:
                file.write(header + _lines(rows))
                file.flush()
                os.fsync(file.fileno())
                _replace(
                    self.json, json.dumps(self.runs() | {key: entry}, indent=1, sort_keys=True)
                )
            except OSError:
                os.truncate(self.csv, before)
                raise


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", newline="") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def free_mebibytes(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**20


@contextmanager
def writer_lock(results_dir: Path, profile: str) -> Iterator[None]:
    """One writer a profile at a time; the kernel releases the lock however the process ends."""
    folder = results_dir / profile
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is writing to {folder}; wait for it to end") from None
        yield
