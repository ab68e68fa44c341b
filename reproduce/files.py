"""Content -> files that are whole whenever they are read, and folders of one process alone."""

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from io import FileIO
from pathlib import Path

# Where the committed rows are, in a checkout.
RESULTS_DIR = Path("results")
# No other program has a file of this name.
LOCK = ".dropout-reproduction-lock"
# A process that has made a folder locks it sooner.
SECONDS_TO_LOCK = 600


def is_usual(results_dir: Path) -> bool:
    """Whether these are the checkout's own results, however their folder is spelt."""
    return results_dir.resolve() == RESULTS_DIR.resolve()


def replace_file(path: Path, content: bytes) -> None:
    """Puts a new file in the place of `path` at once, on the disk: whoever reads it, after a kill
    or on a full disk too, has the earlier one or this one. Raises an OSError that names `path`."""
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb", buffering=0) as file:
            write_all(file, content)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        error.filename = str(path)
        raise
    # So that a power cut does not bring the old file back; where a folder cannot be synchronised,
    # the new file is in its place all the same.
    with suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def update_file(path: Path, content: bytes) -> None:
    """The same, if the content changes."""
    if not path.exists() or path.read_bytes() != content:
        replace_file(path, content)


def write_all(file: FileIO, content: bytes) -> None:
    """All of it, on the disk."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


class OwnFolder(tempfile.TemporaryDirectory):
    """A temporary folder in `parent`. A lock in it says that it is in use, also to processes of
    other containers and machines, to which a process's number says nothing."""

    def __init__(self, parent: Path, prefix: str):
        super().__init__(dir=parent, prefix=prefix)
        self.lock = (Path(self.name) / LOCK).open("w", encoding="utf-8")
        fcntl.flock(self.lock, fcntl.LOCK_EX)

    def cleanup(self) -> None:
        self.lock.close()
        super().cleanup()


def remove_deserted(parent: Path, prefix: str, is_ours: bool = False) -> None:
    """Removes the `OwnFolder`s of processes that were killed. A folder without a lock may be a
    user's, unless `parent` is this program's own."""
    for folder in parent.glob(f"{prefix}*"):
        with suppress(OSError):  # of somebody else, or removed by another process meanwhile
            if _is_deserted(folder, is_ours):
                shutil.rmtree(folder, ignore_errors=True)


def _is_deserted(folder: Path, is_ours: bool) -> bool:
    has_lock = (folder / LOCK).exists()
    made = (folder / LOCK if has_lock else folder).stat().st_mtime
    if time.time() - made < SECONDS_TO_LOCK or not (has_lock or is_ours):
        return False
    if not has_lock:  # killed before it had one
        return True
    with (folder / LOCK).open("a", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
