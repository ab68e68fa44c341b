"""A chief and workers of one search, as processes on this machine, until no worker is left.

Each is the user's command with keras-tuner's own variables, as it would be on another machine.
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
# Of a chief and workers that one command started: its process, each one's threads, and how often
# all look around.
PARENT, THREADS, LOOK_SECONDS = "REPRODUCE_PARENT", "REPRODUCE_THREADS", 0.5
# What workers have, once the chief has ended, to end too.
SECONDS_TO_END = 20
MOST_STARTS = 4
AGAIN = ("--resume", "--overwrite")


def end_with_parent() -> None:
    """If one command started this process among others, it ends once that command has: none may
    search on beside those of a --resume."""
    if parent := os.environ.get(PARENT):
        threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def search_side_by_side(request: Request, display: Display) -> bool:
    """Starts a chief and `--workers` workers, and waits for them.

    Whatever one of them that was killed leaves undone is done afterwards, by the caller. Returns
    whether the search may go on, which Ctrl-C ends.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    # Its part is not to begin a search, but to join one.
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
            if chief.poll():  # its workers would wait for it in vain
                display.print(
                    f"the chief ended with status {chief.returncode}; going on without it"
                )
                return True
            if chief.returncode == 0:  # all is done; workers need a moment to see it
                grace -= 1
                continue
            for name, worker in workers.items():
                if worker.poll() not in (None, 0, 130) and starts[name] < MOST_STARTS:
                    # One of the same name is given the trial that this one leaves undone.
                    display.print(f"worker {name} ended with status {worker.returncode}; restarted")
                    starts[name] += 1
                    workers[name] = start(name)
        return all(worker.returncode != 130 for worker in workers.values())
    except KeyboardInterrupt:  # which the workers got too
        for worker in workers.values():
            worker.wait()
        display.print("stopped early; the same command with --resume goes on from here")
        return False
    finally:
        for process in (chief, *workers.values()):
            process.kill()
            process.wait()
