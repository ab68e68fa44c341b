"""The file of an unfinished training: written atomically, read without unpickling anything."""

import json
import os
from pathlib import Path

import msgspec
import numpy as np

Arrays = dict[str, np.ndarray]


class Progress(msgspec.Struct, forbid_unknown_fields=True):
    """What training changes besides arrays, and whose it is."""

    # The run's key, its data's digest, and how its products were rounded.
    run: str
    data: str
    precision: str
    step: int
    seconds: float
    diverged: bool
    best_error: float
    # Split, measure, step, value.
    history: list[tuple[str, str, int, float]]


def write(path: Path, state: Arrays, kept: Arrays, progress: Progress) -> None:
    """Replaces the file: all that training changes, and the state that the run's end restores, so
    far (may be empty)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    arrays = state | {f"kept_{name}": array for name, array in kept.items()}
    try:
        with part.open("wb") as file:
            # Not msgspec's own JSON, which has no infinity.
            arrays["progress"] = np.array(json.dumps(msgspec.to_builtins(progress)))
            np.savez(file, **arrays)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)  # on a full disk
        raise


def read(
    path: Path, run: str, data: str, precision: str, updates: int, like: Arrays
) -> tuple[Arrays, Arrays, Progress]:
    """What `write` was given. Raises ValueError if it is of another run, data or precision, or
    beyond the run's end, or if its arrays have other names or shapes than those of `like`; a
    damaged file raises any of a dozen exception types."""
    if not path.is_file():
        raise ValueError("it is no regular file")
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file}
    progress = msgspec.convert(json.loads(str(arrays.pop("progress"))), Progress)
    for what, mine, its in (
        ("run", run, progress.run),
        ("data", data, progress.data),
        ("precision", precision, progress.precision),
    ):
        if mine != its:
            raise ValueError(f"it is of the {what} {its}, not of {mine}")
    if not 0 <= progress.step <= updates:
        raise ValueError(f"it is at update {progress.step:,} of {updates:,}")
    kept = {name[5:]: arrays.pop(name) for name in list(arrays) if name.startswith("kept_")}
    wanted = {name: each.shape for name, each in like.items()}
    for state in (arrays, kept) if kept else (arrays,):
        if {name: each.shape for name, each in state.items()} != wanted:
            raise ValueError("its arrays are not those of this network")
    return arrays, kept, progress
