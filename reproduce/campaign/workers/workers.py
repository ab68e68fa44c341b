"""The workers of a campaign: this process, or those of a cluster, started and stopped."""

import logging
import multiprocessing
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import Display, RunProgress
from reproduce.campaign.workers.worker import LOOK_SECONDS, PROGRESS, Take, stop_of
from reproduce.errors import UserError
from reproduce.machine import has_gpu, temporary_folder
from reproduce.record import commit
from reproduce.signals import without_signals

if TYPE_CHECKING:  # takes a second
    from distributed import Client

# How long a scheduler and its first worker may take to answer.
ANSWER_SECONDS = 10
# Where all workers end, others are started; so many times in all.
MOST_STARTS = 3
# Dask reports at the highest level too what closes too late, with a traceback.
SILENT = logging.CRITICAL + 1
# With a GPU, so many jobs at most go to a worker at a time.
GIVEN_TOGETHER = 16


class Workers:
    """Use as a context manager. With one worker the jobs run here, on all cores; with more, each
    runs in its own process on one thread, which is faster for small networks. `cluster` is the
    address of a scheduler whose workers are used instead; they see no file of this machine, so they
    are told when to stop."""

    def __init__(self, count: int, display: Display, cluster: str | None = None):
        self.count, self.display, self.cluster = count, display, cluster
        # When to stop, for whoever waits for a worker; jobs have both too.
        self.stop_file: Path | None = None
        self.deadline: float | None = None
        self.closing = ExitStack()
        self.client: Client | None = None
        # Who watches the workers of this machine.
        self.nannies: Callable[[], Iterable] = tuple
        # Worker -> the programs that it has compiled. Compiling one takes seconds.
        self.compiled: dict[str, set[tuple]] = {}

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        # Dask would wait for a worker that is stuck, and start one that was killed again.
        for nanny in self.nannies():
            nanny.auto_restart = False
        for process in multiprocessing.active_children():
            process.kill()
        # All rows are recorded by now; a worker too slow to end ends with this process.
        with suppress(TimeoutError):
            self.closing.close()

    def run(self, take: Take) -> Iterator[Outcome]:
        """Yields outcomes as jobs end, in any order. Each worker that is free is given what `take`
        returns; a call after an outcome was handled may return other jobs than one before it. Ends
        when none is running and `take` has none."""
        if self.count == 1 and not self.cluster:
            self.display.busy("importing TensorFlow")
            from reproduce.campaign.execute import execute_together

            here: set[tuple] = self.compiled.setdefault("", set())
            while (job := take(here, set(), None)) is not None:
                self._tell_if_new(job, here)
                more = partial(take, here, set(), job.planned.run)
                yield from execute_together(job, self.display.update, more)
            return
        from reproduce.campaign.workers.crew import Crew, NoWorkers

        self.client = self.client or self._start()
        crew = Crew(self.client, take, self.compiled, bool(self.cluster))
        starts = 1
        while True:
            try:
                yield from crew.outcomes(self._most_together, self._tell_if_new, self._must_stop)
                return
            except NoWorkers:
                if self.cluster or starts == MOST_STARTS:
                    raise UserError(
                        "all workers have ended, and none comes back; memory may be short, or the "
                        "machine too busy to start them in time: run the same command with fewer "
                        "--workers. All finished runs are recorded"
                    ) from None
            starts += 1
            self.display.print("all workers have ended; starting others")
            crew.client = self.client = self._start()

    def _must_stop(self) -> bool:
        late = self.deadline is not None and time.monotonic() > self.deadline
        return late or (self.stop_file is not None and self.stop_file.exists())

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
        client.subscribe_topic(client.id, self._on_event)
        return client

    def _tell(self, client, over: threading.Event) -> None:
        from distributed import Event

        asked = Event(stop_of(client.id), client)
        while not over.wait(LOOK_SECONDS):
            if self._must_stop():
                asked.set()
                return

    def _start_here(self):
        import dask
        from distributed import Client, LocalCluster, Security

        # For good: Dask would speak up again as it closes, with tracebacks of what closes too late.
        for name in ("distributed", "distributed.client"):  # which has a level of its own
            logging.getLogger(name).setLevel(SILENT)
        # The crew sees that a worker died, and gives its jobs to another one.
        dask.config.set({"distributed.scheduler.allowed-failures": 0})
        # No status pages.
        dask.config.set({f"distributed.{each}.http.routes": [] for each in ("scheduler", "worker")})
        # It would give freed memory back at each update, to be mapped and cleared again for the
        # next (4 to 8 MB of a net upon a DBM), and look at the stack a hundred times a second.
        dask.config.set({"distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": None})
        dask.config.set({"distributed.worker.profile.enabled": False})
        scratch = self.closing.enter_context(temporary_folder())
        with without_signals():
            cluster = LocalCluster(
                n_workers=0,
                threads_per_worker=1,
                memory_limit=None,
                dashboard_address="127.0.0.1:0",
                worker_dashboard_address="127.0.0.1:0",
                local_directory=scratch,
                silence_logs=SILENT,
                preload=["reproduce.campaign.workers.worker"],
                # Whoever can talk to a scheduler or a worker can run code as this user. All
                # connections are encrypted, with a key that only this cluster has.
                security=Security.temporary(),
            )
            self.closing.enter_context(cluster)
            client = self.closing.enter_context(Client(cluster))
            # In the background, so that a stop is seen meanwhile.
            cluster.scale(self.count)
        self.nannies = lambda: cluster.workers.values()
        client.subscribe_topic(client.id, self._on_event)
        return client

    def _on_event(self, event: tuple) -> None:
        # Our data is under one key; the cluster adds keys of its own.
        self.display.update(RunProgress(**event[1][PROGRESS]))
