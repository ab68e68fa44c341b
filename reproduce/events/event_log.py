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
from reproduce.plan import Planned
from reproduce.training import Measured, Training

# The most points per run for scalars, and for distributions and pictures; fewer if logging would
# take more than this share of the run's time. The first and the last point are always logged.
SCALARS, PICTURES = 100, 10
LARGEST_SHARE = 0.02
# The columns of the HParams page, the same for all runs, so that experiments can be compared.
COLUMNS = (
    "experiment",
    "arm",
    "x",
    "data",
    "net",
    "hidden",
    "examples",
    "updates",
    "batch_size",
    "learning_rate",
    "momentum",
    "keep_input",
    "keep_conv",
    "keep",
    "noise",
    "max_norm",
    "l2",
    "l1",
    "sparsity_cost",
    "seed",
)
# TensorBoard uses one run's list of HParams metrics for all runs. So all runs share one list, with
# the metrics of runs that hold images out and those of final runs, which do not.
METRICS = (
    *(
        f"{which}_validation_{m}"
        for m in ("error_percent", "squared_error")
        for which in ("best", "last")
    ),
    "error_percent/test",
    "loss/test",
)
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
        run = planned.run
        columns = [hparams.HParam(name) for name in COLUMNS]
        hparams.hparams_config(columns, [hparams.Metric(name) for name in METRICS])
        values = {name: getattr(run, name, None) for name in COLUMNS}
        values |= {"experiment": experiment, "arm": planned.arm, "x": planned.x}
        values |= {"net": type(run.net).__name__, "hidden": str(getattr(run.net, "hidden", ""))}
        # A column holds numbers or text only.
        stated = {name: value for name, value in values.items() if value not in (None, ())}
        flat = {n: str(v) if isinstance(v, tuple) else v for n, v in stated.items()}
        hparams.hparams(flat, trial_id=f"{experiment}/{planned.folder}")

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
            measure = "loss" if entry.measure in LOSSES else entry.measure
            with self.writer.as_default(step=entry.step):
                tf.summary.scalar(f"{measure}/{entry.split}", entry.value)

    def _numbers(self) -> None:
        training = self.training
        learning_rate, momentum, _ = training.course.rates[max(training.step - 1, 0)]
        if training.step:  # mean over the latest updates, under training conditions
            tf.summary.scalar("loss/batches", training.loss)
        tf.summary.scalar("learning_rate", learning_rate)
        tf.summary.scalar("momentum", momentum)
        for layer, kernel, bound in inspection.weights(training):
            tf.summary.scalar(f"weight_norm/{layer}", np.linalg.norm(kernel))
            if bound is not None:
                share = inspection.at_bound_percent(kernel, bound)
                tf.summary.scalar(f"at_max_norm_percent/{layer}", share)

    def _distributions(self) -> None:
        training = self.training
        for layer, kernel, _ in inspection.weights(training):
            _histogram(f"weights/{layer}", kernel)
        for layer, values in inspection.activations(training).items():
            _histogram(f"activations/{layer}", values)
            tf.summary.scalar(f"active_percent/{layer}", 100 * np.mean(values > 0))
        for name, levels in inspection.pictures(training):
            tf.summary.image(name, levels[None])

    def close(self) -> None:
        """Writes the best and last error, which the HParams page compares, and closes the file."""
        measure = self.training.run.measures[0]
        errors = [
            m.value
            for m in self.training.history
            if (m.split, m.measure) == ("validation", measure)
        ]
        if errors:
            with self.writer.as_default(step=self.training.step):
                tf.summary.scalar(f"best_validation_{measure}", min(errors))
                tf.summary.scalar(f"last_validation_{measure}", errors[-1])
        self.writer.close()


def _histogram(tag: str, values: np.ndarray) -> None:
    """Writes what tf.summary.histogram would write, in an eighth of the time."""
    summary = histogram_pb(tag, inspection.sample(values))
    tf.summary.experimental.write_raw_pb(summary.SerializeToString())
