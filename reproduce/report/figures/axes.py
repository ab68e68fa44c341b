"""What the axes of all panels share: their limits, marks for values beyond, the legend."""

from itertools import groupby
from operator import itemgetter

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.ticker import FuncFormatter

from reproduce.spec import View


def reach(shown: list[float]) -> tuple[float, float]:
    """Axis limits for these values. An interval over few seeds may extend far beyond all values,
    and is then cut off."""
    room = 0.1 * (max(shown) - min(shown))
    return max(min(shown) - room, min(0, *shown)), max(shown) + room


def legend(axes: plt.Axes) -> None:
    """Puts the legend beside the axes, where it hides nothing."""
    axes.legend(
        title=None, frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1, 1)
    )


def visible_top(rows: pd.DataFrame) -> float:
    """2.5 times the worst final validation value: the steep fall at first may be cut off."""
    last = rows[(rows.step == rows.step.max()) & (rows.split == "validation")]
    return 2.5 * float(last.value.max())


def scale(view: View, axes: plt.Axes, values: pd.Series) -> None:
    if view.log_x:
        axes.set(xscale="log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
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
            # Towards the middle, because the legend is beside the axes.
            at = axes.transAxes.inverted().transform(axes.transData.transform((x, top)))[0]
            side = -1 if at > 0.8 else 1
            axes.annotate(
                f"{value:.3g}",
                (x, top),
                (7 * side, -9 - 11 * place),
                textcoords="offset points",
                color=colour,
                fontsize="small",
                ha="left" if side > 0 else "right",
            )
