"""What the paper, or this project, says of the arms of an experiment."""

from dataclasses import dataclass

Arms = str | tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Claim:
    """`better` has a lower value than `worse`, by more than `margin`, in paired differences.

    Either is an arm, or several arms of which the mean is taken: a factorial design's effects.
    `worse` is taken at `worse_x`, on `worse_split` and by `worse_measure` where given, else as
    `better` is. With `within` the claim is that both are equal, to that difference; with `than_x`
    that the relative gain of `better` over `worse` at `x` exceeds that at `than_x`; with
    `underfits` that `worse` errs more because it fits its training images less well.
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
