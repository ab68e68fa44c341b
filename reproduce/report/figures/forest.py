"""A forest plot: the claims' paired differences with their intervals, as one panel of a figure."""

import matplotlib.pyplot as plt

from reproduce.report.claims import claims_table
from reproduce.report.evidence import Evidence
from reproduce.report.labels import measure_label
from reproduce.report.verdicts import INCONCLUSIVE, NOT_JUDGED, interval
from reproduce.spec import View

UNCERTAIN = ".6"


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> None:
    """One line per claim, in the order declared; right of 0 favours the claim. Grey: inconclusive
    or not judged."""
    claims = [
        (c.text, evidence.difference(c))
        for c in evidence.experiment.claims
        # Only claims with the same unit and with a direction.
        if c.measure in view.measures and c.within is None and c.than_x is None
    ]
    found = [(text, interval(list(values))) for text, values in claims if values is not None]
    shown = [(text, each) for text, each in found if each.n]
    verdicts = {text: verdict for text, _, _, _, verdict in claims_table(evidence).rows}
    for at, (text, each) in enumerate(shown):
        is_open = verdicts[text].startswith((INCONCLUSIVE, NOT_JUDGED))
        colour = UNCERTAIN if is_open else "C0"
        # One seed has no interval.
        reach = (each.mean - each.low, each.high - each.mean) if each.n > 1 else (0, 0)
        axes.errorbar(
            each.mean, at, xerr=[[reach[0]], [reach[1]]], fmt="o", color=colour, capsize=3
        )
    axes.axvline(0, color=".3", linewidth=1)
    axes.set(yticks=range(len(shown)), yticklabels=[text for text, _ in shown])
    axes.set(xlabel=f"{measure_label(view.measures[0])}, in the claim's favour")
    if shown:
        axes.set_ylim(len(shown) - 0.5, -0.5)
        # An interval over few seeds may extend far beyond all means, and is then cut off.
        furthest = 3 * max(max(abs(each.mean) for _, each in shown), 1e-9)
        low, high = axes.get_xlim()
        axes.set_xlim(max(low, -furthest), min(high, furthest))
