"""What is missing -> rows: jobs, workers, event logs, progress.

In: experiments' names and `Options`. Out: `run`, which has every missing run trained and recorded;
`Job` and its `Outcome`, `Display` and `StopRequest` for a search. `execute`, which needs
TensorFlow, is imported from its own file, only where runs are executed.

Open `campaign.py` first, then `execute.py`, which carries out one job.
"""

from reproduce.campaign.campaign import run
from reproduce.campaign.job import Job
from reproduce.campaign.options import Options
from reproduce.campaign.progress import Display, format_measured
from reproduce.campaign.workers import StopRequest, Workers

__all__ = ["Display", "Job", "Options", "StopRequest", "Workers", "format_measured", "run"]
