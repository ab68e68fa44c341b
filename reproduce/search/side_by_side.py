"""Runs one search's chief and workers as processes on this machine, until all workers end.

Each runs the user's command with keras-tuner's own variables, as it would on another machine.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

from reproduce.campaign import Display
from reproduce.search.request import Request

KERAS_TUNER, LOOPBACK = "KERASTUNER", "127.0.0.1"
ROLE, CHIEF = f"{KERAS_TUNER}_TUNER_ID", "chief"
IP, PORT = f"{KERAS_TUNER}_ORACLE_IP", f"{KERAS_TUNER}_ORACLE_PORT"
# For a chief and workers that one command started: its process id, the threads of each, and how
# often they all check for changes.
PARENT, THREADS, LOOK_SECONDS = "REPRODUCE_PARENT", "REPRODUCE_THREADS", 0.5
# How long workers may run on after the chief has ended.
SECONDS_TO_END = 20
MOST_STARTS = 4
AGAIN = ("--resume", "--overwrite")


def end_with_parent() -> None:
    """Ends this process when the command that started it ends: a leftover process must not keep
    searching beside those of a --resume."""
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def search_side_by_side(request: Request, display: Display) -> bool:
    """Starts a chief and `--workers` workers, and waits for them.

    The caller finishes what a killed process left undone. Returns whether the search may
    continue: False after Ctrl-C.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    # Each process joins the search instead of starting a new one.
    words = [word for word in request.arguments if word not in AGAIN]
    command = [sys.executable, "-m", "reproduce", *words, "--resume"]

    def start(role: str) -> subprocess.Popen:
        variables = {ROLE: role, IP: LOOPBACK, PORT: str(port)}
        variables |= {PARENT: str(os.getpid()), THREADS: "1"}
        return subprocess.Popen(command, env=os.environ | variables)

    chief = start(CHIEF)
    workers = {f"tuner{i}": start(f"tuner{i}") for i in range(request.options.workers)}
    starts = dict.fromkeys(workers, 1)
    grace = SECONDS_TO_END / LOOK_SECONDS
    try:
        while any(worker.poll() is None for worker in workers.values()) and grace > 0:
            time.sleep(LOOK_SECONDS)
            if chief.poll():  # its workers would only wait for it
                display.print(
                    f"the chief ended with status {chief.returncode}; continuing without it"
                )
                return True
            if chief.returncode == 0:  # all is done; workers need a moment to see it
                grace -= 1
                continue
            for name, worker in workers.items():
                if worker.poll() not in (None, 0, 130) and starts[name] < MOST_STARTS:
                    # A new worker of the same name gets the trial that this one left unfinished.
                    display.print(f"worker {name} ended with status {worker.returncode}; restarted")
                    starts[name] += 1
                    workers[name] = start(name)
        return all(worker.returncode != 130 for worker in workers.values())
    except KeyboardInterrupt:  # which the workers received too
        for worker in workers.values():
            worker.wait()
        display.print("stopped early; the same command with --resume resumes from here")
        return False
    finally:
        for process in (chief, *workers.values()):
            process.kill()
            process.wait()
