"""A claim and its rows -> what the page shows of it, as text."""

from dataclasses import dataclass
from statistics import fmean

from reproduce import judge
from reproduce.judge import Judged, cells_of
from reproduce.report.claims import claims_table, digits, why
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.labels import measure_label, number
from reproduce.report.page.strip import Chart, chart
from reproduce.report.tables import place
from reproduce.spec import Claim, as_tuple

# A verdict's first words -> its name in the page.
NO_RESULT = "No result"
KINDS = {
    judge.REPRODUCED: "Reproduced",
    judge.OPPOSITE: "Opposite",
    judge.NO_DIFFERENCE: "No difference",
    judge.OPEN: "Open",
    NOT_JUDGED: "Not judged",
    "": NO_RESULT,
}


@dataclass(frozen=True)
class Side:
    """One of the two that a claim compares: the paper's number, where it gives one, and ours."""

    name: str
    paper: str
    ours: str


@dataclass(frozen=True)
class Shown:
    """A claim as the page shows it. The texts are those of `claims_table`."""

    id: str
    text: str
    of: str
    kind: str
    # What the verdict adds to its kind, such as how many seeds are needed.
    note: str
    measured: str
    images: str
    margin: str
    n: str
    look: str
    what: str
    sides: tuple[Side, ...]
    chart: Chart | None
    why: str

    @property
    def is_papers(self) -> bool:
        return self.of != "ours"


def claims(e: Evidence) -> list[Shown]:
    """All claims of an experiment at a profile, in the order of `claims_table`."""
    pairs = zip(e.verdicts, claims_table(e).rows, strict=True)
    return [_shown(e, i, *pair, row) for i, (pair, row) in enumerate(pairs, start=1)]


def _shown(e: Evidence, i: int, claim: Claim, judged: Judged | None, row: tuple) -> Shown:
    text, of, measured, images, margin, n, look, said = row
    first = next(words for words in KINDS if said.startswith(words))
    kind, note = KINDS[first], said.removeprefix(first).lstrip(": ")
    drawn: Chart | None = None
    sides: tuple[Side, ...] = ()
    if kind == NO_RESULT or judged is None:
        note, measured = ("no rows yet" if judged else measured), ""
    else:
        values = e.standing.values.difference(claim) or {}
        counted = _counted(e, claim, judged) & {*values}
        drawn, sides = chart(claim, judged.found, values, counted), _sides(e, claim, judged)
    return Shown(
        id=f"{e.name}-{e.profile}-{i}",
        text=text,
        of=of,
        kind=kind,
        note=note,
        measured=measured,
        images=images,
        margin=margin,
        n=n,
        look=look,
        what=_what(claim),
        sides=sides,
        chart=drawn,
        why=why(e, claim, judged) if judged else "",
    )


def _counted(e: Evidence, claim: Claim, judged: Judged) -> set[int]:
    """The seeds behind the interval: those of the last look; before the first, all."""
    ended = e.standing.values.ended(cells_of(claim, e.standing.values.cells))
    return {*(ended[: judged.looks[judged.look - 1]] if judged.look else ended)}


def _what(claim: Claim) -> str:
    if claim.than_x is not None:
        return "relative gain (%)"
    if claim.worse_measure or claim.worse_split:
        return "value"
    return f"{claim.split} {measure_label(claim.measure)}"


def _shared_x(claim: Claim) -> bool:
    """Whether the claim compares arms at one x, which its text names."""
    return claim.worse_x in (None, claim.x) and claim.worse != claim.better


def _sides(e: Evidence, claim: Claim, judged: Judged) -> tuple[Side, ...]:
    if claim.than_x is not None:
        return tuple(_gain(e, claim, x) for x in (claim.x, claim.than_x) if x is not None)
    worse_x = claim.x if claim.worse_x is None else claim.worse_x
    split, measure = claim.worse_split or claim.split, claim.worse_measure or claim.measure
    differ = (split, measure) != (claim.split, claim.measure)
    return tuple(
        _side(e, judged, claim, as_tuple(arms), x, split, measure, differ)
        for arms, x, split, measure in (
            (claim.better, claim.x, claim.split, claim.measure),
            (claim.worse, worse_x, split, measure),
        )
    )


def _side(e, judged, claim, arms, x, split, measure, is_measure_named) -> Side:
    name = arms[0] if _shared_x(claim) else place(e, arms[0], x)
    if len(arms) > 1:
        side = "lower" if arms == as_tuple(claim.better) else "higher"
        name = f"claimed {side}: mean of {len(arms)} arms"
    if is_measure_named:
        name += f": {split} {measure_label(measure)}"
    seeds = _counted(e, claim, judged)
    every = [e.standing.values.values(arm, x, split, measure) for arm in arms]
    ours = fmean(value for each in every for seed, value in each.items() if seed in seeds)
    paper = _paper(e, arms[0], x, split) if (len(arms), measure) == (1, "error_percent") else None
    shown = 2 if measure.endswith("percent") else digits(claim, judged.found)
    return Side(name, "" if paper is None else number(paper), number(ours, shown))


def _paper(e: Evidence, arm: str, x: float | None, split: str) -> float | None:
    """The paper's error of an arm, in percent; None if it gives none."""
    for view in (e.experiment.view, *e.experiment.panels):
        if found := e.paper(view, split).get((arm, x)):
            return found.percent
    return None


def _gain(e: Evidence, claim: Claim, x: float) -> Side:
    """The relative gain at one x, in percent of the worse arm's error."""
    gains = (e.standing.values.gain(claim, x) or {}).values()
    arms = (as_tuple(claim.better)[0], as_tuple(claim.worse)[0])
    better, worse = (_paper(e, arm, x, claim.split) for arm in arms)
    paper = "" if better is None or worse is None else number(100 * (worse - better) / worse)
    return Side(place(e, "gain", x), paper, number(fmean(gains)) if gains else "")
