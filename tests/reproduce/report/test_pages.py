"""The committed report is that of the committed rows."""

import re
import shutil
from pathlib import Path

from reproduce.__main__ import main
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
    redrawn, page = (without_figures(folder / "report.html") for folder in (tmp_path, RESULTS))
    assert redrawn == page and len(page) > 100_000


def without_figures(page):
    """The page's text without what is of its figures: they, their letters and their styles."""
    text = page.read_text()
    for part in (r'(<div class="figure"[^>]*>).*?</div>', r"(<defs>).*?</defs>"):
        text = re.sub(part, r"\1", text, flags=re.DOTALL)
    return re.sub(r"^\.s0\{.*$", "", text, flags=re.MULTILINE)


def test_the_readmes_table_is_the_reports_and_its_page_is_short():
    readme = (ROOT / "README.md").read_text()
    block = readme.split(BEGIN)[1].split(END)[0]
    table = block[block.index("**The paper's numbers") :].strip()
    assert table in (RESULTS / "REPORT.md").read_text()
    assert 10 <= table.count("\n") - 3 <= 14
    assert len(readme.splitlines()) <= 250
