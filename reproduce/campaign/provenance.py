"""A run that has ended -> its rows, and where they come from."""

import datetime
import traceback
from importlib.metadata import version
from typing import TYPE_CHECKING

from reproduce.campaign.job import Job, Outcome
from reproduce.machine import cores, import_tensorflow
from reproduce.plan import Planned
from reproduce.record import Row

if TYPE_CHECKING:  # whose import is TensorFlow's, which a campaign with workers does without
    from reproduce.training import Measured

PACKAGES = ("tensorflow", "keras", "numpy")


def rows_of(planned: Planned, history: "list[Measured]") -> list[Row]:
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


def provenance(planned: Planned, **found: object) -> dict:
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


def failure(job: Job, error: BaseException) -> Outcome:
    if job.stop_file.exists():  # the signal that requested the stop may have hit a worker too
        return Outcome(job, "stopped", [], {})
    text = f"{type(error).__name__}: {error}"
    trace = "".join(traceback.format_exception(error))
    return Outcome(job, "failed", [], provenance(job.planned, error=text, traceback=trace))
