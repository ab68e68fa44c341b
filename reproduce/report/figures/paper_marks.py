"""The paper's own numbers, in grey beside ours."""

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from reproduce.report.evidence import Evidence
from reproduce.report.figures.axes import entry
from reproduce.report.figures.shown import PAPER, SPLITS
from reproduce.spec import View


def _points(
    axes: plt.Axes, numbers: dict, arm: str, name: str, linestyle: str, is_hollow: bool
) -> list[Line2D]:
    """One arm's numbers along x, with error bars; its entry of the legend, if there are any."""
    found = sorted((x, *number) for (a, x), number in numbers.items() if a == arm and x is not None)
    if not found:
        return []
    xs, errors, bars = zip(*found, strict=True)
    look: dict = {
        "linestyle": linestyle,
        "linewidth": 1.2,
        "marker": "D" if is_hollow else "s",
        "markersize": 4,
        "markerfacecolor": "white" if is_hollow else PAPER,
    }
    axes.errorbar(xs, errors, bars, color=PAPER, zorder=1.5, **look)
    return [entry(name, PAPER, **look)]


def curves(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """The paper's points along a curve, arm by arm; the first arm's are hollow."""
    numbers = evidence.paper(view)
    arms = list(dict.fromkeys(arm for arm, _ in numbers))
    each = [
        _points(axes, numbers, arm, f"{view.paper} of the paper: {arm}", ":", arm == arms[0])
        for arm in arms
    ]
    return [one for found in each for one in found]


def against_x(evidence: Evidence, view: View, arms: list[str], axes: plt.Axes) -> list[Line2D]:
    """The paper's points of each arm along x, and its levels; the first arm's are hollow."""
    found = []
    for split in view.splits:
        numbers = evidence.paper(view, split)
        for arm in arms:
            about = [arm] if len(arms) > 1 else []
            about += [SPLITS.get(split, split)] if len(view.splits) > 1 else []
            name = f"{view.paper} of the paper" + (f": {', '.join(about)}" if about else "")
            style = "--" if split == "test" else ":"
            found += _points(axes, numbers, arm, name, style, is_hollow=arm == arms[0])
            if (arm, None) in numbers:
                axes.axhline(numbers[arm, None].percent, color=PAPER, linestyle=":", lw=1.2)
                name = f"{view.paper} of the paper" + (f": {view.level}" if view.level else "")
                found.append(entry(name, PAPER, linestyle=":", lw=1.2))
    return found


def guides(view: View, axes: plt.Axes) -> list[Line2D]:
    """Reference lines to compare the values with."""
    if view.slope == 0:  # a point at x = 0 would stretch the axis
        axes.axhline(0, color=PAPER, linewidth=0.8, zorder=0)
    elif view.slope is not None:
        axes.axline((0, 0), slope=view.slope, color=PAPER, linewidth=0.8, zorder=0)
    found = []
    for (arm, x), style in zip(view.paper_xs, ("--", ":"), strict=False):
        axes.axvline(x, color=PAPER, linestyle=style, lw=1.2)
        found.append(entry(f"{arm}: {x:g} in the paper's text", PAPER, linestyle=style, lw=1.2))
    return found
