"""The files of one experiment at one profile: rows in CSV, provenance in JSON.

A run counts as finished once the JSON names it; the JSON is replaced atomically after the rows are
on disk, and says how many they are, with their digest. If the process is killed between the two,
the JSON does not name the run: its rows are never read, and the next writer that opens the file
removes them.
"""

import csv
import fcntl
import json
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path

from reproduce.files import replace_file, write_all
from reproduce.record.entry import (
    FINISHED,
    check_entry,
    damaged,
    entry_digest,
    is_there,
    read_entries,
    readable,
)
from reproduce.record.row import COLUMNS, Row, digest, format_rows, lines_of, parse_row

HEADER = ",".join(COLUMNS) + "\n"


class Results:
    """The files of one experiment at one profile."""

    def __init__(self, results_dir: Path, profile: str, name: str):
        self.csv = results_dir / profile / f"{name}.csv"
        self.json = results_dir / profile / f"{name}.json"

    def runs(self) -> dict[str, dict]:
        """Run key -> provenance, for every run that ended, including failed ones."""
        return read_entries(self.json)

    def finished(self) -> set[str]:
        """Keys of the runs that need not be repeated."""
        return {key for key, entry in self.runs().items() if entry["status"] in FINISHED}

    def rows(self) -> list[Row]:
        """The rows of finished runs; incomplete or orphaned lines are left out."""
        entries = self.runs()
        lines = self._lines({key for key in entries if entries[key]["status"] in FINISHED})
        for key, found in lines.items():
            wanted = entries[key]["rows"]
            if len(found) != wanted:
                what = f"has {len(found)} rows of run {key}, where {self.json.name} says {wanted}"
                raise damaged(self.csv, what)
            if digest(found) != entries[key]["rows_digest"]:
                what = f"has other rows of run {key} than were written with {self.json.name}"
                raise damaged(self.csv, what)
        try:
            return [parse_row(line) for found in lines.values() for line in found]
        except ValueError as error:
            raise damaged(self.csv, f"holds a malformed row ({error})") from None

    def lines(self) -> list[list[str]]:
        """The fields of each line of the CSV file, whatever they are; none without a file."""
        if not is_there(self.csv):
            return []
        try:
            with self.csv.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
                return list(csv.reader(file))
        except csv.Error as error:
            raise damaged(self.csv, f"is no CSV file ({error})") from None

    def _lines(self, keys: set[str]) -> dict[str, list[list[str]]]:
        """The lines of these runs, in the order of the file; a run without a line comes last."""
        found: dict[str, list[list[str]]] = defaultdict(list)
        for line in self.lines():
            if line and line[0] in keys:
                found[line[0]].append(line)
        return {**found, **{key: [] for key in keys - found.keys()}}

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
        if self.csv.exists():
            with self._locked():
                self._clean()

    def remove(self) -> None:
        """Deletes all runs; their rows no longer count once the first file is gone."""
        self.json.unlink(missing_ok=True)
        self.csv.unlink(missing_ok=True)

    def append(self, rows: list[Row], key: str, entry: dict) -> None:
        """Adds one ended run, unless it is there: rows first, then the JSON that makes them count.
        Parallel search processes take turns."""
        self.csv.parent.mkdir(parents=True, exist_ok=True)
        text = format_rows(rows)
        entry = readable(entry) | {"rows": len(rows), "rows_digest": digest(lines_of(text))}
        entry["digest"] = entry_digest(entry)
        check_entry(entry)  # what is written can be read
        while not self._append(text, key, entry):
            pass

    def _append(self, text: str, key: str, entry: dict) -> bool:
        """Whether the run is recorded; else the file had to be cleaned first."""
        with self._locked() as file:
            if key in self.finished():
                return True
            if self._lines({key})[key]:  # of a process killed before the JSON named the run
                self._clean()
                return False
            before = file.seek(0, os.SEEK_END)
            head = "" if before else HEADER
            if before and os.pread(file.fileno(), 1, before - 1) != b"\n":
                head = "\n"  # what a killed process left must not become part of these rows
            try:
                write_all(file, (head + text).encode())
                entries = json.dumps(self.runs() | {key: entry}, indent=1, sort_keys=True)
                replace_file(self.json, entries.encode())
            except OSError:
                file.truncate(before)
                raise
        return True

    @contextmanager
    def _locked(self) -> Iterator[FileIO]:
        """The CSV file, which no other process changes meanwhile. Without a buffer: what could not
        be written must not be tried again when the file closes."""
        while True:
            with open(self.csv, "a+b", buffering=0) as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                # Another process may have put a clean copy in its place before it let go.
                if self.csv.exists() and os.path.samestat(os.fstat(file.fileno()), self.csv.stat()):
                    yield file
                    return

    def _clean(self) -> None:
        """Leaves only the rows of finished runs, in a new file; the caller has locked the old."""
        clean = (HEADER + format_rows(self.rows())).encode()
        if clean != self.csv.read_bytes():
            replace_file(self.csv, clean)
