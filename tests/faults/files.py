"""Files of rows that are torn, foreign, doubled or of another kind: refused, or read as before."""

import contextlib
import json
import random
import shutil
from pathlib import Path

from reproduce.errors import UserError
from reproduce.record import Results
from reproduce.verify import rows
from tests.faults.tried import Tried, call, harm_of

ROOT = Path(__file__).parents[2]
# Experiments whose committed rows are few.
NAMES = ("overfitting", "overfitting_choice")
KINDS = ("csv", "json")
REPORTED = 0.1


def torn(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(len(content))]


def flipped(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :]


def without_a_line(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[draw.randrange(len(lines))]
    return b"".join(lines)


def with_a_line_twice(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    lines.insert(draw.randrange(len(lines)), draw.choice(lines))
    return b"".join(lines)


def with_noise(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + draw.randbytes(draw.choice((1, 20, 200_000))) + content[at:]


def another_digit(content: bytes, draw: random.Random) -> bytes:
    places = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
    at = draw.choice(places)
    return content[:at] + str(draw.randrange(10)).encode() + content[at + 1 :]


def of_another_kind(content: bytes, draw: random.Random) -> bytes:
    deep = b"[" * 100_000
    kinds = (
        b"",
        b"null",
        b"[]",
        b'"a"',
        b"1" * 400,
        deep,
        b'{"a": null}',
        b"\0" * 500,
        b"\xff\xfe",
    )
    return draw.choice(kinds)


def of_another_type(content: bytes, draw: random.Random) -> bytes:
    """A field of an entry that is lacking, or no longer what it was."""
    try:
        entries = json.loads(content)
    except ValueError:
        return with_noise(content, draw)
    entry = entries[draw.choice(sorted(entries))]
    name = draw.choice(sorted(entry))
    value = draw.choice((None, [], {}, "x", -1, 10**400, float("nan"), "lacking"))
    if value == "lacking":
        del entry[name]
    else:
        entry[name] = value
    return json.dumps(entries).encode()


FAULTS = (
    torn,
    flipped,
    without_a_line,
    with_a_line_twice,
    with_noise,
    another_digit,
    of_another_kind,
    of_another_type,
)


def check(count: int, draw: random.Random, folder: Path) -> Tried:
    tried = Tried()
    for number in range(count):
        fault = FAULTS[number % len(FAULTS)]
        tried += _one(fault, draw, folder / str(number))
    return tried


def _one(fault, draw: random.Random, folder: Path) -> Tried:
    """Damages one file; then every command must refuse it, or show what was there before."""
    tried = Tried()
    (folder / "cpu").mkdir(parents=True)
    for name in NAMES:
        for kind in KINDS:
            if (file := ROOT / "results" / "cpu" / f"{name}.{kind}").exists():
                shutil.copy(file, folder / "cpu")
    path = draw.choice(sorted((folder / "cpu").iterdir()))
    before, original = path.read_bytes(), _rows(folder, path.stem)
    damaged = fault(before, draw)
    path.write_bytes(damaged)
    named = f"{fault.__name__} {path.suffix[1:]}".replace("_", " ")
    now = _rows(folder, path.stem)
    if now is not None and now != original:
        tried.took(named, f"other rows are read from {path.name}, without a word")
    # A report takes seconds, so only some are made.
    for command in ("list", "report") if draw.random() < REPORTED else ("list",):
        status, said = call(command, "--results-dir", str(folder))
        harm = harm_of(status, said, (0, 2))
        if now is None and status == 0:
            harm = "it takes a file that cannot be read"
        tried.took(named, harm and f"{command}: {harm}")
    with contextlib.suppress(UserError):
        found = rows.check(folder).faults
        if now is None and not found:
            tried.took(named, "verify finds nothing")
    shutil.rmtree(folder)
    return tried


def _rows(folder: Path, stem: str) -> list | None:
    """The rows that are read; None if they are refused."""
    results = Results(folder, "cpu", stem)
    try:
        return sorted(map(repr, results.rows()))
    except UserError:
        return None
