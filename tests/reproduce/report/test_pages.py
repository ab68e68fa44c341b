"""The committed report is that of the committed rows."""

import shutil
from pathlib import Path

from reproduce.__main__ import main
from reproduce.report.claims import IMAGES
from reproduce.report.pages import BEGIN, COMMITTED, END

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results"


def test_the_committed_rows_make_the_committed_report(tmp_path):
    for kept in (*COMMITTED, *(path.name for path in RESULTS.glob("bench*"))):
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


def rows_of(text):
    """The rows of all tables, each as the set of its (column, cell); not the interval over images,
    a column that a table without any leaves out."""
    columns = None
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|"):
            columns = None
        elif columns is None:
            columns = cells
        elif "---" not in cells:
            row = zip(columns, cells, strict=True)
            yield frozenset(pair for pair in row if pair[0] != IMAGES)


def test_every_row_of_the_readmes_tables_is_one_of_the_report():
    report = set(rows_of((RESULTS / "REPORT.md").read_text()))
    block = (ROOT / "README.md").read_text().split(BEGIN)[1].split(END)[0]
    # Claims of all experiments have two columns more, which tell of which and at what budget.
    rows = [
        frozenset(pair for pair in row if pair[0] not in ("experiment", "budget"))
        for row in rows_of(block)
    ]
    assert len(rows) > 50
    assert [row for row in rows if row not in report] == []
