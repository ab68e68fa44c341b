"""Evidence -> tables of claims and their verdicts."""

import math
from collections.abc import Sequence
from functools import cache

from reproduce import judge
from reproduce.judge import Interval, Judged
from reproduce.report.evidence import NOT_JUDGED, Evidence, over_images
from reproduce.report.labels import measure_label, number
from reproduce.report.tables import NONE_YET, Table
from reproduce.spec import Claim

# The order of verdicts, by their first words.
ORDER = (judge.REPRODUCED, judge.OPPOSITE, judge.NO_DIFFERENCE, judge.OPEN)
# Of these a claim may say why we think so.
UNLIKE = ORDER[1:]
IMAGES = "over images too"
COLUMNS = (
    "claim",
    "of",
    "difference [interval]",
    IMAGES,
    "margin",
    "n",
    "look",
    "verdict",
)


def unit(claim: Claim) -> str:
    """The unit of a claim's difference; empty where the measure has none."""
    if claim.than_x is not None:
        return "%"
    if claim.measure.endswith("_percent"):
        return "points"
    return "nats" if "(nats)" in measure_label(claim.measure) else ""


def stated_margin(claim: Claim) -> str:
    """The difference that decides whether values count as equal, with its unit."""
    if claim.margin == 1 and unit(claim) == "points":
        return "1 point"
    return f"{claim.margin:g} {unit(claim)}".rstrip()


def digits(claim: Claim, found: Interval) -> int:
    """How many decimals a difference is shown with: two, in points; else as many as give half the
    interval two significant digits, whatever its size. One more if an end would else look like
    zero, on which side of it the verdict depends."""
    half, shown = found.half, 3
    if unit(claim) in ("%", "points"):
        shown = 2
    elif 0 < half < math.inf:
        shown = min(max(1 - math.floor(math.log10(half)), 2), 5)
    return shown + any(end and abs(end) < 0.5 * 10**-shown for end in (found.low, found.high))


@cache  # the report shows it in several places
def claims_table(e: Evidence) -> Table:
    """The claims with paired differences over seeds, the paper's first."""
    rows = []
    for claim, judged in e.verdicts:
        of = f"paper, {claim.paper}" if claim.paper else "ours"
        if judged is None:
            rows.append((claim.text, of, f"not run at the {e.profile} profile", *[""] * 5))
            continue
        measured = measured_difference(claim, judged.found)
        look = f"{judged.look} of {len(judged.looks)}"
        wider = over_images(e, claim, judged)
        images = f"[{number(wider[0])}, {number(wider[1])}]" if wider else ""
        said = verdict(e, claim, judged)
        n = str(judged.found.n)
        rows.append((claim.text, of, measured, images, stated_margin(claim), n, look, said))
    title = (
        f"{e.experiment.source} — {e.profile} profile, {e.budget}: claims; "
        f"{judge.describe(e.standing.looks)}"
    )
    return Table(title, COLUMNS, rows)


def measured_difference(claim: Claim, found: Interval) -> str:
    """The mean difference with its unit and interval."""
    shown = digits(claim, found)
    measured = f"{number(found.mean, shown)} {unit(claim)}".rstrip() if found.n else NONE_YET
    if found.n > 1:
        measured += f" [{number(found.low, shown)}, {number(found.high, shown)}]"
    return measured


def reasons(e: Evidence) -> list[str]:
    """Why, we think, claims are not reproduced, or not yet: a paragraph for each reason, as
    Markdown."""
    whys: dict[tuple[str, str], list[str]] = {}
    for claim, judged in e.verdicts:
        if judged and (said := why(e, claim, judged)):
            head = "Not decided" if judged.verdict == judge.OPEN else "Not reproduced"
            whys.setdefault((head, said), []).append(f"“{claim.text}”")
    return [
        f"{head}: {', '.join(texts)}. Why, we think: {said}" for (head, said), texts in whys.items()
    ]


def why(e: Evidence, claim: Claim, judged: Judged) -> str:
    """Why, we think, a claim that was judged is not reproduced, or open; empty if it is
    reproduced."""
    is_judged = judged.look and verdict(e, claim, judged).startswith(UNLIKE)
    return claim.why if is_judged else ""


def shown(table: Table) -> Table:
    """The same without the column over images, where no row has that."""
    at = table.columns.index(IMAGES)
    if any(row[at] for row in table.rows):
        return table
    rows = [row[:at] + row[at + 1 :] for row in table.rows]
    return Table(table.title, table.columns[:at] + table.columns[at + 1 :], rows)


def tried(table: Table) -> Table:
    """The same without the claims whose arms the profile does not run."""
    return Table(table.title, table.columns, [row for row in table.rows if row[-1] or row[-3]])


def verdict(e: Evidence, claim: Claim, judged: Judged) -> str:
    """A verdict in words; empty if there is nothing to judge yet."""
    found = judged.found
    if not found.n:
        return ""
    if why := e.standing.why_not_judged(claim, judged):
        return NOT_JUDGED + why
    if not judged.is_decided:
        return _open(claim, judged)
    words = judged.verdict
    if words == judge.NO_DIFFERENCE:
        words = f"{words} of {stated_margin(claim)} or more"
    return e.qualified(words)


def _open(claim: Claim, judged: Judged) -> str:
    """An open verdict, with the number of seeds that would be needed."""
    if judged.found.n == 1:
        return f"{judge.OPEN}, one seed"
    if not judged.look:
        return f"{judge.OPEN}: judged from {judged.looks[0]} seeds on"
    needed, last = judge.seeds_needed(judged.found, claim, judged.looks), judged.looks[-1]
    many = f"over {judge.MOST_SEEDS:,}" if needed is None else f"about {needed:,}"
    if judged.look == len(judged.looks):
        return f"{judge.OPEN} after the last look ({many} seeds would be needed)"
    if needed is not None and needed <= judged.found.n:
        # By the last look's interval, which is narrower than this one's.
        return f"{judge.OPEN}: the next look may decide"
    if needed is None or needed > last:
        return f"{judge.OPEN}: {many} seeds needed, the last look is at {last}"
    return f"{judge.OPEN}: {many} seeds needed"


def verdicts_table(found: Sequence[Evidence], profile: str) -> Table:
    """How many claims have which verdict, and which they are."""
    claims: dict[str, list[tuple[bool, str]]] = {}
    for e in found:
        for text, of, measured, *_, said in claims_table(e).rows:
            no_verdict = "no rows yet" if measured == NONE_YET else "not run at this profile"
            label = next((f"{w} ..." for w in ORDER[2:] if said.startswith(w)), said) or no_verdict
            claims.setdefault(label, []).append((of != "ours", f"{e.name}: {text}"))
    rows = []
    for label in sorted(claims, key=lambda v: [v.startswith(word) for word in ORDER], reverse=True):
        each = [text for _, text in claims[label]]
        of_paper = sum(is_papers for is_papers, _ in claims[label])
        rows.append((label.removesuffix(" ..."), str(len(each)), str(of_paper), "; ".join(each)))
    columns = ("verdict", "claims", "of the paper", "which")
    return Table(f"{profile} profile: verdicts", columns, rows)
