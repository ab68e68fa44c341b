"""A stack's runs whose checkpoints were written at their end, but whose rows were not recorded."""

from dataclasses import replace

from reproduce.campaign import Job
from reproduce.campaign.execute import execute_together
from reproduce.events import EventLog
from reproduce.plan import Planned


def outcomes_of(jobs):
    """The outcome of each, trained side by side, by its seed."""
    waiting = list(jobs)
    outcomes = execute_together(
        waiting.pop(0), lambda seen: None, lambda: waiting.pop() if waiting else None
    )
    return {each.job.planned.run.seed: each for each in outcomes}


def jobs_of(runs, tmp_path):
    return [
        Job(
            Planned("arm", None, "", each),
            tmp_path / str(each.seed),
            None,
            None,
            tmp_path / "stop",
            {"command": "", "commit": ""},
            stack=2,
        )
        for each in runs
    ]


def test_a_log_that_cannot_be_closed_costs_no_run_its_rows(run, tmp_path, monkeypatch):
    jobs = jobs_of((run, replace(run, seed=2)), tmp_path)
    close = EventLog.close

    def full(log):
        if log.training.run.seed == 1:
            raise OSError("File too large")
        close(log)

    monkeypatch.setattr(EventLog, "close", full)
    first, second = outcomes_of(jobs).values()
    assert first.status == second.status == "done" and first.rows and second.rows
    assert "the end of its event log is missing: File too large" in first.describe()
    assert second.note == ""


def test_runs_that_ended_are_recorded_once_more_and_not_trained(run, tmp_path):
    jobs = jobs_of((replace(run, test=True), replace(run, learning_rate=1e30, seed=2)), tmp_path)

    def ended():
        found = outcomes_of(jobs)
        return {seed: (each.status, each.rows) for seed, each in found.items()}

    first, second = ended(), ended()
    assert first == second
    assert [first[seed][0] for seed in (1, 2)] == ["done", "diverged"]
    (tmp_path / "stop").touch()
    assert {status for status, _ in ended().values()} == {"stopped"}
