"""Ctrl-C and SIGTERM: never lost, whatever Python is doing, and never seen by workers."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker

STOPS = (signal.SIGINT, signal.SIGTERM)
# What a command says and returns that one of them has ended.
SAID, STATUS = "interrupted; finished runs are recorded", 130
_asked: list[int] = []


def end_at_once() -> None:
    """From now on, until `watched`, both end the process, which has done nothing so far."""
    for number in STOPS:
        signal.signal(number, _end)


def _end(number: int, frame: object) -> None:
    print(SAID, file=sys.stderr, flush=True)
    os._exit(STATUS)


@contextmanager
def watched() -> Iterator[None]:
    """Inside, both raise KeyboardInterrupt, and are remembered: Python drops an exception that is
    raised in a callback, such as those that an import runs."""
    _asked.clear()
    before = {number: signal.signal(number, _note) for number in STOPS}
    try:
        yield
        check()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _note(number: int, frame: object) -> None:
    _asked.append(number)
    raise KeyboardInterrupt


def check() -> None:
    """Raises KeyboardInterrupt if one of them has come so far."""
    if _asked:
        raise KeyboardInterrupt


@contextmanager
def without_signals() -> Iterator[None]:
    """Threads that are started inside, and the processes that these start, do not get them. They
    reach this process's main thread afterwards."""
    # It lets them through again when it starts its own process.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
