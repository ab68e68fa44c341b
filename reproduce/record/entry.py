"""What the JSON file says of a run that ended, checked as it is read."""

import hashlib
import json
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, TypedDict

import msgspec

from reproduce.errors import UserError

FINISHED = ("done", "diverged")
Count = Annotated[int, msgspec.Meta(ge=0)]


class Settings(TypedDict):
    """The settings of every run; `spec.Run` has them all."""

    data: str
    net: dict[str, Any]
    seed: Count
    updates: Count
    measures: list[str]


class Entry(TypedDict):
    """Provenance. `rows` and `rows_digest` tell whether the CSV file has all of the run's rows;
    `digest` is of all else here."""

    status: Literal["done", "diverged", "failed"]
    arm: str
    x: float | None
    run: Settings
    rows: Count
    rows_digest: str
    digest: str
    command: str
    commit: str
    device: str
    threads: int
    packages: dict[str, str]
    finished: str
    seconds: NotRequired[float]
    data_digest: NotRequired[str]
    stacked: NotRequired[int]
    precision: NotRequired[str]
    predictions: NotRequired[str]
    # Names of pictures -> PNG files in base64.
    pictures: NotRequired[dict[str, str]]
    error: NotRequired[str]
    traceback: NotRequired[str]


def read_entries(path: Path) -> dict[str, dict]:
    """Run key -> entry; none where there is no file. Raises UserError, which names the entry."""
    if not is_there(path):
        return {}
    content = path.read_bytes()
    try:
        entries = msgspec.json.decode(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"is not valid JSON ({error})") from None
    if not isinstance(entries, dict):
        raise damaged(path, f"holds {type(entries).__name__} where a run's key -> entry should be")
    for key, entry in entries.items():
        try:
            check_entry(entry)
        except (ValueError, RecursionError) as error:
            raise damaged(path, f"holds a malformed entry, {key[:40]!r} ({error})") from None
    return entries


def is_there(path: Path) -> bool:
    """Whether there is such a file; raises UserError for a pipe, a device, a link to nothing."""
    try:
        is_regular = stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        if not path.is_symlink():
            return False
        is_regular = False
    if not is_regular:
        raise damaged(path, "is no regular file")
    return True


def readable(entry: Mapping) -> dict:
    """The entry, with whatever JSON cannot hold replaced: a command line may have any bytes."""
    return json.loads(json.dumps(entry, ensure_ascii=False).encode(errors="replace"))


def check_entry(entry: Mapping) -> None:
    """Raises ValueError, which says what is wrong."""
    msgspec.convert(entry, Entry)
    lacking = {"seconds", "data_digest"} - entry.keys()
    if entry["status"] in FINISHED and lacking:
        raise ValueError(f"a finished run lacks {min(lacking)}")
    if entry["digest"] != entry_digest(entry):
        raise ValueError("it is not as it was written")


def entry_digest(entry: Mapping) -> str:
    """Of all that it holds but the digest itself."""
    text = json.dumps({**entry, "digest": ""}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def damaged(path: Path, what: str) -> UserError:
    """A file of results that this program did not leave like that."""
    return UserError(
        f"{path} {what}; restore it and its twin from git, or delete both (their runs are then "
        "made again)"
    )
