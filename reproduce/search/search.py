"""A request -> recorded trials and tests: here, in parallel, or as one process of many.

A trial is one point of the space, run with `--seeds` seeds on the training split; its objective is
their mean validation error. The best point and the baselines are then retrained on all training
data with fresh seeds, and tested once.
"""

import os

from reproduce import data
from reproduce.campaign import Display
from reproduce.errors import UserError
from reproduce.record import writer_lock
from reproduce.search.request import Request, prepare
from reproduce.search.side_by_side import (
    CHIEF,
    IP,
    PORT,
    ROLE,
    end_with_parent,
    search_side_by_side,
)


def run(request: Request) -> int:
    """Searches, then retrains and tests the best point; returns the exit status."""
    if role := os.environ.get(ROLE):  # in a search of many processes, maybe on many machines
        return _join(request, role)
    options = request.options
    with writer_lock(options.results_dir, options.profile), Display() as display:
        display.busy("reading the data")
        data.load(request.budgeted(request.space.template).data, options.data_dir)
        prepare(request)
        display.idle()
        if options.workers > 1:
            display.print(f"starting {options.workers} workers, each of which imports TensorFlow")
            if not search_side_by_side(request, display):
                return 130
        display.busy("importing TensorFlow")
        # Imported here because only this needs TensorFlow.
        from reproduce.search.trials import search_and_test

        return search_and_test(request, display)


def _join(request: Request, role: str) -> int:
    """Runs this process as the chief or as a worker of a search with other processes."""
    missing = [name for name in (IP, PORT) if not os.environ.get(name)]
    if missing:
        raise UserError(
            f"{ROLE}={role} joins a search of many processes: {' and '.join(missing)} must "
            f"name its chief; without {ROLE} the search runs here alone"
        )
    end_with_parent()
    if role == CHIEF:
        prepare(request)
    from reproduce.search.trials import join_search

    with Display() as display:
        return join_search(request, display)
