"""What a search found -> its figure: the finding, a heat map over two axes, and every trial."""

import textwrap
from functools import partial

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns

from reproduce.report.figures import as_svg
from reproduce.report.labels import measure_label
from reproduce.report.search_report.searched import SearchEvidence
from reproduce.report.search_report.sensitivity import can_tell
from reproduce.report.search_report.text_tables import finding
from reproduce.spec import format_setting

# Inches: 800 pixels wide, where a point is a point.
WIDTH, TITLE_HEIGHT, HEAT_ROW_HEIGHT, PANEL_HEIGHT = 8.33, 1.2, 0.42, 2.9
PANELS_A_ROW, TITLE_LETTERS = 3, 98
# Points; no text is smaller.
SMALL, LARGE = 9, 11


def draw(found: SearchEvidence) -> bytes:
    """As SVG: on top a heat map over two axes (lowest over the others, and how many trials), below
    every trial along each axis."""
    heat = HEAT_ROW_HEIGHT * (2 + found.trials[found.space.heat[1]].nunique())
    rows = -(-len(found.space.axes) // PANELS_A_ROW)
    heights = (heat, PANEL_HEIGHT * rows)
    return as_svg(partial(_fill, found, heights), (WIDTH, TITLE_HEIGHT + sum(heights)))


def _fill(found: SearchEvidence, heights: tuple[float, float], figure: plt.Figure) -> None:
    plt.rcParams.update({"font.size": SMALL, "axes.labelsize": SMALL, "axes.titlesize": LARGE})
    plt.rcParams.update({"xtick.labelsize": SMALL, "ytick.labelsize": SMALL})
    above, below = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
    _heat_map(found, above.subplots())
    axes = list(found.space.axes)
    grid = below.subplots(-(-len(axes) // PANELS_A_ROW), PANELS_A_ROW, squeeze=False)
    for panel in grid.flat[len(axes) :]:
        panel.remove()
    for name, panel in zip(axes, grid.flat, strict=False):
        _along(found, name, panel)
    for panel in grid[:, 0]:
        panel.set_ylabel(_label(found))
    title = textwrap.fill(finding(found), TITLE_LETTERS)
    line = "; lines: medians" if any(can_tell(found.trials[name]) for name in axes) else ""
    about = f"Search of {found.name}, {found.profile} profile: {found.effort}; {found.budget}{line}"
    about = textwrap.fill(about, TITLE_LETTERS)
    figure.suptitle(f"{title}\n{about}", x=0.01, ha="left", fontsize=LARGE)


def _heat_map(found: SearchEvidence, panel: plt.Axes) -> None:
    first, second = found.space.heat
    place = {"index": second, "columns": first, "values": "mean"}
    lowest = found.trials.pivot_table(**place, aggfunc="min").iloc[::-1]
    trials = found.trials.pivot_table(**place, aggfunc="count").iloc[::-1]
    words = [
        ["" if np.isnan(n) else f"{low:.1f} (n = {n:.0f})" for low, n in zip(*row, strict=True)]
        for row in zip(lowest.to_numpy(), trials.to_numpy(), strict=True)
    ]
    top = _top(found)
    bar = {"label": _label(found), "extend": "max" if lowest.max().max() > top else "neither"}
    size = {"annot": words, "annot_kws": {"fontsize": SMALL}, "fmt": ""}
    sns.heatmap(lowest, **size, cmap="viridis_r", vmax=top, cbar_kws=bar, ax=panel)
    panel.grid(False)
    panel.set(xlabel=first.replace("_", " "), ylabel=second.replace("_", " "))
    panel.set_title("The lowest error in each cell, of its n trials", loc="left")


def _label(found: SearchEvidence) -> str:
    return f"validation {measure_label(found.measure)}"


def _top(found: SearchEvidence) -> float:
    """The largest error that is drawn in its place: a run that diverged counts as 100 %."""
    values = found.trials["mean"]
    return min(values.max(), 3 * values.min()) if values.min() > 0 else values.max()


def _along(found: SearchEvidence, name: str, panel: plt.Axes) -> None:
    """Every trial along one axis, its values as categories: equally spaced, whatever their scale;
    and the medians, where the trials are enough to tell."""
    values, top = found.trials["mean"], _top(found)
    labels = [format_setting(value) for value in sorted(found.space.axes[name])]
    places = found.trials[name].map(format_setting)
    look = {"order": labels, "color": ".4", "jitter": False, "ax": panel}
    inside = values <= top
    sns.stripplot(x=places[inside], y=values[inside], size=4, **look)
    # Values beyond the axis are drawn at its end.
    sns.stripplot(x=places[~inside], y=top + 0 * values[~inside], marker="^", size=6, **look)
    if can_tell(found.trials[name]):
        medians = [values[places == label].median() for label in labels]
        panel.plot(range(len(labels)), medians, color="C0", marker="_", markersize=14, lw=1)
    beyond = f" (triangles: above {top:.1f})" if not inside.all() else ""
    label = f"{name.replace('_', ' ')}{beyond}"
    panel.set(xlabel=label, ylabel="", ylim=(0.9 * values.min(), 1.05 * top))
    panel.tick_params(axis="x", rotation=45)
