"""Runs that start from trained RBMs -> those RBMs: kept in files, or trained first."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from reproduce.campaign.job import Job
from reproduce.campaign.progress import RunProgress
from reproduce.data import Dataset
from reproduce.spec import Run
from reproduce.training import (
    NOTHING,
    Start,
    Training,
    advance_together,
    engine_for,
    machines_of,
    most_side_by_side,
)

LOOK_SECONDS = 0.25


class Starts:
    """The RBMs that jobs start from. Each is a run of its own, trained once and kept as the file of
    its checkpoint beside the runs' logs: a stop or a kill loses at most a minute, and what is lost
    or damaged is trained again, to the same weights."""

    def __init__(self, dataset: Dataset, watch: Callable[[RunProgress], None]):
        self.dataset, self.watch = dataset, watch
        self.trained: set[str] = set()
        # What was spent for a job, by the key of its run.
        self.seconds: dict[str, float] = {}

    def train(self, jobs: Sequence[Job]) -> bool:
        """Trains what these jobs start from, the lowest machines first, side by side where that
        pays. False if it had to stop before the end."""
        chains = [(job, _chain(job.planned.run)) for job in jobs]
        for depth in range(max(len(chain) for _, chain in chains)):
            missing: dict[str, tuple[Job, Run]] = {}
            for job, chain in chains:
                if depth < len(chain) and chain[depth].key not in self.trained:
                    missing.setdefault(chain[depth].key, (job, chain[depth]))
            for alike in _by_program(missing.values()):
                most = most_side_by_side(alike[0][1], self.dataset, alike[0][0].stack)
                for first in range(0, len(alike), most):
                    if not self._train_together(alike[first : first + most]):
                        return False
        return True

    def of(self, job: Job) -> Start:
        """What a job's run starts from, once it is trained."""
        start = NOTHING
        for count, run in enumerate(_chain(job.planned.run), 1):
            trained = Training(run, self.dataset, _file(job, run), start=start)
            if trained.diverged or not trained.is_over:
                how = "diverged" if trained.diverged else "is not trained"
                raise ValueError(f"machine {count} that the run starts from {how}")
            seen = [replace(each, x=float(count)) for each in trained.history]
            start = Start(machines_of(trained.network), (*start.history, *seen))
        return start

    def _train_together(self, pairs: list[tuple[Job, Run]]) -> bool:
        engine = engine_for(pairs[0][1], self.dataset, len(pairs))
        trainings = []
        for slot, (job, run) in enumerate(pairs):
            below = self.of(replace(job, planned=replace(job.planned, run=run)))
            mine = self.dataset, _file(job, run), engine, slot, below
            trainings.append(Training(run, *mine))
        before = [each.seconds for each in trainings]
        began, watched, steps = time.monotonic(), 0.0, trainings[0].step
        while any(not each.is_over for each in trainings):
            if any(job.must_stop() for job, _ in pairs):
                for each in trainings:
                    each.save()
                return False
            advance_together(trainings)
            now = time.monotonic()
            if now - watched > LOOK_SECONDS:
                speed = (trainings[0].step - steps) / (now - began)
                self.watch(_progress(pairs[0][0], trainings[0], speed))
                watched = now
        for (job, run), training, spent in zip(pairs, trainings, before, strict=True):
            training.save()
            self.trained.add(run.key)
            key = job.planned.run.key
            self.seconds[key] = self.seconds.get(key, 0.0) + training.seconds - spent
        return True


def _chain(run: Run) -> list[Run]:
    """All that a run starts from, the machine of the pixels first."""
    return [*_chain(run.start), run.start] if run.start else []


def _file(job: Job, run: Run) -> Path:
    return job.log_dir.parent / "starts" / f"{run.key}.npz"


def _by_program(pairs: Iterable[tuple[Job, Run]]) -> Iterable[list[tuple[Job, Run]]]:
    found: dict[tuple, list[tuple[Job, Run]]] = {}
    for job, run in pairs:
        found.setdefault((run.architecture, run.updates), []).append((job, run))
    return found.values()


def _progress(job: Job, training: Training, speed: float) -> RunProgress:
    run, planned = training.run, job.planned
    count, of_all = len(run.chain) + 1, len(planned.run.chain)
    return RunProgress(
        key=planned.run.key,
        label=f"{planned.label}, first machine {count} of {of_all}",
        step=training.step,
        updates=run.updates,
        updates_per_second=speed,
        loss=training.loss,
        measure=run.measures[0],
        value=training.last("train", run.measures[0]),
    )
