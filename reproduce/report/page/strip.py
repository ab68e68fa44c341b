"""The paired differences of a claim -> a strip chart: where its marks stand, in pixels."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reproduce.judge import Interval
from reproduce.report.claims import digits, unit
from reproduce.report.labels import number
from reproduce.spec import Claim

WIDTH, EDGE = 420.0, 16.0
# Points that are nearer than this stand on top of each other.
APART, STEP = 10.0, 10.0
CHARACTER = 6.6
# An interval that extends this much further than all points is cut off.
FURTHEST = 2.5


@dataclass(frozen=True)
class Point:
    """One seed: its place, and its value in words, which stand at `label_x`."""

    x: float
    lift: float
    text: str
    label_x: float
    label_width: float
    is_counted: bool


@dataclass(frozen=True)
class Chart:
    """A strip chart; all x are in pixels of `WIDTH`."""

    zero: float
    margin: tuple[float, float]
    # From, to, and whether each end is cut off; None for one seed.
    interval: tuple[float, float, bool, bool] | None
    mean: float
    points: tuple[Point, ...]
    ticks: tuple[tuple[float, str], ...]
    axis: str

    @property
    def lift(self) -> float:
        """By how much the highest point stands above the lowest."""
        return max((point.lift for point in self.points), default=0.0)


def chart(claim: Claim, found: Interval, values: Mapping[int, float], counted: set[int]) -> Chart:
    """The chart of the differences by seed; `counted` are the seeds behind the interval."""
    low, high = _range(claim, found, list(values.values()))
    scale = (WIDTH - 2 * EDGE) / (high - low)

    def at(value: float) -> float:
        return round(EDGE + (min(max(value, low), high) - low) * scale, 1)

    return Chart(
        zero=at(0),
        margin=(at(-claim.margin), at(claim.margin)),
        interval=(at(found.low), at(found.high), found.low < low, found.high > high)
        if found.n > 1
        else None,
        mean=at(found.mean),
        points=tuple(_points(claim, found, values, counted, at)),
        ticks=tuple((at(tick), f"{tick:g}".replace("-", "−")) for tick in _ticks(low, high)),
        axis=_axis(claim),
    )


def _axis(claim: Claim) -> str:
    what = {"%": "percent", "": ""}.get(unit(claim), unit(claim))
    favour = "in the band: equal" if claim.within is not None else "right of 0: favours the claim"
    return f"{what}; {favour}".removeprefix("; ")


def _range(claim: Claim, found: Interval, values: list[float]) -> tuple[float, float]:
    """What the axis shows: 0, the margin, all points, and the interval unless it is far wider."""
    near = [0.0, -claim.margin, claim.margin, *values]
    reach = FURTHEST * max(abs(value) for value in near)
    if found.n > 1:
        near += [max(found.low, -reach), min(found.high, reach)]
    room = 0.04 * (max(near) - min(near))
    return min(near) - room, max(near) + room


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers, 3 to 6 of them, 0 among them."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.6g}") for k in range(first, last + 1)]


def _points(claim, found, values, counted, at) -> Iterable[Point]:
    placed: list[tuple[float, float]] = []
    for seed, value in sorted(values.items(), key=lambda each: each[1]):
        x, lift = at(value), 0.0
        while any(abs(x - x0) < APART and lift == lift0 for x0, lift0 in placed):
            lift += STEP
        placed.append((x, lift))
        shown = f"{number(value, digits(claim, found))} {unit(claim)}".rstrip()
        text = f"Seed {seed}: {shown}"
        if seed not in counted:
            text += ", waits for the next look"
        width = CHARACTER * len(text) + 12
        label_x = min(max(x, width / 2), WIDTH - width / 2)
        yield Point(x, lift, text, round(label_x, 1), round(width, 1), seed in counted)
