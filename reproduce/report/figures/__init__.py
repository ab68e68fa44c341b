"""Evidence and a View -> SVG files that are byte-identical when redrawn.

In: the `Evidence` of an experiment. Out: `draw`, its figure as SVG; `as_svg` for any other.

Open `figure.py` first, then `lines.py`: it has `against_x`, which draws one kind of `View`.
"""

from reproduce.report.figures.figure import as_svg, draw

__all__ = ["as_svg", "draw"]
