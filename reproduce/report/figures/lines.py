"""Lines: values against x, and curves over the updates; each a panel of a figure."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.lines import Line2D

from reproduce.report.evidence import Evidence
from reproduce.report.figures import axes as frame
from reproduce.report.figures import paper_marks, shown
from reproduce.report.labels import measure_label, shared_label
from reproduce.spec import View

# Of several lines of one arm, the first is solid.
LOOKS: tuple[dict, ...] = (
    {"linestyle": "-", "marker": "o"},
    {"linestyle": "--", "marker": "s"},
    {"linestyle": ":", "marker": "D"},
)
LEVELS: tuple[dict, ...] = ({"linestyle": "-."}, {"linestyle": ":"})
# Of lines that several arms have, in a legend.
ANY_ARM = ".45"
# With more places than this, values are a histogram: no markers, and a band for the intervals.
MOST_PLACES = 25
# With more arms than this, a curve panel leaves out the training errors.
MOST_ARMS_IN_FULL = 6
PARTS = {"validation": "validation", "train": "training"}
DASHES = ("-", "--", ":", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)))


def against_x(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Each arm's means with their intervals; returns the entries of the legend."""
    rows = shown.rows(evidence, view)
    arms = [arm for arm in shown.arms(evidence, view) if arm in {*rows.arm}]
    colours = shown.colours(evidence, arms)
    placed, levels = rows[rows.x.notna()], rows[rows.x.isna()]
    # In the view's order: its first split solid, its second dashed.
    in_order = placed.drop_duplicates("line").sort_values(
        "split", key=lambda splits: splits.map(view.splits.index), kind="stable"
    )
    looks: dict[str, dict] = dict(zip(in_order.line, LOOKS, strict=False))
    if placed.x.nunique() > MOST_PLACES:
        looks = {line: look | {"marker": ""} for line, look in looks.items()}
    level_looks = dict(zip(dict.fromkeys(levels.line), LEVELS, strict=False))
    found = paper_marks.against_x(evidence, view, arms, axes)
    for (arm, line), each in placed.groupby(["arm", "line"], sort=False):
        _line(axes, each, colours[arm], looks[line])
    for (arm, line), each in levels.groupby(["arm", "line"], sort=False):
        axes.axhline(each.value.mean(), color=colours[arm], **level_looks[line])
    found += paper_marks.guides(view, axes)
    _limits(evidence, view, axes, rows, placed, colours)
    if len(arms) == 1 and view.arms:
        axes.set_title(arms[0], loc="left")
    names = {view.level or line: look for line, look in level_looks.items()}
    entries = _entries(arms, colours, looks | names) + found
    return entries if len(entries) > 1 else []


def _line(axes: plt.Axes, rows: pd.DataFrame, colour: str, look: dict) -> None:
    groups = rows.groupby("x").value
    places = np.array(list(groups.groups))
    means, below, above = np.array([shown.interval_of(list(v)) for _, v in groups]).T
    if len(places) > MOST_PLACES:
        axes.plot(places, means, color=colour, **look)
        axes.fill_between(places, means - below, means + above, color=colour, alpha=0.2, lw=0)
    else:
        axes.errorbar(places, means, (below, above), color=colour, elinewidth=1.2, **look)


def _entries(arms: Sequence[str], colours: dict[str, str], looks: dict[str, dict]) -> list[Line2D]:
    """Of one arm its lines; of several the arms by colour, then the lines that each of them has."""
    if len(arms) == 1:
        several = len(looks) > 1
        return [
            frame.entry(line if several else arms[0], colours[arms[0]], **look)
            for line, look in looks.items()
        ]
    marker = next(iter(looks.values()), {}).get("marker")
    found = [frame.entry(arm, colours[arm], marker=marker) for arm in arms]
    if len(looks) > 1:
        found += [frame.entry(line, ANY_ARM, **look) for line, look in looks.items() if line]
    return found


def _ends(rows: pd.DataFrame) -> list[float]:
    """Both ends of all intervals."""
    found = [shown.interval_of(list(v)) for _, v in rows.groupby(["arm", "line", "x"]).value]
    return [end for mean, below, above in found for end in (mean - below, mean + above)]


def _limits(
    evidence: Evidence,
    view: View,
    axes: plt.Axes,
    rows: pd.DataFrame,
    placed: pd.DataFrame,
    colours: dict[str, str],
) -> None:
    """Labels, ticks and limits; what is above them is marked."""
    wanted = shared_label(view.measures)
    if view.measures == ("error_percent",) and len(view.splits) == 1:
        wanted = f"{view.splits[0]} {wanted}"
    theirs = [
        (x, number.percent, shown.PAPER)
        for split in view.splits
        for (arm, x), number in evidence.paper(view, split).items()
        if arm in colours and x is not None
    ]
    axes.set_ylim(*frame.reach([*rows.value, *(value for _, value, _ in theirs)], _ends(placed)))
    frame.scale(view, axes, pd.Series([*rows.value, *(value for _, value, _ in theirs)]))
    frame.label(axes, view.x_label, view.y_label or wanted)
    means = placed.groupby(["arm", "line", "x"]).value.mean()
    places = np.unique(placed.x)
    if len(places) > MOST_PLACES:
        frame.tick(axes, places, is_log=False)
        # The rest is empty.
        last = max((x for (*_, x), value in means.items() if value > 0.01 * axes.get_ylim()[1]))
        axes.set_xlim(0, last * 1.05)
    elif view.slope is None:  # else places are the middles of bins
        frame.tick(axes, places, view.log_x)
    ours = [(x, value, colours[arm]) for (arm, _, x), value in means.items()]
    frame.mark_above(axes, ours + theirs)


def curve(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Errors over the updates: a thin line for each seed, since an interval over few seeds at every
    point would hide the curves, and a thick one for their mean. Returns the legend's entries."""
    splits = [split for split in view.splits if split in PARTS] or list(PARTS)
    arms = shown.arms(evidence, view)
    are_many = len(arms) > MOST_ARMS_IN_FULL
    splits = splits[:1] if are_many else splits
    rows = evidence.final
    # From the second point on: the untrained network's 90 % would flatten everything else.
    rows = rows[rows.measure.isin(view.measures) & rows.split.isin(splits) & (rows.step > 0)]
    arms = [arm for arm in arms if arm in {*rows.arm}]
    # Too many to tell apart: colour shows the part before the comma, dashes show the rest.
    parts = {arm: arm.split(", ", 1) if are_many else [arm, ""] for arm in arms}
    kinds = {parts[arm][0]: arm for arm in reversed(arms)}
    of_kind = shown.colours(evidence, [*reversed(kinds.values())])
    colours = {arm: of_kind[kinds[parts[arm][0]]] for arm in arms}
    nets = list(dict.fromkeys(parts[arm][-1] for arm in arms)) if are_many else []
    ends = []
    for (arm, split), each in rows.groupby(["arm", "split"], sort=False):
        dash = DASHES[nets.index(parts[arm][-1]) if nets else splits.index(split)]
        for _, one in each.groupby("seed"):
            axes.plot(one.step, one.value, color=colours[arm], linestyle=dash, lw=0.5, alpha=0.4)
        mean = each.groupby("step").value.mean()
        axes.plot(mean.index, mean, color=colours[arm], linestyle=dash)
        ends.append((float(mean.iloc[-1]), f"{arm}, {PARTS[split]}", colours[arm]))
    theirs = paper_marks.curves(evidence, view, axes) if "validation" in splits else []
    _curve_limits(view, axes, rows, splits)
    if len(ends) > 1 and len(splits) > 1 and not theirs:
        frame.name_ends(axes, ends)
        return []
    entries = [frame.entry(kind, of_kind[arm]) for kind, arm in reversed(kinds.items())]
    dashes = zip(nets or [PARTS[split] for split in splits], DASHES, strict=False)
    if nets or len(splits) > 1:
        entries += [frame.entry(name, ANY_ARM, linestyle=dash) for name, dash in dashes]
    return entries + theirs


def _curve_limits(view: View, axes: plt.Axes, rows: pd.DataFrame, splits: Sequence[str]) -> None:
    part = f"{PARTS[splits[0]]} " if len(splits) == 1 else ""
    last = rows[rows.step == rows.step.max()].value.max()
    # The steep fall at first may be cut off.
    top = min(4 * last, rows.value.max()) if "validation" in splits else rows.value.max()
    bottom = 0.95 * rows.value.min() if list(splits) == ["validation"] else 0
    axes.set_ylim(bottom, 1.02 * top)
    # A run about as long as the paper's is drawn on the paper's linear axis.
    is_short = rows.step.max() < axes.dataLim.x1 / 2 if view.paper else True
    if view.log_x and is_short:
        frame.scale(View(kind="curve", log_x=True), axes, rows.value)
    else:
        axes.xaxis.set_major_formatter(lambda x, _: f"{x:,.0f}")
        axes.set_xlim(0, rows.step.max())
    frame.label(axes, "weight updates", f"{part}{measure_label(view.measures[0])}")
