"""Jobs -> outcomes: in this process, or in parallel in the workers of a Dask cluster."""

import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import Display, RunProgress
from reproduce.campaign.worker import (
    LOOK_SECONDS,
    STOP,
    TOPIC,
    Take,
    execute_afar,
    execute_in_worker,
    forget,
)
from reproduce.errors import UserError
from reproduce.machine import has_gpu
from reproduce.record import commit

# How long a scheduler and its first worker may take to answer.
ANSWER_SECONDS = 10
# With a GPU, so many jobs at most go to a worker at a time.
GIVEN_TOGETHER = 16


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
        self.display.busy("importing TensorFlow")
        from reproduce.campaign.execute import execute_together, failure

        if self.count == 1 and not self.cluster:
            here: set[tuple] = self.compiled.setdefault("", set())
            while (job := take(here, set(), None)) is not None:
                self._tell_if_new(job, here)
                more = partial(take, here, set(), job.planned.run)
                yield from execute_together(job, self.display.update, more)
            return
        from distributed import as_completed, fire_and_forget

        client = self.client = self.client or self._start()
        ended, running = as_completed(), {}

        def start(worker: str) -> bool:
            here = self.compiled.setdefault(worker, set())
            job = take(here, set().union(*self.compiled.values()), None)
            if job is None:
                return False
            self._tell_if_new(job, here)
            jobs = [job]
            while len(jobs) < self._most_together(job):
                if (beside := take(here, set(), job.planned.run)) is None:
                    break
                jobs.append(beside)
            # On that worker, or on another one if it has died.
            place = {"workers": [worker], "allow_other_workers": True}
            work = execute_afar if self.cluster else execute_in_worker
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
            outcomes = [failure(job, error) for job in jobs] if error else future.result()
            yield from outcomes
            if self.cluster and not error:  # recorded by now
                over = [each.job.checkpoint for each in outcomes if each.is_finished]
                fire_and_forget(client.submit(forget, over, workers=[worker], pure=False))
            free = [each for each in (*free, worker) if not start(each)]

    def _tell_if_new(self, job: Job, compiled: set[tuple]) -> None:
        """Notes that a worker compiles the job's program, unless it has done so before."""
        if job.planned.run.architecture not in compiled:
            compiled.add(job.planned.run.architecture)
            self.display.busy("compiling")

    def _most_together(self, job: Job) -> int:
        """How many jobs a worker is given at a time. It trains as many side by side as pay."""
        return job.stack or (GIVEN_TOGETHER if self.cluster or has_gpu() else 1)

    def _start(self):
        if self.cluster:
            self.display.busy(f"joining the workers at {self.cluster}")
            return self._join(self.cluster)
        self.display.busy(f"starting {self.count} workers, each of which imports TensorFlow")
        return self._start_here()

    def _join(self, address: str):
        """A client of the user's scheduler, whose workers run this very code."""
        from distributed import Client

        try:
            client = self.closing.enter_context(Client(address, timeout=ANSWER_SECONDS))
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
            found = client.run(commit) | {address: client.run_on_scheduler(commit)}
        except Exception as error:  # whatever Dask, or a scheduler without this program, raises
            raise UserError(
                f"no scheduler and worker with this program answer at {address!r} ({error}); "
                "docs/machines.md says how to start them"
            ) from None
        others = sorted({each for each in found.values() if each != commit()})
        if others:
            mine, theirs = commit()[:12], others[0][:12]
            raise UserError(f"all need the same code: this is {mine}, the cluster has {theirs}")
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
            preload=["reproduce.campaign.worker"],
        )
        self.closing.enter_context(cluster)
        client = self.closing.enter_context(Client(cluster))
        client.subscribe_topic(TOPIC, self._on_event)
        return client

    def _on_event(self, event: tuple) -> None:
        # Our data is under one key; the cluster adds keys of its own.
        self.display.update(RunProgress(**event[1][TOPIC]))
