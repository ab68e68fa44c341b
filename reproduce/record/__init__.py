"""The only reader and writer of results/. Standard library only.

In: the rows and the provenance of a run that ended. Out: `Results`, the files of an experiment at a
profile, which `plan` and `report` read; `Row`, one number.

Open `results.py` first.
"""

from reproduce.record.lock import free_mebibytes, writer_lock
from reproduce.record.results import Results
from reproduce.record.row import COLUMNS, Row

__all__ = ["COLUMNS", "Results", "Row", "free_mebibytes", "writer_lock"]
