"""Evidence -> tables of claims and their verdicts."""

import math
from collections.abc import Sequence
from functools import cache

from reproduce.report.evidence import Evidence
from reproduce.report.labels import measure_label, number
from reproduce.report.tables import NONE_YET, Table
from reproduce.report.verdicts import (
    INCONCLUSIVE,
    NOT_JUDGED,
    NOT_REPRODUCED,
    REPRODUCED,
    Interval,
    claim_verdict,
    interval,
)
from reproduce.spec import Claim

# The order of verdicts, by their first words.
ORDER = (REPRODUCED, NOT_REPRODUCED, INCONCLUSIVE)


def _unit(claim: Claim) -> str:
    if claim.than_x is not None:
        return "%"
    if claim.measure.endswith("_percent"):
        return "points"
    return "nats" if "(nats)" in measure_label(claim.measure) else ""


def _digits(found: Interval) -> int:
    """As many decimals as give half the interval two significant digits, whatever its size."""
    half = found.high - found.mean
    return min(max(1 - math.floor(math.log10(half)), 2), 5) if 0 < half < math.inf else 3


@cache  # the report shows it in several places
def claims_table(e: Evidence) -> Table:
    """The claims stated before running, with paired differences over seeds."""
    rows = []
    for claim in e.experiment.claims:
        values = e.difference(claim)
        if values is None:
            rows.append((claim.text, f"not run at the {e.profile} profile", "0", "", ""))
            continue
        found = interval(values)
        unit = _unit(claim)
        digits = 2 if unit in ("%", "points") else _digits(found)
        measured = NONE_YET if not found.n else f"{number(found.mean, digits)} {unit}".rstrip()
        if found.n > 1:
            measured += f" [{number(found.low, digits)}, {number(found.high, digits)}]"
        verdict = e.qualified(claim_verdict(found, claim.margin, claim.within)) if found.n else ""
        if found.n and e.is_undertrained(claim):
            verdict = f"{NOT_JUDGED}: undertrained at this budget"
        elif verdict.startswith((REPRODUCED, NOT_REPRODUCED)) and e.is_explained_by_training(claim):
            verdict = f"{NOT_JUDGED}: the training error differs as much at this budget"
        rows.append((claim.text, measured, str(found.n), e.budget, verdict))
    title = f"{e.experiment.source} — {e.profile} profile: claims"
    columns = ("claim", "difference [95 % interval]", "n", "budget", "verdict")
    return Table(title, columns, rows)


def all_claims_table(found: Sequence[Evidence]) -> Table:
    """The claims of many experiments that were tested."""
    rows = [(e.experiment.source, *row) for e in found for row in claims_table(e).rows if row[-1]]
    columns = ("of", "claim", "difference [95 % interval]", "n", "budget", "verdict")
    return Table("Claims and what was measured", columns, rows)


def verdicts_table(found: Sequence[Evidence], profile: str) -> Table:
    """Which claims of all experiments could be judged, and which could not."""
    claims: dict[str, list[str]] = {}
    for e in found:
        for text, measured, _, _, verdict in claims_table(e).rows:
            no_verdict = "no rows yet" if measured == NONE_YET else "not run at this profile"
            claims.setdefault(verdict or no_verdict, []).append(f"{e.name}: {text}")
    rows = []
    for verdict in sorted(
        claims, key=lambda v: [v.startswith(word) for word in ORDER], reverse=True
    ):
        is_open = verdict.startswith(INCONCLUSIVE)
        label = f"{verdict}: cannot be judged with so few seeds and updates" if is_open else verdict
        rows.append((label, str(len(claims[verdict])), "; ".join(claims[verdict])))
    return Table(f"{profile} profile: what can be judged", ("verdict", "claims", "which"), rows)
