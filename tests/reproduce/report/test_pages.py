"""The committed report is that of the committed rows."""

import shutil
from pathlib import Path

from reproduce.__main__ import main
from reproduce.report.pages import BEGIN, END

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results"


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
    # Their bytes are those of one machine: sums differ in the last digits between processors.
    assert drawn == committed


def test_every_row_of_the_readmes_tables_is_one_of_the_report():
    report = set((RESULTS / "REPORT.md").read_text().splitlines())
    block = (ROOT / "README.md").read_text().split(BEGIN)[1].split(END)[0]
    rows = [line for line in block.splitlines() if line.startswith("|")]
    assert len(rows) > 50
    # Claims of all experiments have one column more, which tells of which.
    strange = [r for r in rows if r not in report and f"| {r.split(' | ', 1)[1]}" not in report]
    assert strange == []
