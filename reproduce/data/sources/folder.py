"""A data set from files in the user's folder."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from reproduce.data.formats import (
    COUNTS,
    MD5,
    Arrays,
    Unusable,
    cifar_batch_from_pickle,
    decode,
    one_line,
    read_npz,
)

ACCEPTS = {
    "mnist": "mnist.npz or the four IDX files (plain or .gz)",
    "cifar10": "cifar10.npz or the official batches (binary or python version, unpacked)",
    "cifar100": "cifar-100-binary.tar.gz",
    "svhn": "train_32x32.mat, extra_32x32.mat and test_32x32.mat",
}


def from_folder(name: str, folder: Path) -> Arrays | None:
    """The data set from files in `folder`; None if no file there has one of the expected names."""
    if name not in COUNTS and (folder / f"{name}.npz").exists():
        return read_npz(name, folder / f"{name}.npz")
    for paths, read in _layouts(name, folder):
        found = {file: path for file, path in paths.items() if path}
        missing = sorted(set(paths) - set(found))
        if found and missing:
            raise Unusable(f"{folder} holds some of {name}'s files but lacks {', '.join(missing)}")
        if found:
            try:
                return decode(name, {file: _read(path, read) for file, path in found.items()})
            except Unusable as error:
                raise Unusable(f"in {folder}: {error}") from None
    return None


def _layouts(name: str, folder: Path) -> Iterator[tuple[dict, Callable[[bytes], bytes]]]:
    """For each accepted layout: original file -> its path or None, and how to read it."""
    if name == "mnist":
        spellings = {file: (file, file.replace("-idx", ".idx")) for file in MD5[name]}
        yield (
            {
                file: _first([folder / (s + end) for s in spelled for end in ("", ".gz")])
                for file, spelled in spellings.items()
            },
            bytes,
        )
        return
    if name != "cifar10":
        yield {file: _first([folder / file]) for file in MD5[name]}, bytes
        return
    for sub, suffix, read in (
        ("cifar-10-batches-bin", ".bin", bytes),
        ("cifar-10-batches-py", "", cifar_batch_from_pickle),
    ):
        spelled = {file: file.removesuffix(".bin") + suffix for file in MD5[name]}
        yield {f: _first([folder / s, folder / sub / s]) for f, s in spelled.items()}, read


def _first(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _read(path: Path, read: Callable[[bytes], bytes]) -> bytes:
    try:
        content = path.read_bytes()
        zipped = path.suffix == ".gz" and path.suffixes[-2:] != [".tar", ".gz"]
        return read(gzip.decompress(content) if zipped else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Unusable(f"{path.name} is truncated or corrupt ({one_line(error)})") from None
