"""Executes jobs: trains, measures, logs, and returns rows with their provenance.

Imported only where runs are executed, since it needs TensorFlow.
"""

import datetime
import functools
import math
import time
import traceback
from collections.abc import Callable, Iterator
from importlib.metadata import version

from reproduce import data
from reproduce.campaign.event_log import EventLog
from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import RunProgress
from reproduce.data import Dataset
from reproduce.machine import cores, import_tensorflow, use_tf32
from reproduce.plan import Planned
from reproduce.probes import run_probes
from reproduce.record import Row, pack_predictions
from reproduce.spec import GaussianSvm
from reproduce.training import (
    Engine,
    Measured,
    Training,
    advance_together,
    engine_for,
    most_side_by_side,
    train_svm,
)

PACKAGES = ("tensorflow", "keras", "numpy")
PROGRESS_SECONDS = 0.25
# Compiling a program for fewer runs takes about so long on a GPU.
REPACK_SECONDS = 20

# Gives another job of the same architecture, if there is one.
More = Callable[[], Job | None]

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
        else:
            use_tf32(first.tf32)
            yield from Stack(first, dataset, watch, more).outcomes()
            return
    except Exception as error:
        outcome = failure(first, error)
    yield outcome


def failure(job: Job, error: BaseException) -> Outcome:
    if job.stop_file.exists():  # the signal that requested the stop may have hit a worker too
        return Outcome(job, "stopped", [], {})
    text = f"{type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return Outcome(job, "failed", [], _provenance(job.planned, error=text, traceback=trace))


def _fitted(job: Job, dataset: Dataset) -> Outcome:
    run = job.planned.run
    history, seconds = train_svm(run, run.net, dataset)
    # scikit-learn's SVM does not use a GPU.
    found = {"data_digest": dataset.digest, "seconds": round(seconds, 2), "device": "CPU"}
    return Outcome(job, "done", _rows(job.planned, history), _provenance(job.planned, **found))


class Stack:
    """Runs in progress side by side: `outcomes` trains them all."""

    def __init__(
        self, first: Job, dataset: Dataset, watch: Callable[[RunProgress], None], more: More
    ):
        self.dataset, self.watch, self.more = dataset, watch, more
        most = first.stack or most_side_by_side(first.planned.run, dataset)
        self.waiting = [first]
        while len(self.waiting) < most and (job := more()) is not None:
            self.waiting.append(job)
        run = first.planned.run
        self.engine = engine_for(run, dataset, first.stack or len(self.waiting))
        self.going: dict[int, _Going] = {}
        # Of an update of all runs, without the first ones, which wait for the compiler.
        self.seconds = [math.inf]

    def outcomes(self) -> Iterator[Outcome]:
        try:
            while True:
                yield from self._fill()
                if not self.going:
                    return
                self._repack()
                together = [each.training for each in self.going.values()]
                try:
                    advance_together(together)
                    self.seconds.append(together[0].update_seconds)
                except Exception as error:  # of the one program of all
                    yield from [failure(each.job, error) for each in self.going.values()]
                    return
                yield from self._look()
        finally:
            for each in self.going.values():
                each.log.close()

    def _fill(self) -> Iterator[Outcome]:
        """Starts a job in each free slot."""
        for slot in range(self.engine.runs):
            while slot not in self.going:
                job = self.waiting.pop(0) if self.waiting else self.more()
                if job is None:
                    return
                try:
                    self.going[slot] = _Going(job, self.dataset, self.engine, slot)
                except Exception as error:
                    yield failure(job, error)

    def _look(self) -> Iterator[Outcome]:
        """Logs what is new of each run, and ends those that are over or have to stop."""
        for slot, each in list(self.going.items()):
            try:
                outcome = each.look(self.watch)
            except Exception as error:
                outcome = failure(each.job, error)
            if outcome is not None:
                del self.going[slot]
                each.log.close()
                yield outcome

    def _repack(self) -> None:
        """Goes on with fewer slots once half of them are idle, if that saves more time than
        compiling another program takes."""
        left = [each.training for each in self.going.values()]
        updates = max(each.run.updates - each.step for each in left)
        idle = 1 - len(left) / self.engine.runs
        if len(self.seconds) < 3 or idle < 0.5:
            return
        if updates * min(self.seconds) * idle < REPACK_SECONDS:
            return
        self.engine, self.seconds = engine_for(left[0].run, self.dataset, len(left)), [math.inf]
        for slot, training in enumerate(left):
            training.move(self.engine, slot)
        self.going = {each.training.slot: each for each in self.going.values()}


class _Going:
    """A job, with its training and its event log."""

    def __init__(self, job: Job, dataset: Dataset, engine: Engine, slot: int):
        self.job = job
        self.training = Training(job.planned.run, dataset, job.checkpoint, engine, slot)
        self.log = EventLog(
            job.log_dir, self.training, job.planned, job.origin["command"], engine.runs
        )
        self.began, self.first_step, self.watched = time.monotonic(), self.training.step, 0.0
        self.log.update()

    def look(self, watch: Callable[[RunProgress], None]) -> Outcome | None:
        """Logs what is new; the outcome, if the run has ended or has to stop."""
        job, training = self.job, self.training
        self.log.update()
        now = time.monotonic()
        if now - self.watched > PROGRESS_SECONDS:
            speed = (training.step - self.first_step) / (now - self.began)
            watch(_progress(job.planned, training, speed))
            self.watched = now
        if training.is_over:
            return self._finished()
        if job.must_stop():
            training.save()
            return Outcome(job, "stopped", [], {})
        return None

    def _finished(self) -> Outcome:
        training, planned = self.training, self.job.planned
        # Whatever a process does with the row, the run need not be trained again.
        if training.engine.runs > 1:
            training.save()
        history = training.history
        found: dict = {"data_digest": training.dataset.digest}
        if training.diverged:
            history.append(Measured("train", "diverged", training.step, 1.0))
        else:
            if training.run.probes:
                rows, found["pictures"] = run_probes(training, self.job.data_dir)
                history += rows
            if (wrong_by := training.wrong_by()) is not None:
                found["predictions"] = pack_predictions(wrong_by.tobytes())
        found["seconds"] = round(training.seconds, 2)
        found["stacked"] = training.engine.runs
        found["precision"] = "tf32" if self.job.tf32 else "float32"
        status = "diverged" if training.diverged else "done"
        return Outcome(self.job, status, _rows(planned, history), _provenance(planned, **found))


def _progress(planned: Planned, training: Training, speed: float) -> RunProgress:
    run = planned.run
    split = "validation" if "validation" in training.splits else "train"
    return RunProgress(
        key=run.key,
        label=planned.label,
        step=training.step,
        updates=run.updates,
        updates_per_second=speed,
        loss=training.loss,
        measure=run.measures[0],
        value=training.last(split, run.measures[0]),
    )


def _rows(planned: Planned, history: list[Measured]) -> list[Row]:
    run = planned.run
    return [
        Row(
            run.key,
            planned.arm,
            planned.x if m.x is None else m.x,
            run.seed,
            m.split,
            m.measure,
            m.step,
            m.value,
        )
        for m in history
    ]


def _provenance(planned: Planned, **found: object) -> dict:
    tf = import_tensorflow()
    gpus = [
        tf.config.experimental.get_device_details(gpu).get("device_name", gpu.name)
        for gpu in tf.config.list_physical_devices("GPU")
    ]
    return {
        "arm": planned.arm,
        "x": planned.x,
        "run": planned.run.settings(),
        "device": gpus[0] if gpus else "CPU",
        # 0 would mean "as many as there are cores".
        "threads": tf.config.threading.get_intra_op_parallelism_threads() or cores(),
        "packages": {name: version(name) for name in PACKAGES},
        "finished": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        **found,
    }
