"""Jobs -> outcomes: in this process, or in parallel in the workers of a Dask cluster.

In: a function that gives the next job. Out: `Workers`, whose `run` yields outcomes; `in_turn`, jobs
in their order.

Open `workers.py` first, then `crew.py` (which worker has what, and what if it dies) and `worker.py`
(what runs in a worker's own process).
"""

from reproduce.campaign.workers.worker import in_turn
from reproduce.campaign.workers.workers import Workers

__all__ = ["Workers", "in_turn"]
