"""The files of one experiment at one profile: rows in CSV, provenance in JSON.

A run counts as finished once the JSON names it; the JSON is replaced atomically after the rows are
on disk. If the process is killed between the two, the JSON does not name the run: its rows are
never read, and the next writer that opens the file removes them.
"""

import csv
import fcntl
import json
import os
from pathlib import Path

from reproduce.errors import UserError
from reproduce.record.row import COLUMNS, Row, format_rows, parse_row

FINISHED = ("done", "diverged")


class Results:
    """The files of one experiment at one profile."""

    def __init__(self, results_dir: Path, profile: str, name: str):
        self.csv = results_dir / profile / f"{name}.csv"
        self.json = results_dir / profile / f"{name}.json"

    def runs(self) -> dict[str, dict]:
        """Run key -> provenance, for every run that ended, including failed ones."""
        try:
            return json.loads(self.json.read_text())
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise UserError(
                f"{self.json} is not valid JSON ({error}); restore it from git"
            ) from None

    def finished(self) -> set[str]:
        """Keys of the runs that need not be repeated."""
        return {key for key, entry in self.runs().items() if entry["status"] in FINISHED}

    def rows(self) -> list[Row]:
        """The rows of finished runs; incomplete or orphaned lines are left out."""
        finished = self.finished()
        try:
            with self.csv.open(newline="") as file:
                lines = [line for line in csv.reader(file) if line and line[0] in finished]
        except FileNotFoundError:
            lines = []
        try:
            rows = [parse_row(line) for line in lines]
        except ValueError as error:
            raise UserError(
                f"{self.csv} holds a malformed row ({error}); restore it from git"
            ) from None
        lost = finished - {row.run for row in rows}
        if lost:
            raise UserError(
                f"{self.csv} lacks the rows of {len(lost)} finished runs of {self.json.name}; "
                "restore both from git, or delete both"
            )
        return rows

    def final_errors(self, measure: str) -> dict[str, float]:
        """Run key -> last value of a measure on validation data; infinite for a diverged run."""
        errors = {}
        for row in self.rows():  # a run's rows are in order of step, so the last one wins
            if row.split == "validation" and row.measure == measure:
                errors[row.run] = row.value
        diverged = [key for key, entry in self.runs().items() if entry["status"] == "diverged"]
        errors.update(dict.fromkeys(diverged, float("inf")))
        return errors

    def repair(self) -> None:
        """Removes what a killed process left: incomplete and orphaned lines, half-written files."""
        for leftover in self.csv.parent.glob(f".{self.csv.stem}.*.tmp"):
            leftover.unlink()
        if not self.csv.exists():
            return
        clean = ",".join(COLUMNS) + "\n" + format_rows(self.rows())
        if clean != self.csv.read_text():
            _replace(self.csv, clean)

    def remove(self) -> None:
        """Deletes all runs; their rows no longer count once the first file is gone."""
        self.json.unlink(missing_ok=True)
        self.csv.unlink(missing_ok=True)

    def append(self, rows: list[Row], key: str, entry: dict) -> None:
        """Adds one ended run: rows first, then the JSON that makes them count. Parallel search
        processes take turns."""
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        with self.csv.open("a", newline="") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            before = file.seek(0, os.SEEK_END)
            header = "" if before else ",".join(COLUMNS) + "\n"
            try:
                file.write(header + format_rows(rows))
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
