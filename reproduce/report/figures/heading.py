"""A figure's heading: the finding as its title, then the experiment, its budget and its seeds."""

import re
from collections.abc import Collection

from matplotlib.figure import SubFigure
from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.ft2font import LoadFlags

from reproduce.judge import NO_DIFFERENCE, OPEN, OPPOSITE, Judged
from reproduce.report.claims import measured_difference, verdict
from reproduce.report.evidence import NOT_JUDGED, Evidence
from reproduce.report.headlines import leading, means_of_sides
from reproduce.spec import Claim, as_tuple

# In points.
TITLE, SUBTITLE, LINE, MARGIN = 12.5, 9.5, 1.3, 7.0
# First words of claims that are names, and so keep their capital.
NAMES = ("Gaussian", "Bernoulli", "Monte-Carlo", "Conv", "Max-norm", "Transformer")


def title(e: Evidence) -> str:
    """What the first claim that has a verdict found; what is open if none has."""
    if not e.experiment.claims:
        return e.experiment.title
    found = leading(e)
    if found is None:
        return "No claim can be judged yet"
    claim, judged = found
    text, said = _sentence(e, claim), verdict(e, claim, judged)
    if said.startswith((OPEN, NOT_JUDGED)):
        names_arms = claim.text == _of_arms(claim)
        # How many seeds it would take is in the report's table.
        why = said if said.startswith(NOT_JUDGED) else said.split(":")[0].split(" after ")[0]
        return f"Whether {text if names_arms else _as_clause(text)} is {why}"
    if said.startswith(NO_DIFFERENCE):
        return f"“{text}”: {said}"
    levels = _levels(e, claim, judged)
    if said.startswith(OPPOSITE):
        return f"The opposite of “{text}”{levels}"
    if not levels and claim.within is None and claim.than_x is None:
        gain = measured_difference(claim, judged.found).split(" [")[0]
        # A number without a unit would say little.
        levels = f", by {gain}" if " " in gain else ""
    return f"{text}{levels}"


def _levels(e: Evidence, claim: Claim, judged: Judged) -> str:
    means = means_of_sides(e, claim, judged).split(" vs ")
    if len(means) != 2:
        return ""
    of = "" if re.search("test error|errs less", _sentence(e, claim)) else "test error "
    return f": {of}{means[0]} % against {means[1]} %"


def _of_arms(claim: Claim) -> str:
    """The text that a claim has if none is stated."""
    return f"{claim.better} below {claim.worse}"


def _sentence(e: Evidence, claim: Claim) -> str:
    """The claim's text; where that only names two arms, without what both have in common, unless
    another claim would then read the same."""
    text = claim.text
    if text == _of_arms(claim):
        pairs = [
            (as_tuple(each.better)[0], as_tuple(each.worse)[0])
            for each in e.experiment.claims
            if each.text == _of_arms(each)
        ]
        whole = as_tuple(claim.better)[0], as_tuple(claim.worse)[0]
        short = _apart(*whole)
        is_clear = sum(_apart(*pair) == short for pair in pairs) == 1
        text = " errs less than ".join(short if is_clear else whole)
    is_word = len(text.split()[0]) > 1
    return text[0].upper() + text[1:] if is_word else text


def _apart(one: str, other: str) -> tuple[str, str]:
    """`A + B, 2 x 8` and `A + C, 2 x 8` -> `B` and `C`."""
    for separator, at in ((" + ", 0), (", ", -1)):
        parts, others = one.split(separator), other.split(separator)
        while min(len(parts), len(others)) > 1 and parts[at] == others[at]:
            del parts[at], others[at]
        one, other = separator.join(parts), separator.join(others)
    return one, other


def _as_clause(text: str) -> str:
    """The text within a sentence: a first word that is no name or abbreviation in small letters."""
    first = text.split()[0]
    keeps_capital = first in NAMES or re.search("[A-Z0-9]", first[1:])
    return text if keeps_capital else text[0].lower() + text[1:]


def subtitle(e: Evidence, kinds: Collection[str]) -> str:
    """The experiment; its budget, the number of seeds, and what views of these kinds draw of them,
    in a second line."""
    # Counts the main measure only: a probe's places (confidence bins) may lack some seeds.
    main = e.final[e.final.measure == e.experiment.measures[0]]
    counts = main.groupby(["arm", "x"], dropna=False).seed.nunique()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    seeds = "one seed" if n == "1" else f"{n} seeds"
    if n != "1":
        if {"arms", "combinations", "against_x"} & {*kinds}:
            # Claims are drawn with the intervals that decide.
            differences = "differences" if "claims" in kinds else "verdicts"
            how = "intervals of their looks" if "claims" in kinds else "paired differences"
            seeds += f", mean and 95 % interval of each; {differences}: {how}"
        elif "curve" in kinds:
            seeds += " (thin) and their mean, on validation and training images"
            found = leading(e)
            seeds += "; title: test images" if found and means_of_sides(e, *found) else ""
        elif "pictures" in kinds:
            seeds += ", the first one drawn"
    about = f"{e.experiment.title} ({e.experiment.source})"
    return f"{about}\n{e.profile} profile: {e.budget}; {seeds}"


def wrapped(text: str, size: float, width: float, weight: str = "normal") -> str:
    """The text in lines no wider than this, in points."""
    font = get_font(findfont(FontProperties(size=size, weight=weight)))
    font.set_size(size, 72)
    lines: list[str] = []
    # A number keeps its unit.
    for word in re.split(" (?!%)", text):
        longer = f"{lines[-1]} {word}" if lines else word
        font.set_text(longer, flags=LoadFlags.NO_HINTING)
        # In 64ths of a point.
        if lines and font.get_width_height()[0] / 64 <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)


def height(title: str, subtitle: str, width: float) -> float:
    """In points."""
    parts = _parts(title, subtitle, width)
    return sum(size * LINE * (1 + text.count("\n")) for text, size, _ in parts) + 2 * MARGIN


def _parts(title: str, subtitle: str, width: float) -> list[tuple[str, float, str]]:
    inside = width - 2 * MARGIN
    return [
        (wrapped(title, TITLE, inside, "bold"), TITLE, "bold"),
        *((wrapped(line, SUBTITLE, inside), SUBTITLE, "normal") for line in subtitle.split("\n")),
    ]


def draw(title: str, subtitle: str, part: SubFigure) -> None:
    """On the part of the figure above the panels."""
    extent = part.bbox.transformed(part.dpi_scale_trans.inverted())
    wide, high = 72 * extent.width, 72 * extent.height
    top = MARGIN
    for text, size, weight in _parts(title, subtitle, wide):
        part.text(
            MARGIN / wide,
            1 - top / high,
            text,
            size=size,
            weight=weight,
            color="black" if weight == "bold" else ".3",
            ha="left",
            va="top",
            linespacing=LINE - 0.05,
        )
        top += size * LINE * (1 + text.count("\n"))
