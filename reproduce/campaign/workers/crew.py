"""Jobs given to the workers of a Dask cluster, each of which may die at any time."""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from distributed import Client, Future, KilledWorker, fire_and_forget, wait

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.provenance import failure
from reproduce.campaign.workers.worker import (
    LOOK_SECONDS,
    Take,
    execute_afar,
    execute_in_worker,
    forget,
)
from reproduce.errors import UserError

# A worker that died is replaced within seconds; if none is left for so long, none will be. The crew
# has twice as long with every client that it is given: on a busy machine, workers start slowly.
WITHOUT_WORKERS_SECONDS = 60
# A worker that is asked to stop saves its runs within seconds; one that is stuck never does.
STOP_SECONDS = 60
# A run whose worker dies is trained again, from its checkpoint; so often at most.
MOST_DEATHS = 1


class NoWorkers(Exception):
    """All workers have ended, and none has come back. What they had waits for others."""


class WorkerDied(Exception):
    """Recorded as the reason why a run failed."""


@dataclass
class Given:
    """Jobs that one worker has, or that wait for another one since theirs died."""

    jobs: list[Job]
    worker: str = ""
    deaths: int = 0


class Crew:
    """The workers that a client sees, each with as many jobs as it is given at a time."""

    def __init__(self, client: Client, take: Take, compiled: dict[str, set[tuple]], afar: bool):
        """`compiled`: the programs of each worker; `afar`: workers do not see this machine's
        files."""
        self.client, self.take, self.compiled, self.afar = client, take, compiled, afar
        self.running: dict[Future, Given] = {}
        self.waiting: list[Given] = []
        self.without_workers = WITHOUT_WORKERS_SECONDS / 2

    def outcomes(
        self,
        together: Callable[[Job], int],
        told: Callable[[Job, set[tuple]], None],
        must_stop: Callable[[], bool],
    ) -> Iterator[Outcome]:
        """Yields outcomes as jobs end, in any order. Never waits without a look at whether workers
        have died and whether it must stop. `together`: how many jobs to give with one; `told` notes
        that a worker compiles a job's program."""
        self.together, self.told = together, told
        self.without_workers *= 2
        seen, asked = time.monotonic(), 0.0
        idle: set[str] = set()  # had nothing to do, as things stand
        while True:
            live = self._live()
            yield from self._without_worker(live)
            busy = {given.worker for given in self.running.values()}
            idle |= {each for each in sorted(live - busy - idle) if not self._start(each)}
            if live:
                seen = time.monotonic()
            if must_stop():
                asked = asked or time.monotonic()
            if asked and time.monotonic() - asked > STOP_SECONDS:
                break  # a worker does not answer
            if not self.running and (must_stop() or (live and live <= idle)):
                break
            if time.monotonic() - seen > self.without_workers:
                raise NoWorkers
            with suppress(TimeoutError):
                if self.running:
                    wait(list(self.running), LOOK_SECONDS, "FIRST_COMPLETED")
                else:
                    time.sleep(LOOK_SECONDS)
            for future in [each for each in self.running if each.done()]:
                idle.clear()  # an outcome may bring new jobs
                yield from self._ended(future)
        for given in (*self.waiting, *self.running.values()):
            yield from (Outcome(job, "stopped", [], {}) for job in given.jobs)

    def _live(self) -> set[str]:
        try:
            # Not `scheduler_info`, which now and then returns what the client's own heartbeat asked
            # for at the same moment: no workers at all.
            scheduler = self.client.scheduler
            assert scheduler is not None  # of a client that has started
            asked = self.client.sync(scheduler.identity, n_workers=-1)
            return set(asked["workers"])
        except Exception as error:  # whatever Dask raises without a scheduler
            raise UserError(
                f"the scheduler no longer answers ({type(error).__name__}); all finished runs are "
                "recorded"
            ) from None

    def _start(self, worker: str) -> bool:
        """Gives a free worker something to do, if there is anything."""
        given = self.waiting.pop(0) if self.waiting else self._taken(worker)
        if given is None:
            return False
        given.worker = worker
        work = execute_afar if self.afar else execute_in_worker
        there = {"pure": False, "workers": [worker]}
        future = self.client.submit(work, given.jobs, self.client.id, **there)
        self.running[future] = given
        return True

    def _taken(self, worker: str) -> Given | None:
        here = self.compiled.setdefault(worker, set())
        job = self.take(here, set().union(*self.compiled.values()), None)
        if job is None:
            return None
        self.told(job, here)
        jobs = [job]
        while len(jobs) < self.together(job):
            if (beside := self.take(here, set(), job.planned.run)) is None:
                break
            jobs.append(beside)
        return Given(jobs)

    def _without_worker(self, live: set[str]) -> Iterator[Outcome]:
        """Takes back what dead workers had: Dask would wait for them without end."""
        for future, given in list(self.running.items()):
            if given.worker not in live and not future.done():
                del self.running[future]
                future.cancel()
                yield from self._again(given)

    def _ended(self, future) -> Iterator[Outcome]:
        given = self.running.pop(future)
        error = future.exception() if future.status == "error" else None
        if future.status in ("cancelled", "lost") or isinstance(error, KilledWorker):
            yield from self._again(given)
        elif error is not None:
            yield from (failure(job, error) for job in given.jobs)
        else:
            outcomes = future.result()
            yield from outcomes
            if self.afar:  # recorded by now
                over = [each.job.checkpoint for each in outcomes if each.is_finished]
                there = {"workers": [given.worker], "pure": False}
                fire_and_forget(self.client.submit(forget, over, **there))

    def _again(self, given: Given) -> Iterator[Outcome]:
        """Jobs whose worker died wait for another one, unless too many died of them."""
        given.deaths += 1
        if given.deaths <= MOST_DEATHS:
            self.waiting.append(given)
            return
        error = WorkerDied(f"its worker process died {given.deaths} times; memory may be short")
        yield from (failure(job, error) for job in given.jobs)
