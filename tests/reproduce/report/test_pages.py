"""The committed report is that of the committed rows."""

import html
from pathlib import Path

from reproduce.report.pages import BEGIN, END

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "results"


def test_the_readmes_table_is_the_reports_and_its_page_is_short():
    readme = (ROOT / "README.md").read_text()
    block = readme.split(BEGIN)[1].split(END)[0]
    table = block[block.index("**The paper's numbers") :].strip()
    assert table in (RESULTS / "REPORT.md").read_text()
    best = block.strip().split("\n")[0]
    assert best in (RESULTS / "REPORT.md").read_text()
    assert best.replace("**", "") in html.unescape((RESULTS / "report.html").read_text())
    # Without the two lines of the heading.
    assert 10 <= table.count("\n| ") - 2 <= 15
    assert len(readme.splitlines()) <= 250
