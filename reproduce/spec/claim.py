"""What the paper claims about the arms of an experiment, or what this project asks of them."""

from dataclasses import dataclass

Arms = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`better` has a lower value than `worse`, in paired differences.

    Each of the two is one arm, or several arms whose mean is taken (the effects of a factorial
    design). `worse` has the same x, split and measure as `better`, unless `worse_x`, `worse_split`
    or `worse_measure` is given. `smallest` is the smallest difference worth speaking of: one that
    is surely smaller counts as none. With `or_equal`, the claim is that `better` is lower or equal,
    up to that difference. With `within`, which then replaces it, the claim is that both are equal
    up to that difference. With `than_x`, the claim is that the relative gain of `better` over
    `worse`, in percent, is larger at `x` than at `than_x`; with `underfits`, that `worse` has the
    larger error because it fits its training images less well, which only the paper's budget can
    tell from learning more slowly.
    """

    text: str
    better: Arms
    worse: Arms
    # Where the paper says it, such as "section 7.3"; empty: a question of ours.
    paper: str = ""
    # In the unit of the measure.
    smallest: float | None = None
    or_equal: bool = False
    within: float | None = None
    x: float | None = None
    worse_x: float | None = None
    than_x: float | None = None
    split: str = "test"
    worse_split: str | None = None
    measure: str = "error_percent"
    worse_measure: str | None = None
    underfits: bool = False
    # Where it is not reproduced: why we think so. Only the report reads it.
    why: str = ""

    def __post_init__(self) -> None:
        stated = [value for value in (self.smallest, self.within) if value is not None]
        if len(stated) != 1 or not stated[0] > 0 or (self.or_equal and self.smallest is None):
            raise ValueError(
                f"the claim {self.text!r} states a positive `smallest` difference worth speaking "
                f"of, or `within`. Received: smallest={self.smallest}, within={self.within}"
            )

    @property
    def places(self) -> set[tuple[str, float | None]]:
        """The (arm, x) of all that it compares."""
        worse_x = self.x if self.worse_x is None else self.worse_x
        sides = ((self.better, self.x), (self.worse, worse_x))
        found = {(arm, x) for arms, x in sides for arm in as_tuple(arms)}
        if self.than_x is not None:
            found |= {(arm, self.than_x) for arms, _ in sides for arm in as_tuple(arms)}
        return found

    @property
    def margin(self) -> float:
        """The difference that decides whether values count as equal, in the measure's unit."""
        margin = self.smallest if self.within is None else self.within
        assert margin is not None
        return margin


@dataclass(frozen=True, kw_only=True)
class Best:
    """Which of several arms is best? The one with the lowest validation error, named together with
    what it gains over `than` on test images, whatever that is."""

    # In the plural, such as "dropout rates".
    among: str
    arms: tuple[str, ...]
    than: str


def below(
    better: Arms,
    worse: Arms,
    text: str | None = None,
    *,
    smallest: float,
    paper: str = "",
    why: str = "",
) -> Claim:
    """The claim that one arm's test error is lower than another's; `smallest` in points."""
    text = text or f"{better} below {worse}"
    return Claim(text=text, better=better, worse=worse, smallest=smallest, paper=paper, why=why)


def as_tuple(arms: Arms) -> tuple[str, ...]:
    return (arms,) if isinstance(arms, str) else arms
