"""A stack's runs whose checkpoints were written at their end, but whose rows were not recorded."""

from dataclasses import replace

from reproduce.campaign import Job
from reproduce.campaign.execute import execute_together
from reproduce.plan import Planned


def test_runs_that_ended_are_recorded_once_more_and_not_trained(run, tmp_path):
    unruly = replace(run, learning_rate=1e30, seed=2)
    jobs = [
        Job(
            Planned("arm", None, "", each),
            tmp_path / str(each.seed),
            None,
            None,
            tmp_path / "stop",
            {"command": "", "commit": ""},
            stack=2,
        )
        for each in (replace(run, test=True), unruly)
    ]

    def ended():
        waiting = [jobs[1]]
        outcomes = execute_together(
            jobs[0], lambda seen: None, lambda: waiting.pop() if waiting else None
        )
        return {each.job.planned.run.seed: (each.status, each.rows) for each in outcomes}

    first, second = ended(), ended()
    assert first == second
    assert [first[seed][0] for seed in (1, 2)] == ["done", "diverged"]
    (tmp_path / "stop").touch()
    assert {status for status, _ in ended().values()} == {"stopped"}
