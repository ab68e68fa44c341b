"""A run together with its place in an experiment."""

import re
from dataclasses import dataclass

from reproduce.spec import Cell, Run, format_settings, key_of


@dataclass(frozen=True)
class Planned:
    """A run with its place in the experiment: its labels, which are not part of its key."""

    arm: str
    x: float | None
    # What distinguishes the run from its arm's other candidates.
    settings: str
    run: Run

    @property
    def label(self) -> str:
        where = f" at {self.x:,g}" if self.x is not None else ""
        parts = [f"{self.arm}{where}", self.settings, f"seed {self.run.seed}"]
        return ", ".join(part for part in parts if part)

    @property
    def folder(self) -> str:
        """The name of the run's folder in the log: readable and unique."""
        return re.sub(r"[^a-z0-9.]+", "-", self.label.lower()).strip("-") + f"-{self.run.key}"


def tuned_settings(cell: Cell) -> list[str]:
    """Of each candidate, the settings that vary among the cell's candidates."""
    each = [flat_settings(candidate) for candidate in cell.candidates]
    varying = {name for mine in each for name in mine if mine[name] != each[0].get(name)}
    return [format_settings({n: v for n, v in mine.items() if n in varying}) for mine in each]


def flat_settings(run: Run) -> dict:
    """A run's settings, including those of its net."""
    settings = run.settings()
    start = settings.pop("start", None)
    # Its whole text would be too long for the name of a folder.
    settings |= {"start": key_of(start)} if start else {}
    return settings | settings.pop("net")
