"""What the paper or this project claims about the arms of an experiment."""

from dataclasses import dataclass

Arms = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`better` has a lower value than `worse`, by more than `margin`, in paired differences.

    Each of the two is one arm, or several arms whose mean is taken (the effects of a factorial
    design). `worse` has the same x, split and measure as `better`, unless `worse_x`, `worse_split`
    or `worse_measure` is given. With `within`, the claim is that both are equal up to that
    difference; with `than_x`, that the relative gain of `better` over `worse` is larger at `x` than
    at `than_x`; with `underfits`, that `worse` has the larger error because it fits its training
    images less well.
    """

    text: str
    better: Arms
    worse: Arms
    x: float | None = None
    worse_x: float | None = None
    than_x: float | None = None
    within: float | None = None
    split: str = "test"
    worse_split: str | None = None
    measure: str = "error_percent"
    worse_measure: str | None = None
    margin: float = 0.0
    underfits: bool = False


def below(better: Arms, worse: Arms, text: str | None = None) -> Claim:
    """The claim that one arm's test error is lower than another's."""
    return Claim(text=text or f"{better} below {worse}", better=better, worse=worse)


def as_tuple(arms: Arms) -> tuple[str, ...]:
    return (arms,) if isinstance(arms, str) else arms
