"""What the report draws for an experiment."""

from dataclasses import dataclass

VIEWS = ("arms", "combinations", "against_x", "curve", "claims", "pictures")


@dataclass(frozen=True, kw_only=True)
class View:
    """What the report draws: `arms` side by side, or their `combinations` ("L2 + dropout") sorted
    by value, values `against_x`, a `curve` over the updates, the `claims` with their differences,
    or the `pictures` named `picture` that a probe made. `report/figures/figure.py` has a function
    for each kind.

    `paper` names the source in paper/numbers.csv whose values are shown next to ours.
    `tolerance_points` is the difference in percentage points that still counts as reproduced.
    `splits` and `measures` say what is drawn. In `against_x`, values without an x are drawn as
    levels, which the legend calls `level`. With `lowest`, the report says at which x each of `arms`
    has its lowest error.
    """

    kind: str
    # The arms drawn; (): all.
    arms: tuple[str, ...] = ()
    measures: tuple[str, ...] = ("error_percent",)
    splits: tuple[str, ...] = ("test",)
    x_label: str = ""
    # If "": what the measures have in common.
    y_label: str = ""
    log_x: bool = False
    log_y: bool = False
    # Where the x axis begins; smaller x are only in the report's table.
    from_x: float | None = None
    # Values above this, of arms that hardly learned, are outside the picture.
    top: float | None = None
    level: str = ""
    # Draw the line of this slope through 0; all values should lie on it.
    slope: float | None = None
    # The (arm, x) pairs that the paper gives in its text.
    paper_xs: tuple[tuple[str, float], ...] = ()
    lowest: bool = False
    paper: str | None = None
    tolerance_points: float = 0.0
    picture: str = ""
    # Draw only this many rows and columns of the tiles that a picture is made of.
    most_tiles: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in VIEWS:
            raise ValueError(f"a view is one of {VIEWS}. Received: {self.kind!r}")
