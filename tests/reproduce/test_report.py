"""The committed report is that of the committed rows."""

import shutil
from pathlib import Path

from reproduce.__main__ import main

RESULTS = Path(__file__).parents[2] / "results"


def test_the_committed_rows_make_the_committed_report(tmp_path):
    for kept in ("cpu", "paper", "bench.csv", "bench.json"):
        if (RESULTS / kept).is_dir():
            shutil.copytree(RESULTS / kept, tmp_path / kept)
        elif (RESULTS / kept).exists():
            shutil.copy(RESULTS / kept, tmp_path)
    assert main(["report", "--results-dir", str(tmp_path)]) == 0
    assert (tmp_path / "REPORT.md").read_text() == (RESULTS / "REPORT.md").read_text()
    drawn, committed = (
        sorted(path.name for path in (folder / "figures").iterdir())
        for folder in (tmp_path, RESULTS)
    )
    assert drawn == committed
