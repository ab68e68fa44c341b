"""Whole runs of the 3 x 1024 net, as experiments train them: CASE is `logged` or `not logged`.

Logging costs most in a run of a few seconds, with its 100 points of scalars and 10 of pictures:
the longer the run, the smaller its share.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.ours import dataset_of, run_of
from reproduce.plan import Planned

NETWORK = replace(CASES["3x1024 dropout + max-norm"], shape=(28, 28, 1))
UPDATES, CURVE_POINTS = 1_000, 5


def prepare(name: str):
    from reproduce.events import EventLog
    from reproduce.training import Training

    dataset = dataset_of(NETWORK)
    run = replace(run_of(NETWORK), updates=UPDATES, curve_points=CURVE_POINTS, hold_out=True)
    planned = Planned("3 x 1024", None, "", run)
    scratch = tempfile.TemporaryDirectory(prefix="bench-")
    blocks = iter(range(1, 1_000_000))

    def block() -> None:
        training = Training(run, dataset)
        if name == "not logged":
            for _ in training:
                pass
            return
        folder = Path(scratch.name) / str(next(blocks))
        log = EventLog(folder, training, planned, "python -m benchmarks")
        log.update()
        for _ in training:
            log.update()
        log.close()

    return block, name
