"""A data set from files in the user's folder."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from reproduce.data.formats import (
    ORIGINALS,
    PICKLE_EXCESS,
    REBUILT,
    Arrays,
    cifar_batch_from_pickle,
    decode,
    sizes,
)
from reproduce.data.npz import read_npz
from reproduce.data.reading import Unusable, check_file, read_file, refusing

ACCEPTS = {
    "mnist": "mnist.npz or the four IDX files (plain or .gz)",
    "cifar10": "cifar10.npz or the official batches (binary or python version, unpacked)",
    "cifar100": "cifar-100-binary.tar.gz",
    "svhn": "train_32x32.mat, extra_32x32.mat and test_32x32.mat",
}
# Original file -> the paths where it may be.
Paths = dict[str, list[Path]]


def from_folder(name: str, folder: Path) -> Arrays | None:
    """The data set from files in `folder`; None if no file there has one of the expected names, or
    one that is nearly so, which is Unusable."""
    npz = folder / f"{name}.npz"
    if name in REBUILT and os.path.lexists(npz):
        return read_npz(name, npz)
    layouts = list(_layouts(name, folder))
    for paths, read in layouts:
        found = {file: path for file in paths if (path := _first(paths[file]))}
        for path in found.values():
            check_file(path)
        missing = sorted(set(paths) - set(found))
        if found and missing:
            raise Unusable(f"{folder} holds some of {name}'s files but lacks {', '.join(missing)}")
        if found:
            files = {file: _read(name, file, path, read) for file, path in found.items()}
            try:
                return decode(name, files)
            except Unusable as error:
                raise Unusable(f"in {folder}: {error}") from None
    names = [path for paths, _ in layouts for spelled in paths.values() for path in spelled]
    _refuse_near_misses(folder, [npz, *names] if name in REBUILT else names)
    return None


def _layouts(name: str, folder: Path) -> Iterator[tuple[Paths, Callable[[bytes], bytes]]]:
    """For each accepted layout: where its files may be, and how their content is converted."""
    if name != "cifar10":
        yield {file: _spellings(name, folder / file) for file in ORIGINALS[name]}, bytes
        return
    for sub, suffix, read in (
        ("cifar-10-batches-bin", ".bin", bytes),
        ("cifar-10-batches-py", "", cifar_batch_from_pickle),
    ):
        spelled = {file: file.removesuffix(".bin") + suffix for file in ORIGINALS[name]}
        yield {file: [folder / s, folder / sub / s] for file, s in spelled.items()}, read


def _spellings(name: str, path: Path) -> list[Path]:
    if name != "mnist":
        return [path]
    names = (path.name, path.name.replace("-idx", ".idx"))
    return [path.with_name(spelled + end) for spelled in names for end in ("", ".gz")]


def _first(paths: list[Path]) -> Path | None:
    """The first file; else the first that is there at all, for reading it says what it is."""
    there = [path for path in paths if os.path.lexists(path)]
    return next((path for path in there if path.is_file()), there[0] if there else None)


def _refuse_near_misses(folder: Path, expected: list[Path]) -> None:
    """Raises Unusable for a name that differs from an expected one only in case or punctuation: the
    user means that file, and the network would be asked at length, perhaps in vain."""
    subfolders = {path.parent for path in expected} - {folder}
    names = {(path.parent, _letters(path)): path for path in [*subfolders, *expected]}
    for parent in (folder, *subfolders):
        if os.path.lexists(parent) and not parent.is_dir():
            raise Unusable(f"{parent} is not a folder")
        for path in parent.iterdir() if parent.is_dir() else ():
            meant = names.get((parent, _letters(path)), path)
            if meant != path and path.is_dir() == (meant in subfolders):
                raise Unusable(f"{path} must be called {meant.name} to be read")


def _letters(path: Path) -> str:
    return re.sub(r"[^a-z0-9]", "", path.name.lower())


def _read(name: str, file: str, path: Path, read: Callable[[bytes], bytes]) -> bytes:
    """The original file's bytes, from a file that may be zipped or of the python version."""
    excess = PICKLE_EXCESS if read is cifar_batch_from_pickle else 0
    unzip = name == "mnist" and path.suffix == ".gz"
    content = read_file(path, sizes(name)[file] + excess, unzip)
    with refusing(path):
        return read(content)
