"""The file of an unfinished training: written atomically, read without unpickling anything."""

import json
import os
from pathlib import Path

import numpy as np

Arrays = dict[str, np.ndarray]


def write(path: Path, state: Arrays, best: Arrays, progress: dict) -> None:
    """Replaces the file: all that training changes, the same of the best network so far (may be
    empty), and the rest, as JSON values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    arrays = state | {f"best_{name}": array for name, array in best.items()}
    with part.open("wb") as file:
        arrays["progress"] = np.array(json.dumps(progress))
        np.savez(file, **arrays)  # type: ignore[arg-type]
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)


def read(path: Path) -> tuple[Arrays, Arrays, dict]:
    """What `write` was given. A damaged file raises any of a dozen exception types."""
    with np.load(path, allow_pickle=False) as file:
        arrays = {name: file[name] for name in file}
    progress = json.loads(str(arrays.pop("progress")))
    best = {name[5:]: arrays.pop(name) for name in list(arrays) if name.startswith("best_")}
    return arrays, best, progress
