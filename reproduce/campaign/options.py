"""The command-line options that campaigns and searches share."""

from dataclasses import dataclass
from pathlib import Path

RESULTS_DIR = Path("results")
LOG_DIR = Path("logs")


@dataclass(frozen=True)
class Options:
    """`seeds` None: the number in the budget; `data_dir` None: the user named no folder."""

    profile: str
    workers: int
    data_dir: Path | None
    results_dir: Path
    # What the user typed, for the log and the record.
    command: str
    seeds: int | None = None

    @property
    def log_dir(self) -> Path:
        """The profile's event logs; with another results folder, they are inside that folder."""
        is_default = self.results_dir == RESULTS_DIR
        return (LOG_DIR if is_default else self.results_dir / "logs") / self.profile
