"""The four arrays of a data set in one `.npz` file: the layout of `keras.datasets`."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np

from reproduce.data.formats import (
    COUNTS,
    IMAGES,
    KEYS,
    REBUILT,
    Arrays,
    as_bytes,
    decode,
    encode,
)
from reproduce.data.reading import Unusable, check_file, read_array, refusing

# The member that holds the arrays' checksum, where no original file can be rebuilt from them.
CHECKSUM = "sha256"


def write_npz(name: str, path: Path, arrays: Arrays) -> None:
    """Writes arrays that were decoded from the original files, hence verified."""
    checksum = {} if name in REBUILT else {CHECKSUM: _checksum(arrays)}
    np.savez(path, **arrays, **checksum)  # type: ignore[arg-type]


def read_npz(name: str, path: Path) -> Arrays:
    """The arrays in a file; raises Unusable unless the original files that can be rebuilt from them
    have their md5, or, for the other data sets, unless they are those that `write_npz` wrote."""
    pixels = sum(COUNTS[name]) * int(np.prod(IMAGES[name]))
    # A tenth more, for labels of eight bytes and the archive's own entries.
    check_file(path, pixels + pixels // 10 + 100_000)
    with refusing(path), zipfile.ZipFile(path) as archive:
        arrays = _arrays(name, archive)
        if name not in REBUILT:
            if f"{CHECKSUM}.npy" not in archive.namelist():
                raise Unusable(f"{path} is of an earlier version, without a checksum")
            if (_member(archive, CHECKSUM, np.uint8, ((32,),)) != _checksum(arrays)).any():
                raise Unusable(f"{path} is damaged (its checksum differs)")
            return arrays
        files = encode(name, arrays)
    try:
        return decode(name, files)
    except Unusable as error:
        raise Unusable(f"{path} is not {name}: {error}") from None


def _arrays(name: str, archive: zipfile.ZipFile) -> Arrays:
    """Only uint8 is taken as images, so that no other values pass for them after a cast. Labels
    may be of any integer type and may be a column, as Keras returns them."""
    arrays = {}
    for (images, labels), count in zip((KEYS[:2], KEYS[2:]), COUNTS[name], strict=True):
        arrays[images] = _member(archive, images, np.uint8, ((count, *IMAGES[name]),))
        column = _member(archive, labels, np.integer, ((count,), (count, 1)))
        arrays[labels] = as_bytes(column.reshape(-1))
    return arrays


def _member(
    archive: zipfile.ZipFile, key: str, kind: type, shapes: tuple[tuple[int, ...], ...]
) -> np.ndarray:
    info = archive.getinfo(f"{key}.npy")
    # The other decoders have no bound, and NumPy uses neither.
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError(f"{key} is compressed in a way that NumPy does not use")
    with archive.open(info) as stream:
        try:
            return read_array(stream, kind, shapes)
        except ValueError as error:
            raise ValueError(f"{key} holds {error}") from None


def _checksum(arrays: Arrays) -> np.ndarray:
    digest = hashlib.sha256()
    for key in KEYS:
        digest.update(arrays[key].ravel().data)
    return np.frombuffer(digest.digest(), np.uint8)
