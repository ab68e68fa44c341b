"""Jobs -> outcomes: in this process, or in parallel in the workers of a Dask cluster."""

import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import Display, RunProgress
from reproduce.errors import UserError
from reproduce.machine import has_gpu, use_gpu, use_threads
from reproduce.record import commit
from reproduce.spec import Run

TOPIC, STOP = "progress", "reproduce-stop"
# How long a scheduler and its first worker may take to answer; how often to look for a stop.
ANSWER_SECONDS, LOOK_SECONDS = 10, 0.5
# With a GPU, so many jobs at most go to a worker at a time.
GIVEN_TOGETHER = 16
# The programs compiled on the free worker, those compiled on any, and a run or None -> the worker's
# next job; after a run, one that can be trained beside it.
Take = Callable[[set[tuple], set[tuple], Run | None], Job | None]


class Workers:
    """Use as a context manager. With one worker the jobs run here, on all cores; with more, each
    runs in its own process on one thread, which is faster for small networks. `cluster` is the
    address of a scheduler whose workers are used instead; they see no file of this machine, so a
    stop is told to them once `stop_file` exists."""

    def __init__(self, count: int, display: Display, cluster: str | None = None):
        self.count, self.display, self.cluster = count, display, cluster
        self.stop_file: Path | None = None
        self.closing = ExitStack()
        self.client = None
        # The programs that each worker has compiled. Compiling one takes seconds.
        self.compiled: dict[str, set[tuple]] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        # All rows are recorded by now; a worker too slow to end ends with this process.
        with suppress(TimeoutError):
            self.closing.close()

    def run(self, take: Take) -> Iterator[Outcome]:
        """Yields outcomes as jobs end, in any order. Each worker that is free is given what `take`
        returns; a call after an outcome was handled may return other jobs than one before it. Ends
        when none is running and `take` has none."""
        from reproduce.campaign.execute import execute_together, failure

        if self.count == 1 and not self.cluster:
            here: set[tuple] = self.compiled.setdefault("", set())
            while (job := take(here, set(), None)) is not None:
                here.add(job.planned.run.architecture)
                more = partial(take, here, set(), job.planned.run)
                yield from execute_together(job, self.display.update, more)
            return
        from distributed import as_completed

        client = self.client = self.client or self._start()
        ended, running = as_completed(), {}

        def start(worker: str) -> bool:
            here = self.compiled.setdefault(worker, set())
            job = take(here, set().union(*self.compiled.values()), None)
            if job is None:
                return False
            here.add(job.planned.run.architecture)
            jobs = [job]
            while len(jobs) < self._most_together(job):
                if (beside := take(here, set(), job.planned.run)) is None:
                    break
                jobs.append(beside)
            # On that worker, or on another one if it has died.
            place = {"workers": [worker], "allow_other_workers": True}
            work = _execute_afar if self.cluster else _execute_in_worker
            future = client.submit(work, jobs, pure=False, **place)
            running[future] = jobs, worker
            ended.add(future)
            return True

        if not self.cluster:
            # A worker that died in an earlier stage may still be restarting.
            client.wait_for_workers(self.count)
        free = list(client.scheduler_info(n_workers=-1)["workers"])
        free = [worker for worker in free if not start(worker)]
        for future in ended:
            jobs, worker = running.pop(future)
            # A dead worker is replaced and its runs retried once; after that, they have failed.
            error = future.exception()
            yield from [failure(job, error) for job in jobs] if error else future.result()
            free = [each for each in (*free, worker) if not start(each)]

    def _most_together(self, job: Job) -> int:
        """How many jobs a worker is given at a time. It trains as many side by side as pay."""
        return job.stack or (GIVEN_TOGETHER if self.cluster or has_gpu() else 1)

    def _start(self):
        return self._join(self.cluster) if self.cluster else self._start_here()

    def _join(self, address: str):
        """A client of the user's scheduler, whose workers run this very code."""
        from distributed import Client

        try:
            client = self.closing.enter_context(Client(address, timeout=ANSWER_SECONDS))
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
            found = client.run(commit)
        except (OSError, ValueError, TimeoutError, ImportError) as error:
            raise UserError(
                f"no worker with this program answers at {address!r} ({error}); start `dask "
                "scheduler`, and `dask worker ADDRESS` in this folder on each machine"
            ) from None
        others = sorted({each for each in found.values() if each != commit()})
        if others:
            mine, theirs = commit()[:12], others[0][:12]
            raise UserError(f"all need the same code: this is {mine}, a worker has {theirs}")
        stop = self.closing.enter_context(ThreadPoolExecutor(1))
        over = threading.Event()
        self.closing.callback(over.set)
        stop.submit(self._tell, client, over)
        client.subscribe_topic(TOPIC, self._on_event)
        return client

    def _tell(self, client, over: threading.Event) -> None:
        from distributed import Event

        asked = Event(STOP, client)
        asked.clear()
        while not over.wait(LOOK_SECONDS):
            if self.stop_file is not None and self.stop_file.exists():
                asked.set()
                return

    def _start_here(self):
        import dask
        from distributed import Client, LocalCluster

        dask.config.set({"distributed.scheduler.allowed-failures": 1})
        scratch = self.closing.enter_context(tempfile.TemporaryDirectory(prefix="reproduce-"))
        cluster = LocalCluster(
            n_workers=self.count,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address="127.0.0.1:0",
            local_directory=scratch,
            silence_logs="CRITICAL",
            preload=["reproduce.campaign.workers"],
        )
        self.closing.enter_context(cluster)
        client = self.closing.enter_context(Client(cluster))
        client.subscribe_topic(TOPIC, self._on_event)
        return client

    def _on_event(self, event: tuple) -> None:
        # Our data is under one key; the cluster adds keys of its own.
        self.display.update(RunProgress(**event[1][TOPIC]))


def dask_setup(worker: object) -> None:
    """Runs once in each new worker: sets one thread and one GPU, and ignores Ctrl-C and SIGTERM,
    which reach the whole process group but are handled by the main process."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    use_threads(1)
    name = getattr(worker, "name", 0)
    use_gpu(name if isinstance(name, int) else 0)


def _execute_in_worker(jobs: list[Job]) -> list[Outcome]:
    from distributed import get_worker

    from reproduce.campaign.execute import execute_together

    def watch(seen: RunProgress) -> None:
        get_worker().log_event(TOPIC, {TOPIC: asdict(seen)})

    waiting = list(jobs)
    more = partial(in_turn(waiting), set(), set(), None)
    outcomes: list[Outcome] = []
    while (job := more()) is not None:
        outcomes += execute_together(job, watch, more)
    return outcomes


def _execute_afar(jobs: list[Job]) -> list[Outcome]:
    """The same where the caller's files are out of sight: a file here stands for its stop."""
    from distributed import Event, get_client

    asked, over = Event(STOP, get_client()), threading.Event()
    with tempfile.TemporaryDirectory(prefix="reproduce-stop-") as folder:
        stop_file = Path(folder) / "stop"

        def watch() -> None:
            while not over.wait(LOOK_SECONDS):
                if asked.is_set():
                    stop_file.touch()
                    return

        watching = threading.Thread(target=watch, daemon=True)
        watching.start()
        try:
            # The data is the worker's own, from its cache or the network.
            here = [replace(job, stop_file=stop_file, data_dir=None) for job in jobs]
            return _execute_in_worker(here)
        finally:
            over.set()
            watching.join()


def in_turn(jobs: list[Job]) -> Take:
    """Gives workers these jobs, in their order, and takes them off the list."""
    return lambda here, anywhere, beside: jobs.pop(0) if jobs else None
