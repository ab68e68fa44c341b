"""Which worker gets which run."""

from dataclasses import replace
from pathlib import Path

from reproduce.campaign import Display, Job, Workers
from reproduce.plan import Planned


def test_a_worker_gets_what_it_has_compiled_then_what_none_has_but_never_a_later_seed(run):
    def job(seed, **settings):
        planned = Planned("arm", None, "", replace(run, seed=seed, **settings))
        return Job(planned, Path(), None, None, Path(), {})

    plain, faster, dropped, bounded = {}, {"learning_rate": 1.0}, {"keep": 0.5}, {"max_norm": 1.0}
    waiting = [job(1, **s) for s in (plain, faster, dropped, bounded)] + [job(2, keep=0.5)]
    workers = Workers(2, Display())
    assert workers._index_of_next(waiting, "a") == 0
    workers.compiled = {"a": {waiting[0].planned.run.architecture}}
    assert workers._index_of_next(waiting[1:], "a") == 0  # a rate is a value, no other program
    assert workers._index_of_next(waiting[1:], "b") == 1
    workers.compiled["b"] = {waiting[2].planned.run.architecture}
    assert workers._index_of_next(waiting[1:], "b") == 1
    assert workers._index_of_next(waiting[3:], "b") == 0  # not seed 2's, though it is compiled
