"""Missing runs -> recorded rows: jobs, workers, event logs, progress.

In: names of experiments and `Options`. Out: `run`, which trains and records every missing run;
`Job`, `Display`, `StopRequest` and `Workers` for searches and benchmarks. `execute` needs
TensorFlow, so it is imported from its own file, and only where runs are executed.

Open `campaign.py` first, then `execute.py`, which executes one job, then `job.py`, also for Ctrl-C.
"""

from reproduce.campaign.campaign import run
from reproduce.campaign.job import Job, Options, StopRequest
from reproduce.campaign.progress import Display, format_measured
from reproduce.campaign.workers import Workers, in_turn

__all__ = [
    "Display",
    "Job",
    "Options",
    "StopRequest",
    "Workers",
    "format_measured",
    "in_turn",
    "run",
]
