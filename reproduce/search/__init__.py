"""keras-tuner over an experiment's search space: its trials are ordinary runs, with rows.

In: a `Request`. Out: `run`, which trains and records the trials, then tests the best point.

Open `search.py` first, then `state.py` (what an earlier search left), `tuner.py` (keras-tuner
proposes the next trial) and `trials.py` (the run that it asks for is trained and recorded).
"""

from reproduce.search.request import Request
from reproduce.search.search import run

__all__ = ["Request", "run"]
