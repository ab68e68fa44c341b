"""What the command line asks of a campaign and of a search alike."""

from dataclasses import dataclass
from pathlib import Path

RESULTS_DIR = Path("results")
LOG_DIR = Path("logs")


@dataclass(frozen=True)
class Options:
    """`seeds` None: as many as the budget says; `data_dir` None: no folder of the user's."""

    profile: str
    workers: int
    data_dir: Path | None
    results_dir: Path
    # What the user typed, for the log and the record.
    command: str
    seeds: int | None = None

    @property
    def log_dir(self) -> Path:
        """The event logs of the profile; those of other results stay beside them."""
        is_default = self.results_dir == RESULTS_DIR
        return (LOG_DIR if is_default else self.results_dir / "logs") / self.profile
