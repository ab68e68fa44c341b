"""Runs one search's chief and workers as processes on this machine, until all workers end.

Each runs the user's command with keras-tuner's own variables, as it would on another machine.
"""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

from reproduce import signals
from reproduce.campaign import Display, StopRequest
from reproduce.search.ending import LOOK_SECONDS, PARENT, STOP
from reproduce.search.request import Request

KERAS_TUNER, LOOPBACK = "KERASTUNER", "127.0.0.1"
ROLE, CHIEF = f"{KERAS_TUNER}_TUNER_ID", "chief"
IP, PORT = f"{KERAS_TUNER}_ORACLE_IP", f"{KERAS_TUNER}_ORACLE_PORT"
# The threads of each process.
THREADS = "REPRODUCE_THREADS"
# How long workers may run on after the chief has ended.
SECONDS_TO_END = 20
MOST_STARTS = 4
AGAIN = ("--resume", "--overwrite")
# The exit status of a user's error, which another start would only meet again.
USER_ERROR = 2


def search_side_by_side(request: Request, display: Display) -> int | None:
    """Starts a chief and `--workers` workers, and waits for them.

    Returns the exit status if the search ends here: after Ctrl-C, or an error that one of them has
    printed. Otherwise the caller finishes what a killed process left undone.
    """
    grace, status = SECONDS_TO_END / LOOK_SECONDS, signals.STATUS
    with StopRequest(display) as stop:
        parts = _Parts(request, stop.path)
        try:
            while parts.are_working() and grace > 0:
                time.sleep(LOOK_SECONDS)
                if stop.path.exists():  # they see it too, and end when their states are saved
                    continue
                if parts.has(USER_ERROR):
                    status = USER_ERROR
                    stop.path.touch()
                elif parts.chief.returncode:  # its workers would only wait for it
                    display.print(
                        f"the chief ended with status {parts.chief.returncode}; "
                        "continuing without it"
                    )
                    return None
                elif parts.chief.returncode == 0:  # all is done; workers need a moment to see it
                    grace -= 1
                else:
                    parts.restart(display)
            if not stop.path.exists():
                return None
        finally:
            parts.end()
    if status == signals.STATUS:
        display.print("stopped early; the same command with --resume resumes from here")
    return status


class _Parts:
    """A chief and its workers."""

    def __init__(self, request: Request, stop_file: Path):
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            port = probe.getsockname()[1]
        # Each process joins the search instead of starting a new one.
        words = [word for word in request.arguments if word not in AGAIN]
        self.command = [sys.executable, "-m", "reproduce", *words, "--resume"]
        self.variables = {IP: LOOPBACK, PORT: str(port), THREADS: "1"}
        self.variables |= {PARENT: str(os.getpid()), STOP: str(stop_file)}
        self.chief = self._start(CHIEF)
        names = [f"tuner{i}" for i in range(request.options.workers)]
        self.workers = {name: self._start(name) for name in names}
        self.starts = dict.fromkeys(names, 1)

    def _start(self, role: str) -> subprocess.Popen:
        """Starts a process that never gets Ctrl-C or SIGTERM: these may reach the whole process
        group, but only the command handles them."""
        with signals.without_signals():
            return subprocess.Popen(self.command, env=os.environ | self.variables | {ROLE: role})

    def are_working(self) -> bool:
        return any(worker.poll() is None for worker in self.workers.values())

    def has(self, status: int) -> bool:
        """Whether one of them has ended with that status."""
        return any(each.poll() == status for each in (*self.workers.values(), self.chief))

    def restart(self, display: Display) -> None:
        """Starts a worker again that was killed. A new one of the same name gets the trial that
        this one left unfinished."""
        for name, worker in self.workers.items():
            if worker.poll() and self.starts[name] < MOST_STARTS:
                display.print(f"worker {name} ended with status {worker.returncode}; restarted")
                self.starts[name] += 1
                self.workers[name] = self._start(name)

    def end(self) -> None:
        for process in (self.chief, *self.workers.values()):
            process.kill()
            process.wait()
