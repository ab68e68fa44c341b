"""Runs that start from trained machines -> those machines: kept in files, or trained first."""

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from reproduce.campaign.job import Job
from reproduce.campaign.progress import RunProgress
from reproduce.data import Dataset
from reproduce.events import EventLog
from reproduce.plan import Planned
from reproduce.record import turn
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
FILE = "checkpoint.npz"


class Starts:
    """The machines that jobs start from. Each is a run of its own with its own folder beside those
    of the jobs, for its event log and its checkpoint, which is kept: a stop or a kill loses at most
    a minute, and what is lost or damaged is trained again, to the same weights."""

    def __init__(self, dataset: Dataset, watch: Callable[[RunProgress], None]):
        self.dataset, self.watch = dataset, watch
        self.trained: set[Path] = set()
        # What was spent here for a job, by the key of its run; before a stop, it is not counted.
        self.seconds: dict[str, float] = {}

    def train(self, jobs: Sequence[Job]) -> bool:
        """Trains what these jobs start from, the lowest machines first, side by side where that
        pays. False if it had to stop before the end."""
        chains = [(job, _chain(job.planned.run)) for job in jobs]
        for depth in range(max(len(chain) for _, chain in chains)):
            missing: dict[Path, tuple[Job, Run]] = {}
            for job, chain in chains:
                if depth < len(chain):
                    folder = _folder(job, chain[depth])
                    if folder not in self.trained:
                        missing.setdefault(folder, (job, chain[depth]))
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
            trained = Training(run, self.dataset, _folder(job, run) / FILE, start=start)
            if trained.diverged or not trained.is_over:
                how = "diverged" if trained.diverged else "is not trained"
                raise ValueError(f"machine {count} that the run starts from {how}")
            seen = [replace(each, x=float(count)) for each in trained.history]
            start = Start(machines_of(trained.network), (*start.history, *seen))
        return start

    def _train_together(self, pairs: list[tuple[Job, Run]]) -> bool:
        with ExitStack() as held:
            # In one order everywhere, so that no two workers wait for each other.
            for job, run in sorted(pairs, key=lambda pair: _folder(*pair)):
                if not held.enter_context(turn(_folder(job, run), job.must_stop)):
                    return False
            return self._train_held(pairs)

    def _train_held(self, pairs: list[tuple[Job, Run]]) -> bool:
        engine = engine_for(pairs[0][1], self.dataset, len(pairs))
        trainings: list[Training] = []
        with ExitStack() as logging:
            logs = []
            for slot, (job, run) in enumerate(pairs):
                folder, planned = _folder(job, run), _planned(run)
                below = self.of(replace(job, planned=planned))
                mine = self.dataset, folder / FILE, engine, slot, below
                trainings.append(Training(run, *mine))
                if not trainings[-1].is_over:
                    command = job.origin["command"]
                    log = EventLog(folder, trainings[-1], planned, command, engine.runs)
                    logging.callback(log.close)
                    logs.append(log)
            return self._advance(pairs, trainings, logs)

    def _advance(
        self, pairs: list[tuple[Job, Run]], trainings: list[Training], logs: list[EventLog]
    ) -> bool:
        before = [each.seconds for each in trainings]
        began, watched, steps = time.monotonic(), 0.0, trainings[0].step
        while any(not each.is_over for each in trainings):
            if any(job.must_stop() for job, _ in pairs):
                for each in trainings:
                    each.save()
                return False
            advance_together(trainings)
            for log in logs:
                log.update()
            now = time.monotonic()
            if now - watched > LOOK_SECONDS:
                speed = (trainings[0].step - steps) / (now - began)
                self.watch(_progress(pairs[0][0], trainings[0], speed))
                watched = now
        for (job, run), training, spent in zip(pairs, trainings, before, strict=True):
            if training.seconds > spent:
                training.save()
            self.trained.add(_folder(job, run))
            key = job.planned.run.key
            self.seconds[key] = self.seconds.get(key, 0.0) + training.seconds - spent
        return True


def _chain(run: Run) -> list[Run]:
    """All that a run starts from, the machine of the pixels first."""
    return [*_chain(run.start), run.start] if run.start else []


def _planned(run: Run) -> Planned:
    """Under one name, whichever job it is trained for."""
    return Planned(f"Machine {len(run.chain) + 1}", None, "", run)


def _folder(job: Job, run: Run) -> Path:
    return job.log_dir.parent / _planned(run).folder


def _by_program(pairs: Iterable[tuple[Job, Run]]) -> Iterable[list[tuple[Job, Run]]]:
    found: dict[tuple, list[tuple[Job, Run]]] = {}
    for job, run in pairs:
        found.setdefault((run.architecture, run.updates), []).append((job, run))
    return found.values()


def _progress(job: Job, training: Training, speed: float) -> RunProgress:
    run = training.run
    return RunProgress(
        key=job.planned.run.key,
        label=f"{_planned(run).label}, for {job.planned.arm}",
        step=training.step,
        updates=run.updates,
        updates_per_second=speed,
        loss=training.loss,
        measure=run.measures[0],
        value=training.last("train", run.measures[0]),
    )
