"""Report, figures, page, README and lesson: drawn again from the rows, and compared."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from reproduce.verify.check import Check

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "docs/lesson.md")


def check(results_dir: Path, pages_dir: Path = Path()) -> Check:
    """Whether all that `report` writes from these rows is what lies there. The pages around the
    results are compared where the results lie beside them."""
    pages = [p for p in PAGES if results_dir == Path("results") and (pages_dir / p).exists()]
    with tempfile.TemporaryDirectory(prefix="reproduce-verify-") as folder:
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
            elif here.read_bytes() != drawn.read_bytes():
                found.faults.append(f"{here} does not follow from the rows: {_where(here, drawn)}")
    found.summary = f"drawn: {len(pairs)} files compared with those that report draws"
    return found


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _where(here: Path, drawn: Path) -> str:
    """The first line that differs."""
    lines = [path.read_text(errors="replace").splitlines() for path in (here, drawn)]
    pairs = enumerate(zip(*lines, strict=False), start=1)
    shorter = min(map(len, lines))
    number = next((i for i, (one, other) in pairs if one != other), shorter + 1)
    return f"line {number} differs from what report draws"
