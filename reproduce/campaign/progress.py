"""Progress output: one live line per run on a terminal, plain lines elsewhere."""

import time
from dataclasses import dataclass

from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

# How often plain output reports the progress of a long run.
PLAIN_SECONDS = 30


@dataclass(frozen=True)
class RunProgress:
    """The state of a run in progress; `key` is the run's key."""

    key: str
    label: str
    step: int
    updates: int
    updates_per_second: float
    loss: float
    # The measure that chooses settings, and its last value.
    measure: str
    value: float | None

    def describe(self) -> str:
        parts = [f"{self.updates_per_second:,.0f} updates/s", f"loss {self.loss:.3f}"]
        if self.value is not None:
            parts.append(format_measured(self.measure, self.value))
        return ", ".join(parts)


def format_measured(measure: str, value: float) -> str:
    """`error_percent`, 4.5 -> "error 4.50 %"."""
    name, percent, _ = measure.partition("_percent")
    return f"{name.replace('_', ' ')} {value:.2f}{' %' if percent else ''}"


class Display:
    """Use as a context manager around a campaign; writes to standard error."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False, emoji=False)
        columns = (TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
        more = (TextColumn("{task.fields[state]}"), TimeRemainingColumn())
        self.progress = Progress(*columns, *more, console=self.console)
        # What takes time before a run is seen.
        text = TextColumn("{task.description} ...")
        self.before = Progress(SpinnerColumn("line"), text, TimeElapsedColumn())
        both = Group(self.before, self.progress)
        self.live = Live(both, console=self.console, transient=True, refresh_per_second=10)
        # Whatever printing imports is imported now: a signal may print in the middle of a print.
        with self.console.capture():
            tried = self.before.add_task("-"), self.progress.add_task("-", state="")
            self.console.print("-", soft_wrap=True)
            self.console.print(both)
        self.before.remove_task(tried[0])
        self.progress.remove_task(tried[1])
        self.bars: dict[str, TaskID] = {}
        self.last_plain: dict[str, float] = {}
        # Updates may arrive after a run has ended; they must not be shown.
        self.over: set[str] = set()
        self.said: set[str] = set()
        self.title, self.total, self.done = "", 0, 0

    def __enter__(self) -> "Display":
        if self.console.is_terminal:
            self.live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.live.stop()

    def busy(self, what: str) -> None:
        """What goes on until the next run is seen: on a terminal shown until then, with the seconds
        that it takes; elsewhere a line, the first time."""
        self.idle()
        if self.console.is_terminal:
            self.before.add_task(what)
        elif what not in self.said:
            self.said.add(what)
            self.print(f"{what} ...")

    def idle(self) -> None:
        """Nothing goes on any more that `busy` said."""
        for task in list(self.before.task_ids):
            self.before.remove_task(task)

    def print(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def stage(self, title: str, total: int, done: int = 0) -> None:
        """What the next run that ends belongs to, and how many of its runs have ended before."""
        self.title, self.total, self.done = title, total, done

    def update(self, seen: RunProgress) -> None:
        if seen.key in self.over:
            return
        self.idle()
        if self.console.is_terminal:
            if seen.key not in self.bars:
                bar = self.progress.add_task(seen.label, total=seen.updates, state="")
                self.bars[seen.key] = bar
            # What a run starts from is shown in its place, until it begins itself.
            bar, state = self.bars[seen.key], seen.describe()
            self.progress.update(bar, total=seen.updates, completed=seen.step, state=state)
            self.progress.update(bar, description=seen.label)
            return
        now = time.monotonic()
        if now - self.last_plain.setdefault(seen.key, now) > PLAIN_SECONDS:
            self.last_plain[seen.key] = now
            left = (seen.updates - seen.step) / max(seen.updates_per_second, 1e-9)
            state = f"{seen.step:,}/{seen.updates:,}, {seen.describe()}, {left:.0f} s left"
            self.print(f"  {seen.label}: {state}")

    def ended(self, key: str, label: str, result: str) -> None:
        """Reports a run that has ended and whose rows are on disk."""
        self.idle()
        self.over.add(key)
        self.done += 1
        self.last_plain.pop(key, None)
        if key in self.bars:
            self.progress.remove_task(self.bars.pop(key))
        self.print(f"[{self.title} {self.done}/{self.total}] {label}: {result}")
