"""Experiment, profile and finished rows -> the runs that remain. No framework.

In: an experiment's name and a profile. Out: `stages_of`, the two stages, which list all their runs
and the missing ones; `in_order`, what is missing, ordered by what it decides for its cost; each run
is a `Planned`, a run with its place in the experiment.

Open `stages.py` first (what is missing), then `standing.py` (how many seeds the claims want) and
`runs.py` (`chosen`: the lowest validation error).
"""

from reproduce.plan.cells import (
    budgeted,
    budgeted_cells,
    declared_cells,
    describe_budget,
    is_deterministic,
)
from reproduce.plan.order import Missing, in_order, missing_of
from reproduce.plan.overview import status
from reproduce.plan.planned import Planned, flat_settings, tuned_settings
from reproduce.plan.queue import Queue, preferred
from reproduce.plan.runs import (
    BEST_FOUND,
    FIRST_CHOICE_SEED,
    choice_runs,
    chosen,
    extended,
    final_run,
    final_runs,
    search_finals,
)
from reproduce.plan.stages import CHOICE, Stage, stages_of
from reproduce.plan.standing import STILL_CHOOSING, Standing

__all__ = [
    "BEST_FOUND",
    "CHOICE",
    "FIRST_CHOICE_SEED",
    "STILL_CHOOSING",
    "Missing",
    "Planned",
    "Queue",
    "Stage",
    "Standing",
    "budgeted",
    "budgeted_cells",
    "choice_runs",
    "chosen",
    "declared_cells",
    "describe_budget",
    "extended",
    "final_run",
    "final_runs",
    "flat_settings",
    "in_order",
    "is_deterministic",
    "missing_of",
    "preferred",
    "search_finals",
    "stages_of",
    "status",
    "tuned_settings",
]
