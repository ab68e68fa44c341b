"""Run + arrays -> trained model and history. Needs TensorFlow, which is imported here, quietly.

In: a `Run` and its `Dataset`. Out: `Training`, which trains while you iterate over it and then has
the model and the history of `Measured` numbers; `train_svm` for the kernel SVM of Table 2.

Open `loop.py` first, then `update.py` (gradient, momentum, max-norm), `engine.py` (which compiles
it for runs side by side) and `nets/` (where the paper's keep becomes Keras's rate).
"""

from reproduce.machine import import_tensorflow

import_tensorflow()

from reproduce.training.engine import CHUNK_UPDATES, Engine, engine_for
from reproduce.training.loop import Training, advance_together
from reproduce.training.measures import (
    CALIBRATION_BINS,
    MEASURES,
    Measured,
    error_percent,
    reliability,
)
from reproduce.training.nets import NOTHING, Machine, Start, build, machines_of
from reproduce.training.slots import most_side_by_side
from reproduce.training.svm import train_svm

__all__ = [
    "CALIBRATION_BINS",
    "CHUNK_UPDATES",
    "MEASURES",
    "NOTHING",
    "Engine",
    "Machine",
    "Measured",
    "Start",
    "Training",
    "advance_together",
    "build",
    "engine_for",
    "error_percent",
    "machines_of",
    "most_side_by_side",
    "reliability",
    "train_svm",
]
