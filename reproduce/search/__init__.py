"""keras-tuner over an experiment's search space: its trials are ordinary runs, with rows.

In: a `Request`. Out: `run`, which trains and records the trials, then tests the best point.

Open `search.py` first, then `tuner.py`, which holds the keras-tuner code.
"""

from reproduce.search.request import Request
from reproduce.search.search import run

__all__ = ["Request", "run"]
