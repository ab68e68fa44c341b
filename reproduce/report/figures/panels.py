"""Evidence and a View -> one panel of a figure."""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from reproduce.judge import interval
from reproduce.report.evidence import Evidence
from reproduce.report.figures import axes as frame
from reproduce.report.figures import forest, gallery, paper_marks
from reproduce.report.figures.paper_marks import PAPER
from reproduce.report.labels import measure_label, shared_label
from reproduce.spec import View

# With more arms than this, a curve panel leaves out the training errors.
MOST_ARMS_IN_FULL = 6
PARTS = {"validation": "validation", "train": "training"}


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """Draws the evidence as the view describes."""
    drawers = {
        "curve": _curve,
        "against_x": _against_x,
        "arms": _arms,
        "claims": forest.draw,
        "pictures": gallery.draw,
    }
    drawers[view.kind](evidence, view, axes)


def _limits(values: np.ndarray) -> tuple[float, float]:
    """An error bar: the 95 % t interval, or the value itself if there is only one."""
    found = interval(list(values))
    return (found.mean, found.mean) if found.n < 2 else (found.low, found.high)


def _rows(evidence: Evidence, view: View) -> pd.DataFrame:
    """The last values of what the view draws, with a column that names the lines of one arm."""
    rows = evidence.final
    rows = rows[rows.measure.isin(view.measures) & rows.split.isin(view.splits)]
    rows = rows[rows.arm.isin(_arm_names(evidence, view))]
    if view.from_x is not None:
        rows = rows[rows.x.isna() | (rows.x >= view.from_x)]
    # Training errors are also measured during training; only the last one counts.
    rows = rows[rows.step == rows.groupby("run").step.transform("max")]
    names = [rows.measure.map(measure_label)] if len(view.measures) > 1 else []
    names += [rows.split] if len(view.splits) > 1 else []
    return rows.assign(line=[", ".join(each) for each in zip(*names, strict=True)] if names else "")


def _arm_names(evidence: Evidence, view: View) -> list[str]:
    """The view's arms that the profile runs, in the order declared."""
    arms = dict.fromkeys(cell.arm for cell, _ in evidence.chosen)
    return [arm for arm in arms if not view.arms or arm in view.arms]


def _curve(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = evidence.final
    rows = rows[rows.measure.isin(view.measures) & rows.split.isin(list(PARTS))]
    # From the second point on: the untrained network's 90 % would flatten everything else.
    rows = rows[rows.step > 0].assign(images=rows.split.map(PARTS))
    hue, style = "arm", "images"
    orders = {hue: _arm_names(evidence, view), style: list(PARTS.values())}
    if rows.arm.nunique() > MOST_ARMS_IN_FULL:
        # Too many to tell apart: colour shows the part before the comma, dashes show the rest.
        parts = pd.DataFrame([arm.split(", ", 1) for arm in rows.arm], rows.index)
        rows = rows.assign(kind=parts[0], net=parts[1])[rows.split == "validation"]
        hue, style = "kind", "net"
        orders = {name: list(dict.fromkeys(rows[name])) for name in (hue, style)}
    present = [each for each in orders[style] if each in {*rows[style]}]
    look = {"x": "step", "y": "value", "hue": hue, "hue_order": orders[hue]}
    look |= {"style": style, "style_order": present}
    sns.lineplot(rows, **look, errorbar=None, ax=axes)
    # A thin line per seed: an interval over few seeds at every point would hide the curves.
    each = {"units": "seed", "estimator": None, "linewidth": 0.5, "alpha": 0.5, "legend": False}
    sns.lineplot(rows, **look, **each, ax=axes)
    paper_marks.curves(evidence, view, axes)
    ylim = (0, frame.visible_top(rows))
    what = (
        measure_label(view.measures[0])
        if style == "images"
        else f"validation {measure_label(view.measures[0])}"
    )
    axes.set(xlabel="weight updates", ylabel=what, ylim=ylim)
    # A run about as long as the paper's is drawn on the paper's linear axis.
    is_short = rows.step.max() < axes.dataLim.x1 / 2 if view.paper else True
    frame.scale(replace(view, log_x=view.log_x and is_short), axes, rows.value)
    frame.legend(axes)


def _against_x(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = _rows(evidence, view)
    arms = _arm_names(evidence, view)
    colours = dict(zip(arms, sns.color_palette(n_colors=len(arms)), strict=True))
    placed, levels = rows[rows.x.notna()], rows[rows.x.isna()]

    def paper(split):
        numbers = evidence.paper(view, split)
        return {place: number for place, number in numbers.items() if place[1] is not None}

    # In the view's order: its first split solid, its second dashed.
    places = placed.drop_duplicates("line").sort_values(
        "split", key=lambda splits: splits.map(view.splits.index), kind="stable"
    )
    lines = list(places.line)
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
    styles = dict(zip(dict.fromkeys(levels.line), (":", "-."), strict=False))
    for (arm, line), each in levels.groupby(["arm", "line"], sort=False):
        label = f"{arm}, {view.level or line}".rstrip(", ")
        axes.axhline(each.value.mean(), color=colours[arm], linestyle=styles[line], label=label)
    for split in view.splits:
        for arm in arms:
            paper_marks.points(paper(split), view, axes, arm, split, first=arm == arms[0])
            level = evidence.paper(view, split).get((arm, None))
            if level is not None:
                label = f"{arm}, {view.level or 'one level'} in {view.paper} of the paper"
                axes.axhline(level.percent, color=PAPER, linestyle=":", label=label)
    wanted = shared_label(view.measures)
    if view.measures == ("error_percent",) and len(view.splits) == 1:
        wanted = f"{view.splits[0]} {wanted}"
    paper_marks.guides(view, axes)
    axes.set(xlabel=view.x_label, ylabel=wanted)
    places = np.unique(placed.x)
    # A tick at each place if there is room, unless places are the middles of bins.
    if (
        not view.log_x
        and view.slope is None
        and np.diff(places).min(initial=np.inf) > 0.095 * np.ptp(places)
    ):
        axes.set_xticks(places)
    theirs = [(x, n.percent, PAPER) for s in view.splits for (_, x), n in paper(s).items()]
    axes.set_ylim(*frame.reach([*rows.value, *(value for _, value, _ in theirs)]))
    frame.scale(view, axes, rows.value)
    means = placed.groupby(["arm", "line", "x"]).value.mean()
    ours = [(x, value, colours[arm]) for (arm, _, x), value in means.items()]
    frame.mark_above(axes, ours + theirs)
    frame.legend(axes)


def _arms(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    rows = _rows(evidence, view)
    arms = _arm_names(evidence, view)
    look = {"data": rows, "x": "value", "y": "arm", "order": arms, "ax": axes}
    sns.stripplot(**look, color=".6", size=5, jitter=False)
    mean = {"errorbar": _limits, "linestyle": "none", "capsize": 0.2, "label": "mean of ours"}
    sns.pointplot(**look, **mean)
    paper = evidence.paper(view)
    found = {at: paper[arm, None] for at, arm in enumerate(arms) if (arm, None) in paper}
    if found:
        axes.scatter(
            [number.percent for number in found.values()],
            [*found],
            marker="D",
            facecolor="white",
            edgecolor=PAPER,
            zorder=3,
            label=f"{view.paper} of the paper",
        )
    axes.set(xlabel=f"{view.splits[0]} {measure_label(view.measures[0])}", ylabel="")
    shown = [*rows.value, *(number.percent for number in found.values())]
    axes.set_xlim(*frame.reach(shown))
    frame.legend(axes)
