"""Executes one job: trains, measures, logs, and returns rows with their provenance.

Imported only where runs are executed, since it needs TensorFlow.
"""

import datetime
import functools
import time
import traceback
from collections.abc import Callable
from importlib.metadata import version

from reproduce import data
from reproduce.campaign.event_log import EventLog
from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import RunProgress
from reproduce.machine import cores, import_tensorflow
from reproduce.plan import Planned
from reproduce.probes import run_probes
from reproduce.record import Row, pack_predictions
from reproduce.spec import GaussianSvm
from reproduce.training import Measured, Training, train_svm

PACKAGES = ("tensorflow", "keras", "numpy")
PROGRESS_SECONDS = 0.25

load = functools.lru_cache(maxsize=2)(data.load)


def execute(job: Job, watch: Callable[[RunProgress], None]) -> Outcome:
    """Trains one run, or resumes it from its checkpoint, calling `watch` a few times a second."""
    if job.must_stop():
        return Outcome(job, "stopped", [], {})
    try:
        return _executed(job, watch)
    except Exception as error:
        return failure(job, error)


def failure(job: Job, error: BaseException) -> Outcome:
    if job.stop_file.exists():  # the signal that requested the stop may have hit a worker too
        return Outcome(job, "stopped", [], {})
    text = f"{type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return Outcome(job, "failed", [], _provenance(job.planned, error=text, traceback=trace))


def _executed(job: Job, watch: Callable[[RunProgress], None]) -> Outcome:
    planned, run = job.planned, job.planned.run
    dataset = load(run.data, job.data_dir)
    found: dict = {"data_digest": dataset.digest}
    if isinstance(run.net, GaussianSvm):
        history, seconds = train_svm(run, run.net, dataset)
        # scikit-learn's SVM does not use a GPU.
        found |= {"seconds": round(seconds, 2), "device": "CPU"}
        return Outcome(job, "done", _rows(planned, history), _provenance(planned, **found))
    training = Training(run, dataset, job.checkpoint)
    if not _train(job, training, watch):
        return Outcome(job, "stopped", [], {})
    history = training.history
    if training.diverged:
        history.append(Measured("train", "diverged", training.step, 1.0))
    else:
        if run.probes:
            rows, found["pictures"] = run_probes(training, job.data_dir)
            history += rows
        if (wrong_by := training.wrong_by()) is not None:
            found["predictions"] = pack_predictions(wrong_by.tobytes())
    found["seconds"] = round(training.seconds, 2)
    status = "diverged" if training.diverged else "done"
    return Outcome(job, status, _rows(planned, history), _provenance(planned, **found))


def _train(job: Job, training: Training, watch: Callable[[RunProgress], None]) -> bool:
    """Trains to the end and returns True, or saves the state and returns False."""
    log = EventLog(job.log_dir, training, job.planned, job.origin["command"])
    began, first_step, watched = time.monotonic(), training.step, 0.0
    try:
        log.update()
        for _ in training:
            log.update()
            now = time.monotonic()
            if now - watched > PROGRESS_SECONDS:
                speed = (training.step - first_step) / (now - began)
                watch(_progress(job.planned, training, speed))
                watched = now
            unfinished = training.step < training.run.updates and not training.diverged
            if unfinished and job.must_stop():
                training.save()
                return False
    finally:
        log.close()
    return True


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
