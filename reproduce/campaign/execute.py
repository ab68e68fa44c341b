"""Executes jobs: trains, measures, logs, and returns rows with their provenance.

Imported only where runs are executed, since it needs TensorFlow.
"""

import functools
from collections.abc import Callable, Iterator

from reproduce import data
from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import RunProgress
from reproduce.campaign.provenance import failure, provenance, rows_of
from reproduce.campaign.stack import More, Stack
from reproduce.data import Dataset
from reproduce.machine import use_tf32
from reproduce.spec import GaussianSvm
from reproduce.training import train_svm

__all__ = ["execute", "execute_together", "failure"]

load = functools.lru_cache(maxsize=2)(data.load)


def execute(job: Job, watch: Callable[[RunProgress], None]) -> Outcome:
    """Trains one run, or resumes it from its checkpoint, calling `watch` a few times a second."""
    return next(execute_together(job, watch))


def execute_together(
    first: Job, watch: Callable[[RunProgress], None], more: More = lambda: None
) -> Iterator[Outcome]:
    """Trains `first` and, side by side in one program, as many of the jobs that `more` gives as pay
    on this machine; yields each outcome as its run ends, and goes on with another job. All have one
    architecture."""
    if first.must_stop():
        yield Outcome(first, "stopped", [], {})
        return
    try:
        dataset = load(first.planned.run.data, first.data_dir)
        if isinstance(first.planned.run.net, GaussianSvm):
            outcome = _fitted(first, dataset)
            stack = None
        else:
            use_tf32(first.tf32)
            stack = Stack(first, dataset, watch, more)
    except Exception as error:
        outcome, stack = failure(first, error), None
    if stack is None:
        yield outcome
    else:
        yield from stack.outcomes()


def _fitted(job: Job, dataset: Dataset) -> Outcome:
    run = job.planned.run
    history, seconds = train_svm(run, dataset)
    # scikit-learn's SVM does not use a GPU.
    found = {"data_digest": dataset.digest, "seconds": round(seconds, 2), "device": "CPU"}
    return Outcome(job, "done", rows_of(job.planned, history), provenance(job.planned, **found))
