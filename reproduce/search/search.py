"""A request -> recorded trials and tests: here, in parallel, or as one process of many.

A trial is one point of the space, run with `--seeds` seeds on the training split; its objective is
their mean validation error. The best point and the baselines are then retrained on all training
data with fresh seeds, and tested once.
"""

import os
from contextlib import nullcontext

from reproduce import data, signals
from reproduce.campaign import Display
from reproduce.errors import UserError
from reproduce.record import writer_lock
from reproduce.search.ending import PARENT, Interruptible, end_with_parent
from reproduce.search.request import Request
from reproduce.search.side_by_side import CHIEF, IP, PORT, ROLE, search_side_by_side
from reproduce.search.state import prepare


def run(request: Request) -> int:
    """Searches, then retrains and tests the best point; returns the exit status."""
    if any(name in os.environ for name in (ROLE, IP)):
        return _join(request)  # a search of many processes, maybe on many machines
    options = request.options
    with writer_lock(options.results_dir, options.profile), Display() as display:
        display.busy("reading the data")
        data.load(request.budgeted(request.space.template).data, options.data_dir)
        prepare(request)
        display.idle()
        if options.workers > 1:
            display.print(f"starting {options.workers} workers, each of which imports TensorFlow")
            status = search_side_by_side(request, display)
            if status is not None:
                return status
        display.busy("importing TensorFlow")
        with Interruptible(display) as stop:
            # Imported here because only this needs TensorFlow.
            from reproduce.search.trials import search_and_test

            signals.check()
            return search_and_test(request, display, stop.path)


def _join(request: Request) -> int:
    """Runs this process as the chief or as a worker of a search with other processes."""
    missing = [name for name in (ROLE, IP, PORT) if not os.environ.get(name)]
    if missing:
        raise UserError(
            f"{ROLE}, {IP} and {PORT} together make this process a part of a search of many: set "
            f"{' and '.join(missing)} too, or none of them to search here alone"
        )
    role, port = os.environ[ROLE], os.environ[PORT]
    if not port.isascii() or not port.isdigit():
        raise UserError(f"{PORT}={port} is not the number of a port")
    end_with_parent()
    is_chief = CHIEF in role  # as keras-tuner reads it
    # The command that started it has locked the folder.
    locks = is_chief and PARENT not in os.environ
    own = writer_lock(request.options.results_dir, request.options.profile)
    with own if locks else nullcontext(), Display() as display, Interruptible(display) as stop:
        if is_chief:
            prepare(request)
        from reproduce.search.trials import join_search

        signals.check()
        return join_search(request, display, stop.path)
