"""Content -> files that are whole whenever they are read."""

import os
from contextlib import suppress
from io import FileIO
from pathlib import Path


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


def write_all(file: FileIO, content: bytes) -> None:
    """All of it, on the disk."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())
