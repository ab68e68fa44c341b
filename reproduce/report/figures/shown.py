"""What a view shows of the evidence: its arms with their colours, its rows, their intervals."""

import re
from collections.abc import Sequence
from itertools import cycle

import pandas as pd

from reproduce.judge import Interval, interval
from reproduce.report.evidence import Evidence
from reproduce.report.labels import measure_label, shared_label
from reproduce.spec import Run, View

# Of Okabe and Ito's palette, which readers with any kind of colour vision can tell apart.
WITHOUT, DROPOUT = "#262626", "#D55E00"
OTHERS = ("#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
PAPER = "#808080"
SPLITS = {"train": "training"}
# The paper's probability to keep a hidden unit.
USUAL_KEEP = 0.5


def arms(evidence: Evidence, view: View) -> list[str]:
    """The view's arms that the profile runs, in the order declared."""
    declared = dict.fromkeys(cell.arm for cell, _ in evidence.chosen)
    return [arm for arm in declared if not view.arms or arm in view.arms]


def rows(evidence: Evidence, view: View) -> pd.DataFrame:
    """The last values of what the view draws, with a column that names the lines of one arm."""
    found = evidence.final
    found = found[found.measure.isin(view.measures) & found.split.isin(view.splits)]
    found = found[found.arm.isin(arms(evidence, view))]
    if view.from_x is not None:
        found = found[found.x.isna() | (found.x >= view.from_x)]
    # Training errors are also measured during training; only the last one counts.
    found = found[found.step == found.groupby("run").step.transform("max")]
    names = [found.measure.map(_short(view))] if len(view.measures) > 1 else []
    names += [found.split.replace(SPLITS)] if len(view.splits) > 1 else []
    lines = [", ".join(each) for each in zip(*names, strict=True)] if names else ""
    return found.assign(line=lines)


def _short(view: View) -> dict[str, str]:
    """The measures' labels without their unit, and without the words that the axis has."""
    shared = shared_label(view.measures)
    labels = {measure: measure_label(measure) for measure in view.measures}
    return {
        measure: re.sub(r" \(.*\)$", "", label.removesuffix(shared).strip() or label)
        for measure, label in labels.items()
    }


def interval_of(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean, and how far the 95 % t interval reaches below and above it; 0 for one value."""
    found: Interval = interval(list(values))
    if found.n < 2:
        return found.mean, 0.0, 0.0
    return found.mean, found.mean - found.low, found.high - found.mean


def colours(evidence: Evidence, names: Sequence[str], told_apart: bool = True) -> dict[str, str]:
    """The colour of each arm, the same in all figures: one of arms without dropout, one of arms
    with it, and others for its variants. If arms are to be told apart by colour alone, only one arm
    has each: of those with dropout the one nearest to the paper's p."""
    runs = {
        name: [run for cell, _ in evidence.chosen if cell.arm == name for run in cell.candidates]
        for name in names
    }

    def distance(name: str) -> float:
        if _usual(name, runs[name]) == WITHOUT:
            return 0.0
        return min(abs(keep - USUAL_KEEP) for run in runs[name] for keep in run.keeps)

    found: dict[str, str] = {}
    others = cycle(OTHERS)
    usual_first = sorted(names, key=distance) if told_apart else names
    for name in [*(n for n in usual_first if _usual(n, runs[n])), *names]:
        if name in found:
            continue
        own = _usual(name, runs[name])
        is_free = own is not None and not (told_apart and own in found.values())
        found[name] = own if own is not None and is_free else next(others)
    return found


def _usual(name: str, runs: Sequence[Run]) -> str | None:
    """The colour of arms without dropout, or of those with it; None for its variants."""
    if name.lower().startswith(("no dropout", "without dropout")):
        return WITHOUT
    if all(min(run.keep_input, *run.keep_conv, *run.keeps) == 1 for run in runs):
        return WITHOUT
    is_variant = any(run.noise != "bernoulli" or run.conv_dropout != "unit" for run in runs)
    return None if is_variant else DROPOUT
