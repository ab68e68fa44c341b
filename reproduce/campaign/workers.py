"""Jobs -> outcomes: in this process, or in parallel in the workers of a local cluster."""

import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from functools import partial

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import Display, RunProgress
from reproduce.machine import has_gpu, use_gpu, use_threads
from reproduce.spec import Run

TOPIC = "progress"
# With a GPU, so many jobs at most go to a worker at a time.
GIVEN_TOGETHER = 16
# The programs compiled on the free worker, those compiled on any, and a run or None -> the worker's
# next job; after a run, one that can be trained beside it.
Take = Callable[[set[tuple], set[tuple], Run | None], Job | None]


class Workers:
    """Use as a context manager. With one worker the jobs run here, on all cores; with more, each
    runs in its own process on one thread, which is faster for small networks."""

    def __init__(self, count: int, display: Display):
        self.count, self.display = count, display
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
        # Imported here because it needs TensorFlow.
        from reproduce.campaign.execute import execute_together, failure

        if self.count == 1:
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
            while len(jobs) < _most_together(job):
                if (beside := take(here, set(), job.planned.run)) is None:
                    break
                jobs.append(beside)
            # On that worker, or on another one if it has died.
            place = {"workers": [worker], "allow_other_workers": True}
            future = client.submit(_execute_in_worker, jobs, pure=False, **place)
            running[future] = jobs, worker
            ended.add(future)
            return True

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

    def _start(self):
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


def _most_together(job: Job) -> int:
    """How many jobs a worker is given at a time. It trains them side by side, as many as pay."""
    return job.stack or (GIVEN_TOGETHER if has_gpu() else 1)


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


def in_turn(jobs: list[Job]) -> Take:
    """Gives workers these jobs, in their order, and takes them off the list."""
    return lambda here, anywhere, beside: jobs.pop(0) if jobs else None
