"""The rows of a search -> tables and a figure: what was tried, what matters, what was found.

In: a results folder. Out: `gather`, what a search found; `tables` and `draw`, which show it.

Open `searched.py` first (what is gathered), then `sensitivity.py` (what the trials can tell).
"""

from reproduce.report.search_report.picture import draw
from reproduce.report.search_report.searched import SearchEvidence, gather
from reproduce.report.search_report.text_tables import finding, tables, tests_table

__all__ = ["SearchEvidence", "draw", "finding", "gather", "tables", "tests_table"]
