"""Locks for one writer at a time, and the free space on its disk."""

import fcntl
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reproduce.errors import UserError

LOOK_SECONDS = 0.25


def free_mebibytes(folder: Path) -> float:
    return shutil.disk_usage(folder).free / 2**20


@contextmanager
def writer_lock(results_dir: Path, profile: str) -> Iterator[None]:
    """Allows one writer per profile; the kernel releases the lock however the process ends."""
    folder = results_dir / profile
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise UserError(f"cannot write results to {folder}: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(f"another process is writing to {folder}; wait for it to end") from None
        yield


@contextmanager
def turn(folder: Path, must_stop: Callable[[], bool]) -> Iterator[bool]:
    """Waits until no other process has this folder; gives False if it has to stop before that."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if must_stop():
                    yield False
                    return
                time.sleep(LOOK_SECONDS)
            else:
                yield True
                return
