"""A lock for one writer at a time, and the free space on its disk."""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reproduce.errors import UserError


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
