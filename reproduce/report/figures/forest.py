"""A forest plot: the claims' paired differences with their intervals, as one panel of a figure."""

import matplotlib.pyplot as plt

from reproduce.judge import OPEN
from reproduce.report.claims import verdict
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.labels import measure_label
from reproduce.spec import View

UNCERTAIN = ".6"


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """One line per claim; right of 0 favours the claim. Grey: open or not judged."""
    shown = [
        (claim, judged.found, verdict(evidence, claim, judged))
        for claim, judged in evidence.verdicts
        # Only claims with the same unit and with a direction.
        if claim.measure in view.measures and claim.within is None and claim.than_x is None
        if judged is not None and judged.found.n
    ]
    for at, (_, each, said) in enumerate(shown):
        colour = UNCERTAIN if said.startswith((OPEN, NOT_JUDGED)) else "C0"
        # One seed has no interval.
        reach = (each.mean - each.low, each.high - each.mean) if each.n > 1 else (0, 0)
        axes.errorbar(
            each.mean, at, xerr=[[reach[0]], [reach[1]]], fmt="o", color=colour, capsize=3
        )
    axes.axvline(0, color=".3", linewidth=1)
    axes.set(yticks=range(len(shown)), yticklabels=[claim.text for claim, *_ in shown])
    axes.set(xlabel=f"{measure_label(view.measures[0])}, in the claim's favour")
    if shown:
        axes.set_ylim(len(shown) - 0.5, -0.5)
        # An interval over few seeds may extend far beyond all means, and is then cut off.
        furthest = 3 * max(max(abs(each.mean) for _, each, _ in shown), 1e-9)
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, -furthest), min(high, furthest))
