"""Report, figures, page, README and lesson: drawn again from the rows, and compared."""

import base64
import io
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from reproduce.files import is_usual
from reproduce.machine import temporary_folder
from reproduce.verify.check import Check

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/lesson.md")
# How far apart what is drawn on two machines may lie, in points; and pictures, in shades of grey
# from 0 to 1 and in the share of their points.
MOST_POINTS, MOST_LEVELS, MOST_SHARE = 0.05, 0.08, 0.01
# Tags, and the rules that the page has of its figures' styles.
_SPLIT = re.compile(r"(<[^>]*>|^\.s0\{.*$)", re.MULTILINE)
# What is read, or read aloud, or followed: no place of anything drawn.
_READ = re.compile(r'[\s](?:aria-[a-z]+|alt|class|content|data-[a-z]+|href|id|title)="([^"]*)"')
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=\s]+)")


def check(results_dir: Path, pages_dir: Path = Path()) -> Check:
    """Whether all that `report` writes from these rows is what lies there. The pages around the
    results are compared where the results lie beside them."""
    pages = list(PAGES) if is_usual(results_dir) else []
    if lacking := [page for page in pages if not (pages_dir / page).is_file()]:
        return Check("drawn: nothing compared", [f"{lacking[0]} is missing"])
    odd = [path for path in results_dir.rglob("*") if not (path.is_file() or path.is_dir())]
    if odd:
        return Check("drawn: nothing compared", [f"{min(odd)} is no regular file"])
    with temporary_folder() as folder:
        copy = Path(folder)
        shutil.copytree(results_dir, copy / "results")
        for page in pages:
            (copy / page).parent.mkdir(exist_ok=True)
            shutil.copy(pages_dir / page, copy / page)
        again = subprocess.run(
            [sys.executable, "-m", "reproduce", "report"],
            cwd=copy,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        if again.returncode:
            said = (again.stderr.strip().splitlines() or ["no message"])[-1]
            return Check("drawn: nothing compared", [f"the report cannot be drawn: {said}"])
        found = Check()
        names = _files(results_dir) | _files(copy / "results")
        pairs = [(results_dir / name, copy / "results" / name) for name in sorted(names)]
        pairs += [(pages_dir / page, copy / page) for page in pages]
        for here, drawn in pairs:
            if not drawn.exists():
                found.faults.append(f"{here} does not follow from the rows: report removes it")
            elif not here.exists():
                found.faults.append(f"{here} is missing: report draws it from the rows")
            elif not _are_alike(here, drawn):
                found.faults.append(f"{here} does not follow from the rows: {_where(here, drawn)}")
    found.summary = f"drawn: {len(pairs)} files compared with those that report draws"
    return found


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _are_alike(here: Path, drawn: Path) -> bool:
    """Whether both are the same, up to the places of what is drawn: sums differ in the last digits
    between processors. All that can be read must be equal."""
    one, other = here.read_bytes(), drawn.read_bytes()
    if one == other or here.suffix not in (".svg", ".html"):
        return one == other
    parts = [_SPLIT.split(each.decode(errors="replace")) for each in (one, other)]
    # Text and drawings take turns.
    return len(parts[0]) == len(parts[1]) and all(
        _are_near(a, b) if i % 2 else a == b for i, (a, b) in enumerate(zip(*parts, strict=True))
    )


def _are_near(one: str, other: str) -> bool:
    """Whether two tags, or two style rules, differ in nothing but places, and in them little."""
    pictures = [_PICTURE.findall(each) for each in (one, other)]
    if pictures[0] or pictures[1]:
        rest = [_PICTURE.sub("", each) for each in (one, other)]
        same = len(pictures[0]) == len(pictures[1]) and _are_near(*rest)
        return same and all(map(_look_alike, *pictures))
    if _READ.findall(one) != _READ.findall(other):
        return False
    if _NUMBER.split(one) != _NUMBER.split(other):
        return False
    numbers = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= MOST_POINTS for a, b in numbers)


def _look_alike(one: str, other: str) -> bool:
    """Whether two pictures are the same but for a few points of one level more or less."""
    if one == other:
        return True
    try:
        read = [plt.imread(io.BytesIO(base64.b64decode(each))) for each in (one, other)]
    except (ValueError, OSError, SyntaxError):
        return False
    if read[0].shape != read[1].shape:
        return False
    apart = np.abs(read[0] - read[1])
    return bool(apart.max() <= MOST_LEVELS and (apart > 0).mean() <= MOST_SHARE)


def _where(here: Path, drawn: Path) -> str:
    """The first line that differs."""
    lines = [path.read_text("utf-8", errors="replace").splitlines() for path in (here, drawn)]
    pairs = enumerate(zip(*lines, strict=False), start=1)
    shorter = min(map(len, lines))
    number = next((i for i, (one, other) in pairs if one != other), shorter + 1)
    return f"line {number} differs from what report draws"
