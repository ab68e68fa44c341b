"""What runs in a worker's own process: jobs one after another, or side by side."""

import signal
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import RunProgress
from reproduce.machine import temporary_folder, use_gpu, use_threads
from reproduce.spec import Run

PROGRESS = "progress"
# How often to look for a stop.
LOOK_SECONDS = 0.5
# The programs compiled on the free worker, those compiled on any, and a run or None -> the worker's
# next job; after a run, one that can be trained beside it.
Take = Callable[[set[tuple], set[tuple], Run | None], Job | None]


def dask_setup(worker: object) -> None:
    """Runs once in each new worker: sets one thread and one GPU, and ignores Ctrl-C and SIGTERM,
    which reach the whole process group but are handled by the main process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    use_threads(1)
    name = getattr(worker, "name", 0)
    use_gpu(name if isinstance(name, int) else 0)


def stop_of(campaign: str) -> str:
    """The event that tells workers out of a campaign's sight to stop its runs."""
    return f"stop-{campaign}"


def execute_in_worker(jobs: list[Job], campaign: str) -> list[Outcome]:
    """`campaign` is the id of its client; what a scheduler passes on goes by that name, for it may
    have several clients at a time."""
    from distributed import get_worker

    from reproduce.campaign.execute import execute_together

    def watch(seen: RunProgress) -> None:
        get_worker().log_event(campaign, {PROGRESS: asdict(seen)})

    waiting = list(jobs)
    more = partial(in_turn(waiting), set(), set(), None)
    outcomes: list[Outcome] = []
    while (job := more()) is not None:
        outcomes += execute_together(job, watch, more)
    return outcomes


def execute_afar(jobs: list[Job], campaign: str) -> list[Outcome]:
    """The same where the caller's files are out of sight: a file here stands for its stop."""
    from distributed import Event, get_client

    asked, over = Event(stop_of(campaign), get_client()), threading.Event()
    with temporary_folder() as folder:
        stop_file = Path(folder) / "stop"

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                if asked.is_set():
                    stop_file.touch()
                    return

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            # The data is the worker's own, from its cache or the network; so is the clock.
            here = [replace(job, stop_file=stop_file, deadline=None, data_dir=None) for job in jobs]
            return execute_in_worker(here, campaign)
        finally:
            over.set()
            watching.join()


def forget(checkpoints: list[Path]) -> None:
    """Deletes, on a worker, the checkpoints of runs whose rows are recorded."""
    for path in checkpoints:
        path.unlink(missing_ok=True)


def in_turn(jobs: list[Job]) -> Take:
    """Gives workers these jobs, in their order, and takes them off the list."""
    return lambda here, anywhere, beside: jobs.pop(0) if jobs else None
