"""A training in progress -> TensorBoard event files. Needs TensorFlow.

In: a `Training`, after every few updates. Out: `EventLog`, which writes what is new of it: errors,
schedules, norms, distributions and pictures.

Open `event_log.py` first (what is written, and how often), then `inspection.py` (what is looked
at) and `columns.py` (the settings that can be compared).
"""

from reproduce.machine import import_tensorflow

import_tensorflow()

from reproduce.events.event_log import EventLog

__all__ = ["EventLog"]
