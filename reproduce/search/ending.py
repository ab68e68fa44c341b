"""How the processes of a search end: asked to, once their run's state is saved, or left alone."""

import os
import signal
import threading
import time
from pathlib import Path

from reproduce import signals
from reproduce.campaign import StopRequest

# For a chief and workers that one command started: its process id, the file that asks them to stop,
# and how often they all look.
PARENT, STOP, LOOK_SECONDS = "REPRODUCE_PARENT", "REPRODUCE_STOP", 0.5
# Held while a run is trained and recorded: at any other time there is nothing to save.
training = threading.Lock()


class Interruptible(StopRequest):
    """Ends the process at the first Ctrl-C (or SIGTERM) unless a run is being trained: a worker may
    wait for its chief for an hour."""

    def _ask(self, number: int, frame: object) -> None:
        if training.locked():
            super()._ask(number, frame)
            return
        # The command line's own handler interrupts.
        signal.signal(number, self.before[signal.Signals(number)])
        signal.raise_signal(number)


def end_with_parent() -> None:
    """Ends this process when the command that started it asks for it, or ends: a leftover process
    must not keep searching beside those of a --resume."""
    if parent := os.environ.get(PARENT):
        arguments = int(parent), Path(os.environ[STOP])
        threading.Thread(target=_end_with, args=arguments, daemon=True).start()


def _end_with(parent: int, stop_file: Path) -> None:
    while not stop_file.exists():
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(LOOK_SECONDS)
    with training:  # once its state is saved
        os._exit(signals.STATUS)
