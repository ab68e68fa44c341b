"""The only reader and writer of results/. Of the standard library and msgspec.

In: the rows and the provenance of a run that ended. Out: `Results`, the files of an experiment at a
profile, which `plan` and `report` read; `Row`, one number.

Open `results.py` first; `provenance.py` finds the git commit of a row, `campaign/execute.py` adds
the device.
"""

from reproduce.record.entry import FINISHED
from reproduce.record.lock import free_mebibytes, turn, writer_lock
from reproduce.record.predictions import pack_predictions, unpack_predictions
from reproduce.record.provenance import commit, origin
from reproduce.record.results import Results
from reproduce.record.row import COLUMNS, Row

__all__ = [
    "COLUMNS",
    "FINISHED",
    "Results",
    "Row",
    "commit",
    "free_mebibytes",
    "origin",
    "pack_predictions",
    "turn",
    "unpack_predictions",
    "writer_lock",
]
