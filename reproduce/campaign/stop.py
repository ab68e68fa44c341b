"""Ctrl-C and SIGTERM -> a clean stop."""

import signal
import tempfile
from pathlib import Path

from reproduce.campaign.progress import Display


class StopRequest:
    """Turns the first Ctrl-C (or SIGTERM) into a file that every worker sees; a second one
    interrupts at once."""

    def __init__(self, display: Display):
        self.display = display

    def __enter__(self) -> "StopRequest":
        self.folder = tempfile.TemporaryDirectory(prefix="reproduce-stop-")
        self.path = Path(self.folder.name) / "stop"
        self.before = {s: signal.signal(s, self._ask) for s in (signal.SIGINT, signal.SIGTERM)}
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
