"""Evidence -> the README's table, one claim a table of the paper, and a finding in words."""

from collections import Counter
from collections.abc import Sequence

from reproduce import experiments, judge
from reproduce.report import best
from reproduce.report.claims import ORDER, measured_difference, stated_margin, verdict
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.labels import number, shared_label
from reproduce.report.tables import Table
from reproduce.spec import Claim, as_tuple

# In the paper's order. Of each experiment, the paper's first claim that has rows.
SHOWN = (
    "table2",
    "table2_pretrained",
    "fig4",
    "table4",
    "table9",
    "fig7",
    "fig8",
    "fig9a",
    "fig9b",
    "fig10",
    "fig11",
    "fig12",
    "fig13",
    "section9",
    "table10",
)
KINDS = (*ORDER, NOT_JUDGED)
COLUMNS = ("of", "claim", "paper", "ours", "gain [interval]", "n", "budget", "verdict", "cost")


def headlines_table(found: Sequence[Evidence]) -> Table:
    """Both numbers of each claim, the paper's and ours, at the largest budget that has rows."""
    latest = {e.name: e for e in found}  # in the order of the budgets
    rows = [row for name in SHOWN if name in latest if (row := _row(latest[name]))]
    return Table(
        "The paper's numbers and ours: test error in percent, or what the claim names",
        COLUMNS,
        rows,
    )


def leads(found: Sequence[Evidence]) -> list[str]:
    """What README and report begin with, as Markdown: the outcome, and the table; empty without
    rows."""
    table = headlines_table(found)
    if not table.rows:
        return []
    return [*best.beside_the_papers(found), outcome(found), table.markdown(), *_without_rows(found)]


def _without_rows(found: Sequence[Evidence]) -> list[str]:
    """Which experiments of these profiles have no rows yet, as a sentence."""
    profiles, have = {e.profile for e in found}, {e.name for e in found}
    waiting = []
    for name in experiments.names():
        declared = experiments.load(name)
        if name not in have and profiles & {*declared.budgets}:
            waiting.append(f"`{name}` ({declared.title})")
    return [f"Declared, but without rows yet: {', '.join(waiting)}."] if waiting else []


def outcome(found: Sequence[Evidence]) -> str:
    """How the paper's claims came out, each at the largest budget that has rows of it, which
    contradict the paper, and why some are not judged; empty if none has rows."""
    said: dict[tuple[str, str], tuple[str, str]] = {}
    for e in found:  # in the order of the budgets
        place = e.experiment.source.split(",")[0]
        for claim, judged in _tried(e):
            if claim.paper:
                said[e.name, claim.text] = place, verdict(e, claim, judged)
    kinds = Counter(next(k for k in KINDS if each.startswith(k)) for _, each in said.values())
    if not kinds:
        return ""
    counts = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS if kinds[kind])
    opposite: dict[str, list[str]] = {}
    for (_, text), (place, each) in said.items():
        if each.startswith(judge.OPPOSITE):
            opposite.setdefault(place, []).append(f"“{text}”")
    against = "; ".join(f"{place}: {', '.join(texts)}" for place, texts in opposite.items())
    budgets = "" if any(e.profile == "paper" for e in found) else " (none is the paper's own yet)"
    of = f"Of the paper's {kinds.total()} claims with rows"
    said_so = f"{of}, each at the largest budget that has them{budgets}: {counts}."
    said_so += f" The opposite holds of: {against}." if against else ""
    whys = Counter(each.partition(": ")[2] for _, each in said.values() if NOT_JUDGED in each)
    reasons = "; ".join(f"{why} ({n})" for why, n in whys.most_common() if why)
    return said_so + (f" Not judged: {reasons}." if reasons else "")


def _row(e: Evidence) -> tuple[str, ...] | None:
    of_paper = [pair for pair in _tried(e) if pair[0].paper]
    if not of_paper:
        return None
    claim, judged = of_paper[0]  # decided or not: a choice by verdict would favour the decided
    source = e.experiment.source.split(",")[0]
    gain = f"{measured_difference(claim, judged.found)}, margin {stated_margin(claim)}"
    ours = _ours(e, claim, judged)
    if ours and claim.measure != "error_percent":
        measures = (claim.measure, claim.worse_measure or claim.measure)
        ours = f"{shared_label(measures)}: {ours}"
    sides = _paper(e, claim), ours
    # The columns of the budget and of n say how little it may rest on.
    said = verdict(e, claim, judged).removesuffix(" at this budget")
    n = str(judged.found.n)
    return (source, claim.text, *sides, gain, n, e.budget, said, _cost(e))


def _tried(e: Evidence) -> list[tuple[Claim, judge.Judged]]:
    """The claims that have rows, the paper's first."""
    return [(claim, judged) for claim, judged in e.verdicts if judged and judged.found.n]


def _leading(
    pairs: Sequence[tuple[Claim, judge.Judged]], e: Evidence
) -> tuple[Claim, judge.Judged] | None:
    """The first one with a verdict, whichever; else the first open one; else the first."""

    def rank(pair: tuple[Claim, judge.Judged]) -> int:
        if e.standing.why_not_judged(*pair):
            return 2
        return 0 if pair[1].is_decided else 1

    return min(pairs, key=rank, default=None)


def _sides(claim: Claim) -> tuple[tuple[str, float | None], tuple[str, float | None]]:
    """(arm, x) of the worse and of the better side."""
    worse_x = claim.x if claim.worse_x is None else claim.worse_x
    return (as_tuple(claim.worse)[0], worse_x), (as_tuple(claim.better)[0], claim.x)


def _paper(e: Evidence, claim: Claim) -> str:
    numbers = e.paper(e.experiment.view)
    both = [numbers.get(side) for side in _sides(claim)]
    if claim.measure != e.experiment.view.measures[0] or None in both or both[0] == both[1]:
        return ""
    return " vs ".join(number(each.percent) for each in both[::-1] if each)


def means_of_sides(e: Evidence, claim: Claim, judged: judge.Judged) -> str:
    """The two means that the claim compares if both are test errors, in percent; else empty."""
    compares_more = claim.worse_measure or claim.worse_split
    if claim.measure != "error_percent" or claim.split != "test" or compares_more:
        return ""
    return _ours(e, claim, judged)


def _ours(e: Evidence, claim: Claim, judged: judge.Judged) -> str:
    """The two means that the claim compares, over the seeds that its interval is of, in the
    measure's unit; empty for relative gains."""
    if claim.than_x is not None:
        return ""
    sides = (claim.better, claim.worse)
    splits = (claim.split, claim.worse_split or claim.split)
    measures = (claim.measure, claim.worse_measure or claim.measure)
    means = []
    for arms, (_, x), split, measure in zip(
        sides, _sides(claim)[::-1], splits, measures, strict=True
    ):
        each = [list(e.values(arm, x, split, measure)) for arm in as_tuple(arms)]
        values = [value for of_arm in each for value in of_arm[: judged.found.n]]
        mean = sum(values) / len(values)
        means.append(number(mean) if measure.endswith("_percent") else f"{mean:.3g}")
    return " vs ".join(means)


def _cost(e: Evidence) -> str:
    minutes = sum(entry.get("seconds", 0) for entry in e.runs.values()) / 60
    devices = sorted({"CPU" if entry["device"] == "CPU" else "GPU" for entry in e.runs.values()})
    return f"{minutes:.0f} min, {' and '.join(devices)}"


def leading(e: Evidence) -> tuple[Claim, judge.Judged] | None:
    """The first of the paper's claims that has a verdict, else the first open one; of ours, where
    the paper makes none."""
    tried = _tried(e)
    return _leading([pair for pair in tried if pair[0].paper] or tried, e)


def finding(e: Evidence) -> str:
    """One sentence: the leading claim with its verdict and its numbers."""
    found = leading(e)
    if found is None:
        return f"{e.experiment.title}: no claim can be judged yet."
    return _sentence(e, *found)


def _sentence(e: Evidence, claim: Claim, judged: judge.Judged) -> str:
    said = verdict(e, claim, judged)
    seeds = "1 seed" if judged.found.n == 1 else f"{judged.found.n} seeds"
    rests_on = f"{seeds}, {e.budget}"
    if not said.startswith(NOT_JUDGED):  # else a number would be read as a result
        sides = means_of_sides(e, claim, judged)
        levels = f"; test error in percent: {sides}" if sides else ""
        rests_on = f"gain {measured_difference(claim, judged.found)}{levels}; {rests_on}"
    return f"Finding: {claim.text}: {said} ({rests_on})."
