"""Runs in progress side by side, each with its training and its event log."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import RunProgress
from reproduce.campaign.provenance import failure, provenance, rows_of
from reproduce.campaign.start import Starts
from reproduce.data import Dataset
from reproduce.events import EventLog
from reproduce.machine import precision
from reproduce.plan import Planned
from reproduce.probes import run_probes
from reproduce.record import pack_predictions
from reproduce.training import (
    Engine,
    Measured,
    Training,
    advance_together,
    engine_for,
    most_side_by_side,
)

PROGRESS_SECONDS = 0.25
# Compiling a program for fewer runs, and loading it, takes less than so long on a GPU.
REPACK_SECONDS = 20

# Gives another job of the same architecture, if there is one.
More = Callable[[], Job | None]


class Stack:
    """Runs in progress side by side: `outcomes` trains them all."""

    def __init__(
        self, first: Job, dataset: Dataset, watch: Callable[[RunProgress], None], more: More
    ):
        self.dataset, self.watch, self.more = dataset, watch, more
        most = most_side_by_side(first.planned.run, dataset, first.stack)
        self.waiting = [first]
        while len(self.waiting) < most and (job := more()) is not None:
            self.waiting.append(job)
        # Asked for a number of slots, it has them, to be filled as jobs come up.
        self.slots = most if first.stack else len(self.waiting)
        self.going: dict[int, _Going] = {}
        self.starts = Starts(dataset, watch)
        # Of an update of all runs, without the first ones, which wait for the compiler.
        self.seconds = [math.inf]

    def outcomes(self) -> Iterator[Outcome]:
        """Each run's outcome, as it ends."""
        try:
            self.engine = engine_for(self.waiting[0].planned.run, self.dataset, self.slots)
            while True:
                yield from self._fill()
                if not self.going:
                    return
                if any(each.training.is_over for each in self.going.values()):
                    # Its checkpoint was written at the end, but its rows were never recorded.
                    yield from self._look()
                    continue
                self._repack()
                together = [each.training for each in self.going.values()]
                advance_together(together)
                self.seconds.append(together[0].update_seconds)
                yield from self._look()
        except Exception as error:  # of the one program of all
            jobs = [*(each.job for each in self.going.values()), *self.waiting]
            yield from [failure(job, error) for job in jobs]
        finally:
            for each in self.going.values():
                each.close()

    def _fill(self) -> Iterator[Outcome]:
        """Starts a job in each free slot."""
        for slot in range(self.engine.runs):
            while slot not in self.going:
                job = self.waiting.pop(0) if self.waiting else self.more()
                if job is None:
                    return
                if job.must_stop():
                    yield Outcome(job, "stopped", [], {})
                    continue
                try:
                    if not self._started(job):
                        yield Outcome(job, "stopped", [], {})
                        continue
                    self.going[slot] = _Going(job, self.dataset, self.engine, slot, self.starts)
                except Exception as error:
                    yield failure(job, error)

    def _started(self, job: Job) -> bool:
        """Trains what the job starts from, side by side with what those that wait do."""
        try:
            return self.starts.train([job, *self.waiting])
        except Exception:  # of any of them: each is told of its own
            return self.starts.train([job])

    def _look(self) -> Iterator[Outcome]:
        """Logs what is new of each run, and ends those that are over or have to stop."""
        for slot, each in list(self.going.items()):
            try:
                outcome = each.look(self.watch)
            except Exception as error:
                outcome = failure(each.job, error)
            if outcome is not None:
                del self.going[slot]
                yield replace(outcome, note=each.close())

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

    def __init__(self, job: Job, dataset: Dataset, engine: Engine, slot: int, starts: Starts):
        self.job = job
        start = starts.of(job)
        self.training = Training(job.planned.run, dataset, job.checkpoint, engine, slot, start)
        # Training what it starts from is part of its cost.
        self.seconds_before = starts.seconds.get(job.planned.run.key, 0.0)
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

    def close(self) -> str:
        """Closes the event log. What kept it from being written, on a full disk for example, in a
        sentence: the run itself is whole."""
        try:
            self.log.close()
        except Exception as error:
            first_line, *_ = str(error).split("\n")
            return f"the end of its event log is missing: {first_line or type(error).__name__}"
        return ""

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
        found["seconds"] = round(training.seconds + self.seconds_before, 2)
        found["stacked"] = training.engine.runs
        found["precision"] = precision()
        status = "diverged" if training.diverged else "done"
        return Outcome(self.job, status, rows_of(planned, history), provenance(planned, **found))


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
