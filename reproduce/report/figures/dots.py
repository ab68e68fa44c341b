"""Dots with intervals, one line each: arms, combinations of factors, claims."""

from itertools import chain

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.transforms import ScaledTranslation, blended_transform_factory

from reproduce.judge import OPEN
from reproduce.report.claims import verdict
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.figures import axes as frame
from reproduce.report.figures import shown
from reproduce.report.figures.heading import wrapped
from reproduce.report.labels import measure_label, number
from reproduce.spec import View

# In points: the labels' width; the height of a line, by kind; that of axis and legend.
LABEL, CLAIM_LABEL = 240.0, 290.0
LINES = {"arms": 33.0, "combinations": 14.0, "claims": 20.0}
REST = 62.0
# Between the columns that show which factors are on.
COLUMN = 20.0
BAR: dict = {"capsize": 3, "elinewidth": 1.6, "markersize": 6}
FACTORS = " + "


def height(evidence: Evidence, view: View) -> float:
    if view.kind == "claims":
        return LINES["claims"] * len(found_claims(evidence, view)) + REST
    names = 75 if view.kind == "combinations" else 0
    return LINES[view.kind] * len(shown.arms(evidence, view)) + REST + names


def _values(evidence: Evidence, view: View) -> dict[str, list[float]]:
    rows = shown.rows(evidence, view)
    return {arm: list(rows[rows.arm == arm].value) for arm in shown.arms(evidence, view)}


def _ends(values: dict[str, list[float]]) -> list[float]:
    """Of the arms' intervals."""
    found = [shown.interval_of(each) for each in values.values() if each]
    return [end for mean, below, above in found for end in (mean - below, mean + above)]


def arms(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Each arm's mean with its interval and its seeds; the paper's value. Returns the legend's
    entries."""
    values = _values(evidence, view)
    paper = {arm: n.percent for (arm, x), n in evidence.paper(view).items() if x is None}
    colours = shown.colours(evidence, [*values], told_apart=False)
    for at, (arm, each) in enumerate(values.items()):
        if arm in paper:
            axes.plot(paper[arm], at, "D", color=shown.PAPER, markerfacecolor="none", zorder=3)
        if not each:
            continue
        mean, *reach = shown.interval_of(each)
        axes.errorbar(mean, at, xerr=[[r] for r in reach], fmt="o", color=colours[arm], **BAR)
        axes.plot(each, [at + 0.22] * len(each), "o", color=colours[arm], alpha=0.5, markersize=3)
        axes.annotate(
            number(mean), (mean, at), (0, 5), textcoords="offset points", ha="center", va="bottom"
        )
    labels = [
        wrapped(arm, 9, LABEL) + ("" if each else "\n(no runs yet)") for arm, each in values.items()
    ]
    axes.set(yticks=range(len(values)), yticklabels=labels, ylim=(len(values) - 0.5, -0.6))
    axes.grid(visible=False, axis="y")
    theirs = [paper[arm] for arm in values if arm in paper]
    axes.set_xlim(*frame.reach([*chain(*values.values()), *theirs], _ends(values)))
    frame.label(axes, f"{view.splits[0]} {measure_label(view.measures[0])}")
    entries = [
        frame.entry("mean of ours, 95 % interval", ".3", marker="o", linestyle="-"),
        frame.entry("a seed", ".3", marker="o", markersize=3, linestyle="", alpha=0.5),
    ]
    if {*paper} & {*values}:
        look = {"marker": "D", "linestyle": "", "markerfacecolor": "none"}
        entries.append(frame.entry(f"{view.paper} of the paper", shown.PAPER, **look))
    return entries


def combinations(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Arms that are named by what they combine, the best first; dots at the left show which factors
    are on. Returns the legend's entries."""
    values = {arm: each for arm, each in _values(evidence, view).items() if each}
    order = sorted(values, key=lambda arm: shown.interval_of(values[arm])[0])
    colours = shown.colours(evidence, order, told_apart=False)
    look = BAR | {"markersize": 4, "capsize": 2, "elinewidth": 1.2}
    for colour in dict.fromkeys(colours.values()):
        rows = [at for at, arm in enumerate(order) if colours[arm] == colour]
        each = np.array([shown.interval_of(values[order[at]]) for at in rows])
        axes.errorbar(each[:, 0], rows, xerr=each[:, 1:].T, fmt="o", color=colour, **look)
    parts = [arm.split(FACTORS) for arm in order]
    # A profile may run a factor alone only.
    declared = [cell.arm.split(FACTORS) for cell in evidence.experiment.cells]
    combined = {part for each in (*parts, *declared) for part in each if len(each) > 1}
    factors = [arm for arm in values if arm in combined]
    for column, factor in enumerate(factors, start=-len(factors)):
        _switches(axes, column, factor, [factor in each for each in parts])
    axes.set(yticks=[], ylim=(len(order) - 0.5, -0.7))
    axes.set_xlim(*frame.reach([*chain(*values.values())], _ends(values)))
    frame.label(axes, f"{view.splits[0]} {measure_label(view.measures[0])}")
    kinds = {shown.DROPOUT: "with dropout", shown.WITHOUT: "without"}
    return [
        frame.entry(f"{kinds[colour]}, mean and 95 % interval", colour, marker="o")
        for colour in kinds
        if colour in colours.values()
    ]


def _switches(axes: plt.Axes, column: int, factor: str, are_on: list[bool]) -> None:
    """One factor's column of dots left of the axes, with its name above."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    left = axes.transAxes + ScaledTranslation(COLUMN * column / 72, 0, figure.dpi_scale_trans)
    look: dict = {"linestyle": "", "clip_on": False}
    for is_on, colour, size in ((True, ".25", 6), (False, ".88", 4)):
        rows = [at for at, each in enumerate(are_on) if each == is_on]
        place = blended_transform_factory(left, axes.transData)
        axes.plot([0] * len(rows), rows, "o", color=colour, ms=size, transform=place, **look)
    above = blended_transform_factory(left, axes.transAxes)
    axes.text(0, 1.01, factor, rotation=45, rotation_mode="anchor", transform=above)


def found_claims(evidence: Evidence, view: View) -> list[tuple]:
    """Of the claims with the view's unit and with a direction: claim, difference, whether open."""
    return [
        (claim, judged.found, said.startswith((OPEN, NOT_JUDGED)))
        for claim, judged in evidence.verdicts
        if claim.measure in view.measures and claim.within is None and claim.than_x is None
        if judged is not None and judged.found.n
        for said in [verdict(evidence, claim, judged)]
    ]


def claims(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """One line per claim; right of 0 favours the claim. Hollow: open or not judged. Returns the
    legend's entries."""
    found = found_claims(evidence, view)
    for at, (_, each, is_open) in enumerate(found):
        # One seed has no interval.
        reach = (each.mean - each.low, each.high - each.mean) if each.n > 1 else (0, 0)
        axes.errorbar(
            each.mean,
            at,
            xerr=[[reach[0]], [reach[1]]],
            fmt="o",
            color=shown.OTHERS[0],
            markerfacecolor="white" if is_open else shown.OTHERS[0],
            **BAR,
        )
    axes.axvline(0, color=".3", linewidth=1)
    labels = [wrapped(claim.text, 9, CLAIM_LABEL) for claim, *_ in found]
    axes.set(yticks=range(len(found)), yticklabels=labels)
    axes.grid(visible=False, axis="y")
    if found:
        axes.set_ylim(len(found) - 0.5, -0.5)
        # An interval over few seeds may extend far beyond all means, and is then cut off.
        furthest = 3 * max(max(abs(each.mean) for _, each, _ in found), 1e-9)
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, -furthest), min(high, furthest))
    what = measure_label(view.measures[0]).replace("(%)", "(points)")
    frame.label(axes, f"difference in {what}, right of 0 in the claim's favour")
    blue = shown.OTHERS[0]
    return [
        frame.entry("decided", blue, marker="o", markersize=6),
        frame.entry("open or not judged", blue, marker="o", markersize=6, markerfacecolor="white"),
    ]
