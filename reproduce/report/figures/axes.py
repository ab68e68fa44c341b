"""What the axes of all panels share: limits, scales, marks for values beyond, the legend."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from reproduce.report.figures.heading import wrapped
from reproduce.spec import View

# In points: a letter, a line of text; a legend's handle and gaps; from the axes down to the legend.
LETTER, LINE, HANDLE, BELOW = 5.6, 12.5, 42.0, 36.0
# How far axes reach beyond all values for the ends of intervals, as a share of the values' range.
FURTHEST = 0.5
# The least distance of two ticks, as a share of the axis.
NEAR = 0.08


def width(axes: plt.Axes) -> float:
    """About how wide the axes will be, in points: the layout is made later."""
    part = axes.get_figure()
    assert part is not None
    grid = axes.get_gridspec()
    return part.bbox.width * 72 / part.dpi / (grid.ncols if grid else 1) - 50


def _height(axes: plt.Axes) -> float:
    """About how high the axes will be, in points."""
    part = axes.get_figure()
    assert part is not None
    return part.bbox.height * 72 / part.dpi - 85


def reach(values: Sequence[float], ends: Sequence[float] = ()) -> tuple[float, float]:
    """Axis limits for these values, and for the ends of intervals. An interval over few seeds may
    extend far beyond all values, and is then cut off."""
    low, high = min(values), max(values)
    extent = high - low
    low = max(min(low, *ends), low - FURTHEST * extent) if ends else low
    high = min(max(high, *ends), high + FURTHEST * extent) if ends else high
    return max(low - 0.1 * extent, min(0, *values)), high + 0.1 * extent


def label(axes: plt.Axes, x: str, y: str = "") -> None:
    axes.set(xlabel=wrapped(x, 9.5, width(axes)), ylabel=wrapped(y, 9.5, _height(axes)))


def legends(part: SubFigure, grid: Sequence[plt.Axes], entries: Sequence[list[Line2D]]) -> None:
    """Puts the legend below the axes, where it hides nothing: one for a row of panels if one of
    them has all entries, else one for each."""
    names = [{str(handle.get_label()) for handle in each} for each in entries]
    most = max(range(len(names)), key=lambda i: len(names[i]))
    look = {"frameon": False, "borderaxespad": 0.2, "borderpad": 0.2, "columnspacing": 1.5}
    if all(each <= names[most] for each in names):
        if names[most]:
            wide = part.bbox.width * 72 / part.figure.dpi
            columns = _columns(entries[most], wide)
            part.legend(handles=entries[most], ncols=columns, loc="outside lower left", **look)
        return
    for axes, each in zip(grid, entries, strict=True):
        down = BELOW + LINE * axes.get_xlabel().count("\n")
        below = ScaledTranslation(0, -down / 72, part.figure.dpi_scale_trans)
        axes.legend(
            handles=each,
            ncols=_columns(each, width(axes)),
            loc="upper left",
            bbox_to_anchor=(0, 0),
            bbox_transform=axes.transAxes + below,
            **look,
        )


def _columns(entries: Sequence[Line2D], wide: float) -> int:
    """As many columns as there is room for; a legend is filled column by column."""
    lengths = [len(str(handle.get_label())) for handle in entries]
    for rows in range(1, len(lengths)):
        longest = [max(lengths[i : i + rows]) for i in range(0, len(lengths), rows)]
        if sum(LETTER * letters + HANDLE for letters in longest) <= wide:
            return len(longest)
    return 1


def entry(name: str, colour: str, **look) -> Line2D:
    """One line of a legend."""
    return Line2D([], [], label=name, color=colour, **look)


def short(x: float, _: object = None) -> str:
    """500 -> "500", 50,000 -> "50k", 1,000,000 -> "1M"."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(x) >= size:
            return f"{x / size:g}{letter}"
    return f"{x:g}"


def tick(axes: plt.Axes, places: np.ndarray, is_log: bool) -> None:
    """A tick at each place along x, if there is room."""
    at = np.log(places) if is_log else places
    if np.diff(at).min(initial=np.inf) > NEAR * np.ptp(at):
        axes.xaxis.set_major_locator(FixedLocator([*places]))
        axes.xaxis.set_minor_locator(NullLocator())
    elif not is_log:
        axes.xaxis.set_major_locator(MaxNLocator(6))


def scale(view: View, axes: plt.Axes, values: pd.Series) -> None:
    if view.log_x:
        axes.set(xscale="log")
        axes.xaxis.set_major_formatter(FuncFormatter(short))
    if view.log_y:
        axes.set(yscale="log", ylim=(values.min() / 1.3, values.max() * 1.3))
        ticks = [n * 10.0**power for power in range(-3, 3) for n in (1, 2, 5)]
        axes.yaxis.set_major_locator(FixedLocator(ticks))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(short))
    if view.top is not None:
        # Small budgets may give values above the top: two thirds are always shown, with room.
        top = max(view.top, 1.4 * values.quantile(2 / 3))
        axes.set(ylim=(0, min(top, axes.get_ylim()[1])))


def mark_above(axes: plt.Axes, found: list[tuple[float, float, str]]) -> None:
    """Marks each (x, value, colour) above the upper edge by a triangle there and its number."""
    top = axes.get_ylim()[1]
    above = sorted(each for each in found if each[1] > top)
    for x, same in groupby(above, key=itemgetter(0)):
        for place, (_, value, colour) in enumerate(same):
            axes.plot(x, top, marker="^", color=colour, clip_on=False, zorder=4)
            # Towards the middle of the axes.
            at = axes.transAxes.inverted().transform(axes.transData.transform((x, top)))[0]
            side = -1 if at > 0.8 else 1
            axes.annotate(
                f"above: {value:.3g}",
                (x, top),
                (7 * side, -9 - 12 * place),
                textcoords="offset points",
                color=colour,
                ha="left" if side > 0 else "right",
            )


def name_ends(axes: plt.Axes, ends: Sequence[tuple[float, str, str]]) -> None:
    """Writes each (value, name, colour) beside the right end of its line, in place of a legend;
    names of near values are moved apart."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    x = axes.get_xlim()[1]
    look: dict = {"textcoords": "offset points", "va": "center"}
    texts = [
        axes.annotate(name, (x, value), (4, 0), color=colour, **look)
        for value, name, colour in sorted(ends)
    ]
    # Only then the height of the axes is known.
    figure.draw_without_rendering()
    lowest = -np.inf
    for text in texts:
        at = axes.transData.transform(text.xy)[1] * 72 / figure.dpi
        lowest = max(at, lowest + LINE)
        text.xyann = (4, lowest - at)
