"""Which worker gets which run."""

from dataclasses import replace
from pathlib import Path

from reproduce.crew import Crew
from reproduce.display import Display
from reproduce.plan import Planned
from reproduce.worker import Job


def test_a_worker_gets_what_it_has_compiled_then_what_none_has_but_never_a_later_seed(run):
    def job(seed, **settings):
        planned = Planned("arm", None, "", replace(run, seed=seed, **settings))
        return Job(planned, Path(), None, None, Path(), "")

    plain, faster, dropped, bounded = {}, {"learning_rate": 1.0}, {"keep": 0.5}, {"max_norm": 1.0}
    waiting = [job(1, **s) for s in (plain, faster, dropped, bounded)] + [job(2, keep=0.5)]
    crew = Crew(2, Display())
    assert crew._place_of_next(waiting, "a") == 0
    crew.compiled = {"a": {waiting[0].planned.run.architecture}}
    assert crew._place_of_next(waiting[1:], "a") == 0  # a rate is a value, no other program
    assert crew._place_of_next(waiting[1:], "b") == 1
    crew.compiled["b"] = {waiting[2].planned.run.architecture}
    assert crew._place_of_next(waiting[1:], "b") == 1
    assert crew._place_of_next(waiting[3:], "b") == 0  # not seed 2's, though it is compiled
