"""What the report draws of an experiment."""

from dataclasses import dataclass

VIEWS = ("arms", "against_x", "curve", "claims", "pictures")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the report draws: `arms` side by side, values `against_x`, a `curve` over the updates,
    the `claims` with their differences, or `pictures` that a probe of that name made.

    `paper` names the source in paper.csv whose values stand beside ours; `tolerance_points` is the
    difference in percentage points that still counts as reproduced. `splits` and `measures` are
    those drawn; against x, values of no x are drawn as levels, which the legend calls `level`.
    `lowest` has the report say where along x each of `arms` errs least.
    """

    kind: str
    # Those drawn; (): all.
    arms: tuple[str, ...] = ()
    measures: tuple[str, ...] = ("error_percent",)
    splits: tuple[str, ...] = ("test",)
    x_label: str = ""
    log_x: bool = False
    # Where the axis begins; what lies before stands in the report's table only.
    from_x: float | None = None
    # Values above this, of arms that hardly learned, leave the picture.
    top: float | None = None
    level: str = ""
    # Draw the line of this slope through 0, on which all should lie.
    slope: float | None = None
    # The places along x that the paper gives in its text, with what each is.
    paper_xs: tuple[tuple[str, float], ...] = ()
    lowest: bool = False
    paper: str | None = None
    tolerance_points: float = 0.0
    picture: str = ""

    def __post_init__(self) -> None:
        if self.kind not in VIEWS:
            raise ValueError(f"a view is one of {VIEWS}. Received: {self.kind!r}")
