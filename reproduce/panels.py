"""Evidence and a View -> one panel of a figure."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reproduce import View
from reproduce.evidence import Evidence, interval
from reproduce.tables import told

# With more arms the training errors are left out of a curve's picture.
MOST_ARMS_IN_FULL = 6
PARTS = {"train": "training", "validation": "validation"}
PAPER = ".45"


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """Draws what the view says of the evidence."""
    drawers = {"curve": _curve, "against_x": _against_x, "arms": _arms, "pictures": _pictures}
    drawers[view.kind](evidence, view, axes)


def _limits(values: np.ndarray) -> tuple[float, float]:
    """An error bar: the 95 % t interval, or the value itself when there is but one."""
    found = interval(list(values))
    return (found.mean, found.mean) if found.n < 2 else (found.low, found.high)


def _rows(evidence: Evidence, view: View) -> pd.DataFrame:
    """The last values of what the view draws, and what tells the lines of one arm apart."""
    rows = evidence.final
    rows = rows[rows.measure.isin(view.measures) & rows.split.isin(view.splits)]
    rows = rows[rows.arm.isin(_arm_names(evidence, view))]
    # Training errors are measured along the way too: the last one counts.
    rows = rows[rows.step == rows.groupby("run").step.transform("max")]
    names = [rows.measure.map(told)] if len(view.measures) > 1 else []
    names += [rows.split] if len(view.splits) > 1 else []
    return rows.assign(line=[", ".join(each) for each in zip(*names, strict=True)] if names else "")


def _arm_names(evidence: Evidence, view: View) -> list[str]:
    """The view's arms that the profile runs, in the order declared."""
    arms = dict.fromkeys(cell.arm for cell, _ in evidence.chosen)
    return [arm for arm in arms if not view.arms or arm in view.arms]


def _curve(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = evidence.final
    rows = rows[rows.measure.isin(view.measures) & rows.split.isin(list(PARTS))]
    if rows.arm.nunique() > MOST_ARMS_IN_FULL:
        rows = rows[rows.split == "validation"]
    # From the second point on: the untrained network's 90 % would flatten all the rest.
    rows = rows[rows.step > 0].assign(images=rows.split.map(PARTS))
    sns.lineplot(
        rows,
        x="step",
        y="value",
        hue="arm",
        style="images",
        style_order=["validation", "training"],
        errorbar=_limits,
        ax=axes,
    )
    for (arm, points), marker in zip(_paper_curves(evidence, view).items(), "Ds", strict=False):
        label = f"{arm}, {view.paper} of the paper"
        axes.errorbar(*points, linestyle="none", marker=marker, color=PAPER, label=label)
    ylim = (0, _visible_top(rows))
    axes.set(xlabel="weight updates", ylabel=told(view.measures[0]), ylim=ylim)
    _scale(view, axes)
    axes.legend(title=None, frameon=True, fontsize="x-small" if rows.arm.nunique() > 6 else None)


def _paper_curves(evidence: Evidence, view: View) -> dict[str, tuple]:
    """Arm -> (updates, errors, error bars) of the paper's curves."""
    numbers = evidence.paper() if view.paper else {}
    arms = dict.fromkeys(arm for arm, _ in numbers)
    points = {arm: sorted((x, *n) for (a, x), n in numbers.items() if a == arm) for arm in arms}
    return {arm: tuple(zip(*each, strict=True)) for arm, each in points.items()}


def _visible_top(rows: pd.DataFrame) -> float:
    """2.5 times the worst final validation value: the first steep fall may leave the picture."""
    last = rows[(rows.step == rows.step.max()) & (rows.split == "validation")]
    return 2.5 * float(last.value.max())


def _against_x(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = _rows(evidence, view)
    arms = _arm_names(evidence, view)
    colours = dict(zip(arms, sns.color_palette(n_colors=len(arms)), strict=True))
    placed, levels = rows[rows.x.notna()], rows[rows.x.isna()]
    lines = list(dict.fromkeys(placed.line))
    several = {"style": "line", "style_order": lines} if len(lines) > 1 else {}
    sns.lineplot(
        placed,
        x="x",
        y="value",
        hue="arm",
        hue_order=arms,
        palette=colours,
        marker="o",
        errorbar=_limits,
        err_style="bars",
        ax=axes,
        **several,
    )
    styles = {
        line: style for line, style in zip(dict.fromkeys(levels.line), (":", "-."), strict=False)
    }
    for (arm, line), each in levels.groupby(["arm", "line"], sort=False):
        label = f"{arm}, {line}".rstrip(", ")
        axes.axhline(each.value.mean(), color=colours[arm], linestyle=styles[line], label=label)
    for split in view.splits:
        for arm in arms:
            label = f"{arm}, {view.paper} of the paper"
            _paper_points(evidence, view, axes, arm, split, label)
    wanted = told(view.measures[0])
    if len(view.measures) > 1 or len(view.splits) > 1:
        wanted = wanted.split("(")[-1].rstrip(")") if "(" in wanted else "value"
    elif view.measures == ("error_percent",):
        wanted = f"{view.splits[0]} {wanted}"
    axes.set(xlabel=view.x_label, ylabel=wanted)
    _scale(view, axes)
    if placed.value.min() >= 0:  # an interval may reach below what can be
        axes.set_ylim(bottom=max(axes.get_ylim()[0], 0))
    axes.legend(title=None, frameon=True, fontsize="small")


def _scale(view: View, axes: plt.Axes) -> None:
    if "x" in view.log:
        axes.set(xscale="log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,g}"))
    if "y" in view.log:
        axes.set(yscale="log")
        axes.yaxis.set_major_locator(FixedLocator([1, 2, 3, 5, 10, 20, 30, 50, 100]))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    if view.top is not None:
        axes.set(ylim=(0, min(view.top, axes.get_ylim()[1])))


def _paper_points(
    evidence: Evidence, view: View, axes: plt.Axes, arm: str, split: str, label: str
) -> None:
    numbers = evidence.paper(split).items() if view.paper else ()
    points = sorted((x, *number) for (a, x), number in numbers if a == arm and x is not None)
    if points:
        first = arm == evidence.chosen[0][0].arm
        xs, errors, bars = zip(*points, strict=True)
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


def _arms(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = _rows(evidence, view)
    arms = _arm_names(evidence, view)
    sns.stripplot(rows, x="value", y="arm", order=arms, color=".6", size=5, jitter=False, ax=axes)
    sns.pointplot(
        rows,
        x="value",
        y="arm",
        order=arms,
        errorbar=_limits,
        linestyle="none",
        label="mean of ours",
        capsize=0.2,
        ax=axes,
    )
    paper = evidence.paper() if view.paper else {}
    points = [
        (paper[arm, None].error_percent, at) for at, arm in enumerate(arms) if (arm, None) in paper
    ]
    if points:
        axes.scatter(
            *zip(*points, strict=True),
            marker="D",
            facecolor="white",
            edgecolor=PAPER,
            zorder=3,
            label=f"{view.paper} of the paper",
        )
    axes.set(xlabel=f"{view.splits[0]} {told(view.measures[0])}", ylabel="")
    axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
    axes.legend(title=None, frameon=True)


def _pictures(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """The pictures of every arm side by side, of the one seed that they were kept of."""
    arms = _arm_names(evidence, view)
    found = {
        entry["arm"]: entry["pictures"][view.picture]
        for entry in evidence.runs.values()
        if view.picture in entry.get("pictures", {})
    }
    axes.axis("off")
    drawn = [arm for arm in arms if arm in found]
    for i, arm in enumerate(drawn):
        inset = axes.inset_axes((i / len(drawn), 0, 0.97 / len(drawn), 0.95))
        pixels = plt.imread(io.BytesIO(base64.b64decode(found[arm])), format="png")
        inset.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        inset.set(title=arm, xticks=[], yticks=[])
