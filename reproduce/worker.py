"""One planned run, carried out: trains, measures, logs, and returns rows with their provenance.

Imported only where runs are executed: this is the side of the river that needs TensorFlow.
"""

import datetime
import functools
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from reproduce import GaussianSvm, data
from reproduce.campaign import cores
from reproduce.display import Glimpse
from reproduce.plan import Planned
from reproduce.quiet import import_tensorflow
from reproduce.record import Row

tf = import_tensorflow()

from reproduce import svm  # noqa: E402
from reproduce.logs import EventLog  # noqa: E402
from reproduce.probes import probe  # noqa: E402
from reproduce.train import Measured, Training  # noqa: E402

PACKAGES = ("tensorflow", "keras", "numpy")
GLIMPSE_SECONDS = 0.25


@dataclass(frozen=True)
class Job:
    """What a worker needs to know: the run, where its logs go, and when to stop: at a time (epoch
    seconds), or once a file exists."""

    planned: Planned
    log_dir: Path
    data_dir: Path | None
    deadline: float | None
    stop_file: Path
    # What the user typed, for the log.
    command: str

    @property
    def checkpoint(self) -> Path:
        """Where an unfinished run's state is kept; to be removed once its rows are recorded."""
        return self.log_dir / "checkpoint.npz"

    def must_stop(self) -> bool:
        late = self.deadline is not None and time.time() > self.deadline
        return late or self.stop_file.exists()


@dataclass(frozen=True)
class Outcome:
    """How a job ended: "done", "diverged", "failed", or "stopped", to be taken up later."""

    job: Job
    status: str
    rows: list[Row]
    provenance: dict


load = functools.lru_cache(maxsize=2)(data.load)


def execute(job: Job, watch: Callable[[Glimpse], None]) -> Outcome:
    """Trains one run, or takes it up from its checkpoint, calling `watch` a few times a second."""
    planned = job.planned
    if job.must_stop():
        return Outcome(job, "stopped", [], {})
    try:
        dataset = load(planned.run.data, job.data_dir)
        told: dict = {"data_digest": dataset.digest}
        if isinstance(planned.run.net, GaussianSvm):
            history, seconds = svm.fit(planned.run, planned.run.net, dataset)
            # scikit-learn's machine leaves a GPU alone.
            told |= {"seconds": round(seconds, 2), "device": "CPU"}
            return Outcome(job, "done", _rows(planned, history), _provenance(planned) | told)
        training = Training(planned.run, dataset, job.checkpoint)
        if not _train(job, training, watch):
            return Outcome(job, "stopped", [], {})
        history = training.history
        if training.diverged:
            history.append(Measured("train", "diverged", training.step, 1.0))
        elif planned.run.probes:
            found, told["pictures"] = probe(training, job.data_dir)
            history += found
    except Exception as error:
        return failure(job, error)
    status = "diverged" if training.diverged else "done"
    told["seconds"] = round(training.seconds, 2)
    return Outcome(job, status, _rows(planned, history), _provenance(planned) | told)


def failure(job: Job, error: BaseException) -> Outcome:
    if job.stop_file.exists():  # the signal that asked for the stop may have hit a worker too
        return Outcome(job, "stopped", [], {})
    said = f"{type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return Outcome(
        job, "failed", [], _provenance(job.planned) | {"error": said, "traceback": trace}
    )


def _train(job: Job, training: Training, watch: Callable[[Glimpse], None]) -> bool:
    """Trains to the end and returns True, or saves the state and returns False."""
    log = EventLog(job.log_dir, training, job.planned, job.command)
    began, first_step, watched = time.monotonic(), training.step, 0.0
    try:
        log.update()
        for _ in training:
            log.update()
            now = time.monotonic()
            if now - watched > GLIMPSE_SECONDS:
                speed = (training.step - first_step) / (now - began)
                watch(_glimpse(job.planned, training, speed))
                watched = now
            unfinished = training.step < training.run.updates and not training.diverged
            if unfinished and job.must_stop():
                training.save()
                return False
    finally:
        log.close()
    return True


def _glimpse(planned: Planned, training: Training, speed: float) -> Glimpse:
    split = "validation" if "validation" in training.parts else "train"
    run = planned.run
    measure = run.measures[0]
    seen = (speed, training.loss, measure, training.last(split, measure))
    return Glimpse(run.key, planned.label, training.step, run.updates, *seen)


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


def _provenance(planned: Planned) -> dict:
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
    }
