"""What the user asked for, a planned run as sent to a worker, and the outcome that comes back."""

import signal
import time
from dataclasses import dataclass
from pathlib import Path

from reproduce import signals
from reproduce.campaign.progress import Display, format_measured
from reproduce.files import is_usual
from reproduce.machine import temporary_folder
from reproduce.plan import Planned
from reproduce.record import Results, Row

LOG_DIR = Path("logs")


@dataclass(frozen=True)
class Options:
    """The command-line options that campaigns and searches share.

    `seeds` None: the number in the budget; `data_dir` None: the user named no folder.
    """

    profile: str
    workers: int
    data_dir: Path | None
    results_dir: Path
    # What the user typed, for the log and the record.
    command: str
    seeds: int | None = None
    # How many runs to train side by side at most; None: as many as pay on the machine.
    stack: int | None = None
    # Whether a GPU may multiply numbers rounded to ten bits.
    tf32: bool = False
    # The address of a Dask scheduler whose workers train the runs; None: this machine does.
    cluster: str | None = None

    @property
    def log_dir(self) -> Path:
        """The profile's event logs; with another results folder, they are inside that folder."""
        folder = LOG_DIR if is_usual(self.results_dir) else self.results_dir / "logs"
        return folder / self.profile


@dataclass(frozen=True)
class Job:
    """What a worker needs: the run, the folder for its logs, and when to stop: at `deadline`
    (on this machine's monotonic clock, which nobody can set), or once `stop_file` exists."""

    planned: Planned
    log_dir: Path
    data_dir: Path | None
    deadline: float | None
    stop_file: Path
    # The command and the commit that every record states.
    origin: dict[str, str]
    # How many runs to train side by side at most; None: as many as pay on the machine.
    stack: int | None = 1
    # Whether a GPU may multiply numbers rounded to ten bits.
    tf32: bool = False

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run's state is kept, until its rows are recorded."""
        return self.log_dir / "checkpoint.npz"

    def must_stop(self) -> bool:
        late = self.deadline is not None and time.monotonic() > self.deadline
        return late or self.stop_file.exists()


@dataclass(frozen=True)
class Outcome:
    """How a job ended: "done", "diverged", "failed", or "stopped", to be resumed later."""

    job: Job
    status: str
    rows: list[Row]
    provenance: dict
    # What the user should know besides, in a sentence.
    note: str = ""

    def record(self, results: Results) -> None:
        """Writes rows and provenance, then deletes the checkpoint unless the run failed."""
        entry = self.provenance | self.job.origin | {"status": self.status}
        results.append(self.rows, self.job.planned.run.key, entry)
        if self.status != "failed":
            self.job.checkpoint.unlink(missing_ok=True)

    @property
    def is_finished(self) -> bool:
        """Whether the run has ended for good."""
        return self.status in ("done", "diverged")

    def describe(self) -> str:
        """How the run ended, in one line."""
        return "; ".join(filter(None, (self._ended(), self.note)))

    def _ended(self) -> str:
        if self.status != "done":
            first_line, *_ = self.provenance.get("error", "").split("\n")
            return f"{self.status} {first_line}".strip()
        measure = self.job.planned.run.measures[0]
        last = {row.split: row.value for row in self.rows if row.measure == measure}
        errors = [
            f"{split} {format_measured(measure, last[split])}"
            for split in ("train", "validation", "test")
            if split in last
        ]
        return f"{', '.join(errors)} in {self.provenance['seconds']:.1f} s"


class StopRequest:
    """Turns the first Ctrl-C (or SIGTERM) into a file that every worker sees; a second one
    interrupts at once."""

    def __init__(self, display: Display):
        self.display = display

    def __enter__(self) -> "StopRequest":
        signals.check()
        self.folder = temporary_folder()
        self.path = Path(self.folder.name) / "stop"
        self.before = {s: signal.signal(s, self._ask) for s in signals.STOPS}
        return self

    def _ask(self, number: int, frame: object) -> None:
        if self.path.exists():
            raise KeyboardInterrupt
        self.path.touch()
        self.display.print("stopping: saving the current runs (Ctrl-C again to discard them)")

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.folder.cleanup()
