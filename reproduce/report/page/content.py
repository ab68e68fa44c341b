"""Evidence -> what the page shows of an experiment, and of all."""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from reproduce import experiments, judge
from reproduce.report import best
from reproduce.report.evidence import Evidence
from reproduce.report.headlines import headlines_table
from reproduce.report.page.claim import KINDS, NO_RESULT, Shown, claims
from reproduce.report.tables import Table, lowest_table, measured_table
from reproduce.spec import PROFILES

# A kind of verdict in a sentence.
WORDS = {
    "Reproduced": "are reproduced",
    "Opposite": "came out opposite",
    "No difference": "show no difference",
    "Open": "are open",
    "Not judged": "cannot be judged",
    NO_RESULT: "have no result yet",
}

# What a place in the paper begins with -> the heading that its experiments stand under.
GROUPS = {
    "Table": "The paper's tables",
    "Figure": "The paper's figures",
    "Section": "The paper's text and its practical guide",
    "Appendix": "The paper's text and its practical guide",
    "": "Exercises, and work after the paper",
}


@dataclass(frozen=True)
class Section:
    """One experiment at one profile."""

    id: str
    name: str
    profile: str
    title: str
    # The paper's table, figure or section: short, for the filter; and in full.
    place: str
    source: str
    group: str
    about: list[str]
    budget: str
    looks: str
    cost: str
    command: str
    deviations: list[str]
    figure: Markup | None
    # Which arm is best, in sentences.
    best: tuple[str, ...]
    claims: list[Shown]
    tables: list[Table]
    provenance: str

    @property
    def judged(self) -> list[Shown]:
        return [claim for claim in self.claims if claim.kind != NO_RESULT]

    @property
    def unjudged(self) -> list[Shown]:
        return [claim for claim in self.claims if claim.kind == NO_RESULT]


@dataclass(frozen=True)
class Headline:
    """A row of the README's table, by column, and the claim that it is about."""

    cells: dict[str, str]
    claim: Shown


def section(e: Evidence, figure: Markup | None, provenance: Callable[[Evidence], str]) -> Section:
    place = re.split("[,;]", e.experiment.source)[0]
    start = next(word for word in GROUPS if place.startswith(word))
    return Section(
        id=f"{e.name}-{e.profile}",
        name=e.name,
        profile=e.profile,
        title=e.experiment.title,
        place=place,
        source=e.experiment.source,
        group=GROUPS[start],
        about=experiments.about(e.name).split("\n\n"),
        budget=e.budget,
        looks=judge.describe(e.standing.looks),
        cost=_cost(e),
        command=f".venv/bin/python -m reproduce run {e.name} --profile {e.profile}",
        deviations=_deviations(e),
        figure=figure,
        best=best.sentences(e),
        claims=claims(e),
        tables=[table for table in (measured_table(e), lowest_table(e)) if table.rows],
        provenance=provenance(e),
    )


def in_order(sections: Sequence[Section]) -> list[Section]:
    """In the paper's order: its tables, its figures, its text, then what is not of the paper. Of
    one experiment, the largest budget comes first."""
    groups = list(dict.fromkeys(GROUPS.values()))

    def rank(each: Section) -> tuple:
        numbers = [int(n) for n in re.findall(r"\d+", each.place)]
        is_guide, budget = each.place.startswith("App"), -PROFILES.index(each.profile)
        return groups.index(each.group), is_guide, numbers, each.place, each.name, budget

    return sorted(sections, key=rank)


def counts(sections: Sequence[Section]) -> dict[str, int]:
    """Kind of verdict -> number of claims, for every kind that occurs."""
    found = Counter(claim.kind for each in sections for claim in each.claims)
    return {kind: found[kind] for kind in KINDS.values() if found[kind]}


def outcome(sections: Sequence[Section]) -> str:
    """How many of the paper's claims have which verdict, in words."""
    found = Counter(c.kind for each in sections for c in each.claims if c.is_papers)
    each = [f"{found[kind]} {WORDS[kind]}" for kind in KINDS.values() if found[kind]]
    return " and ".join(filter(None, (", ".join(each[:-1]), *each[-1:]))) or "none was tried"


def headlines(found: Sequence[Evidence], sections: Sequence[Section]) -> list[Headline]:
    """The README's rows, each with its claim at the largest budget; `sections` are those of
    `found`, in its order."""
    table, latest = headlines_table(found), {each.name: each for each in sections}
    claims = {(s.place, claim.text): claim for s in latest.values() for claim in s.claims}
    rows = (dict(zip(table.columns, row, strict=True)) for row in table.rows)
    return [Headline(row, claims[row["of"], row["claim"]]) for row in rows]


def _cost(e: Evidence) -> str:
    """What all runs of both stages took."""
    minutes = sum(entry.get("seconds", 0) for entry in e.runs.values()) / 60
    devices = sorted({"CPU" if entry["device"] == "CPU" else "GPU" for entry in e.runs.values()})
    time = f"{minutes:.0f} minutes" if minutes >= 2 else f"{60 * minutes:.0f} seconds"
    return f"{time} on {' and '.join(devices)}" if devices else "nothing yet"


def _deviations(e: Evidence) -> list[str]:
    """Where the profile's budget is smaller than the `paper` profile's, which is the paper's."""
    here, full = e.experiment.budgets[e.profile], e.experiment.budgets.get("paper")
    if full is None or here == full:
        return []
    found = []
    if here.data:
        found.append(f"the data set {here.data} in place of the paper's")
    if here.updates != full.updates:
        found.append(f"{here.updates:,} updates in place of {full.updates:,}")
    if here.choice_updates not in (None, here.updates):
        found.append(f"settings chosen after {here.choice_updates:,} updates")
    if here.width != full.width:
        found.append(f"layers of {here.fraction_of_width} of the width")
    if here.examples != full.examples:
        found.append(f"{here.examples:,} training images" if here.examples else "all images")
    if here.arms is not None and here.arms != full.arms:
        every = len({cell.arm for cell in e.experiment.cells})
        found.append(f"{len(here.arms)} of {every} arms")
    if here.xs is not None and here.xs != full.xs:
        every = len({cell.x for cell in e.experiment.cells})
        found.append(f"{len(here.xs)} of {every} places along x")
    return found
