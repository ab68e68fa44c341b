"""Committed rows and the paper's numbers -> tables, figures, verdicts, pages. Never imports keras.

In: a results folder. Out: `write`, which redraws REPORT.md, report.html, the figures and the
README's block, and prints the tables; `show`, which prints one experiment's own result and draws
its figure.

Open `pages.py` first, then `evidence.py` (what rows show), `headlines.py` (the README's table),
`claims.py` and `tables.py` (the report's), `figures/` and `page/` (report.html). Verdicts are those
of `judge`.
"""

from reproduce.report.pages import show, write

__all__ = ["show", "write"]
