"""Jobs are given to workers that may die at any time; a client that can be told what happens."""

import itertools
from types import SimpleNamespace

import pytest
from distributed import KilledWorker

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.workers import crew
from reproduce.campaign.workers.crew import Crew, NoWorkers


class Planned(str):
    """A name that has a run, as far as `Crew` looks at it."""

    run = None


class Future:
    def __init__(self, given, worker):
        self.given, self.worker, self.status, self.error = given, worker, "pending", None

    def done(self):
        return self.status != "pending"

    def exception(self):
        return self.error

    def result(self):
        return [Outcome(job, "done", [], {}) for job in self.given]

    def cancel(self):
        self.status = "cancelled"


class Client:
    """Each look, `script` changes which workers live and what ends."""

    id = "this one"

    def __init__(self, script, workers):
        self.script, self.workers, self.looks, self.futures = script, set(workers), 0, []

    @property
    def scheduler(self):
        return self

    def sync(self, function, **more):
        return function(**more)

    def identity(self, n_workers):
        self.looks += 1
        assert self.looks < 100_000, "it waits without end"
        self.script(self)
        return {"workers": dict.fromkeys(self.workers)}

    def submit(self, work, jobs, campaign, pure, workers):
        assert campaign == self.id  # whose stop and progress are none of other clients'
        self.futures.append(Future(jobs, workers[0]))
        return self.futures[-1]

    @property
    def running(self):
        return [future for future in self.futures if not future.done()]


def end(future, error=None):
    future.status, future.error = ("error" if error else "finished"), error


def end_all(client):
    for future in client.running:
        if future.worker in client.workers:
            end(future)


@pytest.fixture
def jobs(monkeypatch, tmp_path):
    monkeypatch.setattr(crew, "LOOK_SECONDS", 0)
    monkeypatch.setattr(crew, "WITHOUT_WORKERS_SECONDS", 0.02)
    monkeypatch.setattr(crew, "wait", lambda *_: None)
    monkeypatch.setattr(crew, "failure", lambda job, error: Outcome(job, "failed", [], error))
    return [Job(Planned(name), tmp_path, None, None, tmp_path / "stop", {}) for name in "abcd"]


def outcomes(jobs, client, together=1, must_stop=lambda: False):
    left = list(jobs)
    found = Crew(client, lambda *_: left.pop(0) if left else None, {}, afar=False).outcomes(
        lambda job: together, lambda job, compiled: None, must_stop
    )
    return sorted((each.job.planned, each.status) for each in found)


@pytest.mark.parametrize("together", [1, 3])
def test_every_job_ends_once(jobs, together):
    found = outcomes(jobs, Client(end_all, "12"), together)
    assert found == [(name, "done") for name in "abcd"]


def all_at_once(client):
    """Both workers die, and come back under other names."""
    if client.looks == 3:
        client.workers = set()
    elif client.looks == 6:
        client.workers = {"3", "4"}
    elif client.looks > 8:
        end_all(client)


def one_by_one(client):
    if client.looks == 3:
        client.workers = {"2"}
    elif client.looks == 5:
        client.workers = {"2", "3"}
        end_all(client)
    elif client.looks == 6:
        client.workers = {"3"}
    elif client.looks > 8:
        end_all(client)


def seen_by_dask(client):
    if client.looks == 3:
        first, second = client.running
        end(first, KilledWorker("task", None, 0))
        second.status = "cancelled"
    elif client.looks > 5:
        end_all(client)


@pytest.mark.parametrize("script", [all_at_once, one_by_one, seen_by_dask])
def test_the_jobs_of_dead_workers_are_done_by_others(jobs, script):
    assert outcomes(jobs, Client(script, "12")) == [(name, "done") for name in "abcd"]


def test_a_job_of_which_two_workers_died_has_failed_and_the_others_go_on(jobs):
    def script(client):
        for future in client.running:
            killer = any(job.planned == "b" for job in future.given)
            end(future, KilledWorker("task", None, 0) if killer else None)

    found = dict(outcomes(jobs, Client(script, "12")))
    assert found == {"a": "done", "b": "failed", "c": "done", "d": "done"}


def test_an_error_in_a_worker_is_that_jobs_alone(jobs):
    def script(client):
        for future in client.running:
            end(future, ValueError("no") if future.given[0].planned == "a" else None)

    found = dict(outcomes(jobs, Client(script, "1")))
    assert found == {"a": "failed", "b": "done", "c": "done", "d": "done"}


def test_without_workers_it_ends_and_goes_on_with_others(jobs):
    def script(client):
        if client.looks == 3:
            client.workers = set()

    left = list(jobs)
    made = Crew(Client(script, "12"), lambda *_: left.pop(0) if left else None, {}, afar=False)
    more = (lambda job: 1, lambda job, compiled: None, lambda: False)
    with pytest.raises(NoWorkers):
        list(made.outcomes(*more))
    made.client = Client(end_all, "34")
    found = sorted((each.job.planned, each.status) for each in made.outcomes(*more))
    assert found == [(name, "done") for name in "abcd"]


def test_workers_that_start_slowly_get_twice_as_long_each_time(jobs, monkeypatch):
    """On a busy machine an import takes minutes; giving up at each minute would never start."""
    seconds = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(seconds), sleep=lambda _: None)
    monkeypatch.setattr(crew, "time", clock)
    monkeypatch.setattr(crew, "WITHOUT_WORKERS_SECONDS", 60)
    made = Crew(Client(lambda client: None, ""), lambda *_: None, {}, afar=False)
    waited = []
    for _ in range(3):
        begun = next(seconds)
        with pytest.raises(NoWorkers):
            list(made.outcomes(lambda job: 1, lambda job, compiled: None, lambda: False))
        waited.append(next(seconds) - begun)
    assert waited == pytest.approx([60, 120, 240], abs=5)


def test_a_stop_is_heard_although_a_worker_is_stuck(jobs, monkeypatch):
    monkeypatch.setattr(crew, "STOP_SECONDS", 0.02)
    client = Client(lambda client: None, "12")
    found = outcomes(jobs, client, must_stop=lambda: client.looks > 5)
    assert found == [("a", "stopped"), ("b", "stopped")]


def test_a_stop_is_heard_while_no_worker_lives(jobs, monkeypatch):
    monkeypatch.setattr(crew, "WITHOUT_WORKERS_SECONDS", 1000)

    def script(client):
        if client.looks == 3:
            client.workers = set()

    client = Client(script, "12")
    found = outcomes(jobs, client, must_stop=lambda: client.looks > 5)
    assert found == [("a", "stopped"), ("b", "stopped")]
