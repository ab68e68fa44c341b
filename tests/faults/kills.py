"""Campaigns that are killed, starved of disk or memory of time, or deserted; then run to their end.

Whatever happened, the rows at the end are those of a campaign that nobody disturbed.
"""

import contextlib
import json
import math
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from reproduce.plan import stages_of
from reproduce.record import Results
from tests.faults.tried import Tried, harm_of

ROOT = Path(__file__).parents[2]
NAME = "section9"
RUN = ("run", NAME, "--profile", "smoke")
# Most of a campaign is over by then, imports included.
LONGEST_SECONDS = 20
# No command takes longer, on a slow and busy machine.
PATIENCE_SECONDS = 240
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# Sets the clock back by a day, a few seconds after the program has started.
CLOCK = """
import time
_began, _real = time.time(), time.time
time.time = lambda: _real() - 86400 * (_real() > _began + 4)
"""


def start(folder: Path, *more: str, room: int | None = None, **variables: str) -> subprocess.Popen:
    """A campaign in a session of its own; with `room`, no file may grow beyond so many bytes."""

    def limited() -> None:
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))

    return subprocess.Popen(
        [sys.executable, "-m", "reproduce", *RUN, "--results-dir", str(folder), *more],
        cwd=ROOT,
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=limited,
    )


def ended(process: subprocess.Popen, allowed: tuple[int, ...]) -> str:
    """What is wrong with how it ends; empty if nothing is."""
    try:
        said = process.communicate(timeout=PATIENCE_SECONDS)[1]
    except subprocess.TimeoutExpired:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return f"it hangs: {process.communicate()[1]!r}"
    status = process.returncode
    if status < 0 and status in allowed and "Traceback" not in said:
        return ""
    return harm_of(status, said, allowed)


def rows(folder: Path) -> dict[tuple, float]:
    found = Results(folder, "smoke", NAME).rows()
    return {(r.run, r.arm, r.x, r.seed, r.split, r.measure, r.step): r.value for r in found}


def are_alike(one: dict[tuple, float], other: dict[tuple, float]) -> bool:
    """Whether the rows are the same, but for what the number of threads changes."""
    return one.keys() == other.keys() and all(
        math.isclose(one[place], other[place], rel_tol=0.02, abs_tol=0.02) for place in one
    )


@contextlib.contextmanager
def watched(folder: Path) -> Iterator[set[str]]:
    """Every run that is seen to be finished at any time."""
    seen, over = set(), threading.Event()

    def watch() -> None:
        path = Results(folder, "smoke", NAME).json
        while not over.wait(0.1):
            with contextlib.suppress(FileNotFoundError):
                entries = json.loads(path.read_text())
                seen.update(key for key, entry in entries.items() if entry["status"] == "done")

    watching = threading.Thread(target=watch, daemon=True)
    watching.start()
    try:
        yield seen
    finally:
        over.set()
        watching.join()


def workers_of(process: subprocess.Popen) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        each = psutil.Process(process.pid).children(recursive=True)
        return [child for child in each if "spawn_main" in " ".join(_words(child))]
    return []


def _words(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def at_random(folder: Path, draw: random.Random) -> tuple[str, str]:
    """A signal at a random moment: to the command, to all of its processes, or to a worker."""
    number, count = draw.choice(SIGNALS), draw.choice("12")
    target = draw.choice(("command", "all", "worker") if count == "2" else ("command", "all"))
    process = start(folder, "--workers", count)
    time.sleep(draw.uniform(0.3, LONGEST_SECONDS))
    with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
        if target == "command":
            os.kill(process.pid, number)
        elif target == "all":
            os.killpg(process.pid, number)
        elif found := workers_of(process):
            draw.choice(found).send_signal(number)
    # Killed, stopped, or done before; a campaign outlives its workers.
    ends = -number if number in (signal.SIGKILL, signal.SIGHUP) else 130
    allowed = (0,) if target == "worker" else (0, ends)
    return f"{number.name} to {target}, {count} workers", ended(process, allowed)


def all_workers(folder: Path, draw: random.Random) -> tuple[str, str]:
    """Both workers are killed, one shortly after the other; a time limit must still be heard."""
    limit = draw.choice((("--minutes", "0.5"), ()))
    process = start(folder, "--workers", "2", *limit)
    deadline = time.monotonic() + 60
    while len(workers_of(process)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(draw.uniform(0, 8))
    for worker in workers_of(process):
        with contextlib.suppress(psutil.NoSuchProcess):
            worker.kill()
        time.sleep(draw.uniform(0, 2))
    return "all workers killed", ended(process, (0,))


def no_room(folder: Path, draw: random.Random) -> tuple[str, str]:
    """Files cannot grow beyond a random size: of rows, records, checkpoints, event logs."""
    room = draw.choice((1_000, 4_000, 10_000, 20_000, 40_000))
    process = start(folder, "--workers", "1", room=room)
    harm = ended(process, (0, 1, 2))
    if not harm and process.returncode == 0:
        missing = any(stage.missing() for stage in stages_of(NAME, "smoke", folder))
        harm = "it says that all is well, but rows are missing" if missing else ""
    return "no room on the disk", harm


def two_writers(folder: Path, draw: random.Random) -> tuple[str, str]:
    one = start(folder, "--workers", "1")
    time.sleep(draw.uniform(0, 1))
    other = start(folder, "--workers", "1")
    harm = ended(other, (0, 2)) or ended(one, (0, 2))
    if not harm and one.returncode == other.returncode == 2:
        harm = "both were refused"
    return "two writers", harm


def clock_set_back(folder: Path, draw: random.Random) -> tuple[str, str]:
    folder.mkdir(parents=True)
    (folder / "sitecustomize.py").write_text(CLOCK)
    began = time.monotonic()
    process = start(folder, "--workers", "1", "--minutes", "0.3", PYTHONPATH=str(folder))
    harm = ended(process, (0,))
    late = time.monotonic() - began > 90
    return "clock set back", harm or ("the time limit is forgotten" if late else "")


def no_folder(folder: Path, draw: random.Random) -> tuple[str, str]:
    """Where nothing can be written."""
    folder.mkdir(parents=True)
    (folder / "file").touch()
    return "folder that cannot be made", ended(start(folder / "file"), (2,))


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address and the scheduler of a cluster with one worker, as docs/machines.md starts it."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "scheduler.json"
    quiet = {"cwd": ROOT, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    tool = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--scheduler-file", str(file)]
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*tool, *options], **quiet)
    while not (file.exists() and file.read_text()):
        time.sleep(0.1)
    address = json.loads(file.read_text())["address"]
    tool = [sys.executable, "-m", "distributed.cli.dask_worker", address]
    worker = subprocess.Popen([*tool, "--nthreads", "1", "--no-nanny", "--no-dashboard"], **quiet)
    try:
        yield address, scheduler
    finally:
        for process in (worker, scheduler):
            process.terminate()
            process.wait()


def scheduler_lost(folder: Path, draw: random.Random) -> tuple[str, str]:
    with cluster(folder / "cluster") as (address, scheduler):
        process = start(folder, "--cluster", address)
        time.sleep(draw.uniform(10, LONGEST_SECONDS + 10))
        scheduler.kill()
        return "scheduler lost", ended(process, (0, 2))


SINGLE = (all_workers, scheduler_lost, no_room, two_writers, clock_set_back, no_folder)
# Every other one is a signal at a random moment.
FAULTS = [fault for single in SINGLE for fault in (at_random, single)]


def check(count: int, draw: random.Random, folder: Path) -> Tried:
    tried = Tried()
    undisturbed = folder / "undisturbed"
    tried.took("none", ended(start(undisturbed, "--workers", "1"), (0,)))
    expected = rows(undisturbed)
    for number in range(count):
        here = folder / str(number)
        with watched(here) as finished:
            fault, harm = FAULTS[number % len(FAULTS)](here, draw)
        tried.took(fault, harm)
        if finished - Results(here, "smoke", NAME).finished():
            tried.took(fault, "finished runs are lost")
        kept = rows(here)
        tried.took("afterwards", ended(start(here, "--workers", "1"), (0,)))
        now = rows(here)
        if not are_alike(now, expected) or any(now.get(place) != kept[place] for place in kept):
            tried.took(fault, "other rows than undisturbed")
    return tried
