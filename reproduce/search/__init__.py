"""keras-tuner over an experiment's search space: its trials are runs of the one engine, with rows.

In: a `Request`. Out: `run`, which has the trials trained and recorded, and the best point tested.

Open `search.py` first, then `tuner.py`, which is keras-tuner's part.
"""

from reproduce.search.request import Request
from reproduce.search.search import run

__all__ = ["Request", "run"]
