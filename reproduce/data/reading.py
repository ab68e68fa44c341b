"""Files of unknown origin, read with a bound: no pipe hangs its reader, and no small file that
unpacks to gigabytes fills the memory."""

import contextlib
import gzip
import math
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class Unusable(Exception):
    """A file or a source does not give the data set; the message says which one and why."""


def one_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


@contextlib.contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Turns what reading a damaged file raises, which is one of a dozen types, into Unusable."""
    try:
        yield
    except Unusable:
        raise
    except Exception as error:
        raise Unusable(
            f"{path} is damaged, or is not what its name says ({one_line(error)})"
        ) from None


def check_file(path: Path, most: float = math.inf) -> None:
    """Raises Unusable unless `path` is, or links to, a readable regular file of at most `most`
    bytes. Opening a pipe waits for a writer, and a device may never end: neither is opened."""
    try:
        found = path.stat()
    except FileNotFoundError:
        link = f"is a link to {path.readlink()}, which " if path.is_symlink() else ""
        raise Unusable(f"{path} {link}does not exist") from None
    except OSError as error:
        raise Unusable(f"{path} cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "no regular file")
        raise Unusable(f"{path} is {kind} where a file should be")
    if not os.access(path, os.R_OK):
        raise Unusable(f"{path} cannot be read (you lack the permission)")
    if found.st_size > most:
        raise Unusable(f"{path} has {found.st_size:,} bytes, but at most {most:,} are expected")


def read_file(path: Path, most: int, unzip: bool = False) -> bytes:
    """A file's content, unzipped if asked; raises Unusable if that is more than `most` bytes."""
    # Zipping lengthens what it cannot compress, by less than this.
    check_file(path, most + most // 100 + 1000 if unzip else most)
    with refusing(path), gzip.open(path) if unzip else path.open("rb") as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise Unusable(f"{path} holds over {most:,} bytes, more than are expected")
    return content


def read_array(stream: IO[bytes], kind: type, shapes: tuple[tuple[int, ...], ...]) -> np.ndarray:
    """The array in a `.npy` stream; raises ValueError, before it is read, unless its dtype is of
    `kind`, such as np.uint8 or np.integer, and its shape is one of `shapes`."""
    # Later versions may have a header of gigabytes; NumPy writes them only for records.
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError("its version is not that of a plain array")
    shape, _, dtype = np.lib.format.read_array_header_1_0(stream)
    if shape not in shapes or not np.issubdtype(dtype, kind):
        valid = " or ".join(map(str, shapes))
        raise ValueError(f"{dtype} of shape {shape}; valid is {kind.__name__} of shape {valid}")
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
