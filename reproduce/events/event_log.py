"""TensorBoard event files of every run, read with `tensorboard --logdir logs`."""

import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from reproduce.machine import import_tensorflow

tf = import_tensorflow()

from tensorboard.plugins.histogram.summary_v2 import histogram_pb
from tensorboard.plugins.hparams import api as hparams

from reproduce.events import inspection
from reproduce.events.columns import columns
from reproduce.plan import Planned
from reproduce.training import Measured, Training

# The most points per run for scalars, and for distributions and pictures; fewer if logging would
# take more than this share of the run's time. The first and the last point are always logged.
SCALARS, PICTURES = 100, 10
LARGEST_SHARE = 0.02
# Examples per split: enough to show what an untrained network does.
UNTRAINED_EXAMPLES = 1_000
# The losses that training minimises.
LOSSES = ("nll", "squared_error")


class _Pace:
    """Decides when to log next, so that logging takes no more than its share of the time."""

    def __init__(self, points: int, updates: int, runs: int):
        self.points, self.updates = points, updates
        self.share = LARGEST_SHARE / runs
        self.next_step, self.next_time = 0.0, 0.0

    def is_due(self, step: int) -> bool:
        is_last = step >= self.updates
        return is_last or (step >= self.next_step and time.monotonic() >= self.next_time)

    def logged(self, step: int, began: float) -> None:
        now = time.monotonic()
        self.next_step = step + self.updates / self.points
        self.next_time = now + (now - began) / self.share


class EventLog:
    """Writes the events of one training run, one of `runs` side by side; step is the number of
    updates made."""

    def __init__(
        self, folder: Path, training: Training, planned: Planned, command: str, runs: int = 1
    ):
        self.writer = tf.summary.create_file_writer(str(folder))
        self.training = training
        self.measured = 0
        updates = training.run.updates
        self.scalars, self.pictures = (
            _Pace(points, updates, runs) for points in (SCALARS, PICTURES)
        )
        settings = training.run.settings()
        table = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
        with self.writer.as_default(step=0):
            tf.summary.text("run", f"| setting | value |\n| --- | --- |\n{table}")
            tf.summary.text("command", f"    {command}")
            self._write_hparams(planned, experiment=folder.parent.name)

    def _write_hparams(self, planned: Planned, experiment: str) -> None:
        # Without a list of columns and metrics, which TensorBoard would take from one run for all.
        hparams.hparams(columns(planned, experiment), trial_id=f"{experiment}/{planned.folder}")

    def update(self) -> None:
        """Logs new values; cheap if there are none."""
        training = self.training
        if training.step == 0 and not training.run.curve_points:
            # Its history has only the end. A curve also needs its start, but not exactly.
            self._errors(training.measured("train", "validation", most=UNTRAINED_EXAMPLES))
        self._errors(training.history[self.measured :])
        self.measured = len(training.history)
        if training.diverged:  # its weights are not finite
            return
        for pace, write in ((self.scalars, self._numbers), (self.pictures, self._distributions)):
            if pace.is_due(training.step):
                began = time.monotonic()
                with self.writer.as_default(step=training.step):
                    write()
                pace.logged(training.step, began)

    def _errors(self, entries: Iterable[Measured]) -> None:
        for entry in entries:
            with self.writer.as_default(step=entry.step):
                tf.summary.scalar(_tag(entry.measure, entry.split), entry.value)

    def _numbers(self) -> None:
        training = self.training
        learning_rate, momentum, _ = training.course.rates[max(training.step - 1, 0)]
        if training.step:  # mean over the latest updates, under training conditions
            tf.summary.scalar("loss/batches", training.loss)
        tf.summary.scalar("schedule/learning_rate", learning_rate)
        tf.summary.scalar("schedule/momentum", momentum)
        for layer, kernel, bound in inspection.weights(training):
            tf.summary.scalar(f"weights/norm_{layer}", np.linalg.norm(kernel))
            if bound is not None:
                share = inspection.at_bound_percent(kernel, bound)
                tf.summary.scalar(f"weights/at_bound_percent_{layer}", share)

    def _distributions(self) -> None:
        training = self.training
        for layer, kernel, _ in inspection.weights(training):
            _histogram(f"weights/values_{layer}", kernel)
        for layer, values in inspection.activations(training).items():
            _histogram(f"units/activations_{layer}", values)
            tf.summary.scalar(f"units/active_percent_{layer}", 100 * np.mean(values > 0))
        for name, levels in inspection.pictures(training):
            tf.summary.image(f"pictures_{name}", levels[None])

    def close(self) -> None:
        """Writes the lowest validation error, which the HParams page compares, and closes the
        file."""
        measure = self.training.run.measures[0]
        errors = [
            m.value
            for m in self.training.history
            if (m.split, m.measure) == ("validation", measure)
        ]
        if errors:
            with self.writer.as_default(step=self.training.step):
                tf.summary.scalar(_tag(measure, "validation_best"), min(errors))
        self.writer.close()


def _tag(measure: str, split: str) -> str:
    """TensorBoard sorts groups of tags by name: error and loss come before all others."""
    if measure == "error_percent" or measure in LOSSES:
        return f"{'loss' if measure in LOSSES else measure}/{split}"
    return f"measured/{measure}_{split}"


def _histogram(tag: str, values: np.ndarray) -> None:
    """Writes what tf.summary.histogram would write, in an eighth of the time."""
    summary = histogram_pb(tag, inspection.sample(values))
    tf.summary.experimental.write_raw_pb(summary.SerializeToString())
