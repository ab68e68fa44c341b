"""The paper's own numbers, in grey beside ours."""

import matplotlib.pyplot as plt

from reproduce.report.evidence import Evidence
from reproduce.spec import View

PAPER = ".45"


def curves(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """The paper's points along a curve, arm by arm, with error bars; the first arm's are hollow."""
    numbers = evidence.paper(view)
    arms = dict.fromkeys(arm for arm, _ in numbers)
    for arm, marker in zip(arms, "Ds", strict=False):
        found = sorted((x, *number) for (a, x), number in numbers.items() if a == arm)
        xs, errors, bars = zip(*found, strict=True)
        label = f"{arm}, {view.paper} of the paper"
        axes.errorbar(
            xs,
            errors,
            bars,
            linestyle=":",
            linewidth=1,
            marker=marker,
            markersize=4,
            markerfacecolor="white" if marker == "D" else PAPER,
            color=PAPER,
            label=label,
        )


def points(numbers: dict, view: View, axes: plt.Axes, arm: str, split: str, first: bool) -> None:
    """The paper's points of one arm along x; the first arm's are hollow."""
    found = sorted((x, *number) for (a, x), number in numbers.items() if a == arm)
    if found:
        label = f"{arm}, {view.paper} of the paper"
        xs, errors, bars = zip(*found, strict=True)
        axes.errorbar(
            xs,
            errors,
            bars,
            linestyle="--" if split == "test" else ":",
            marker="D" if first else "s",
            markersize=5,
            markerfacecolor="white" if first else PAPER,
            color=PAPER,
            alpha=0.7,
            label=label if len(view.splits) == 1 else f"{label} ({split})",
        )


def guides(view: View, axes: plt.Axes) -> None:
    """Reference lines to compare the values with."""
    if view.slope == 0:  # a point at x = 0 would stretch the axis
        axes.axhline(0, color=PAPER, linewidth=0.8, zorder=0)
    elif view.slope is not None:
        axes.axline((0, 0), slope=view.slope, color=PAPER, linewidth=0.8, zorder=0)
    for (arm, x), style in zip(view.paper_xs, ("--", ":"), strict=False):
        axes.axvline(x, color=PAPER, linestyle=style, label=f"{arm}, {x:g} in the paper's text")
