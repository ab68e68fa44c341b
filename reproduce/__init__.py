"""The values that experiments are written in: frozen, checked, standard library only.

Numbers are in the paper's convention: `keep` is the paper's p, the probability to keep a unit, and
learning rates, norm bounds and penalty strengths are those of a network scaled at test time.
`models.py` maps them to Keras's inverted dropout. Defaults mean "off"; all else must be stated.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from reproduce.nets import (
    Autoencoder,
    ConvNet,
    GaussianSvm,
    LinearRegression,
    Mlp,
    Recurrent,
    Residual,
    Transformer,
)
from reproduce.runs import Run, derived_seed
from reproduce.spaces import Search

__all__ = [
    "PROFILES",
    "Autoencoder",
    "Budget",
    "Cell",
    "Claim",
    "ConvNet",
    "Experiment",
    "GaussianSvm",
    "LinearRegression",
    "Mlp",
    "Recurrent",
    "Residual",
    "Run",
    "Search",
    "Transformer",
    "UserError",
    "View",
    "arms",
    "as_tuple",
    "below",
    "derived_seed",
    "tuned",
]

PROFILES = ("smoke", "quick", "cpu", "paper")
Arms = str | tuple[str, ...]
VIEWS = ("arms", "against_x", "curve", "claims", "pictures")


class UserError(Exception):
    """A mistake that the user can mend: one clear sentence, exit status 2."""


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one profile spends: the only place where an experiment is made smaller."""

    updates: int
    seeds: int
    # Expected milliseconds an update of one run, as in a campaign on two cores: the cost in `list`.
    # For `paper` a guess: one H200 took 0.7 ms for 3 x 1024 and 2.3 ms for 2 x 8192 with dropout.
    update_ms: float
    # Seeds of the runs that choose each arm's settings on the validation part.
    choice_seeds: int = 1
    # Updates of those runs; None: as many as the final ones make.
    choice_updates: int | None = None
    # Fraction of the layers' widths.
    width: float = 1.0
    examples: int | None = None
    data: str | None = None
    # The x values, and the arms, run at this profile; None: all.
    xs: tuple[float, ...] | None = None
    arms: tuple[str, ...] | None = None

    def describe(self) -> str:
        """What is spent, in words."""
        parts = [f"{self.updates:,} updates"]
        parts += [f"chosen after {self.choice_updates:,}"] if self.choice_updates else []
        parts += [f"width x {self.width:g}"] if self.width != 1 else []
        parts += [f"{self.examples:,} examples"] if self.examples else []
        return ", ".join(parts + ([self.data] if self.data else []))


@dataclass(frozen=True)
class Cell:
    """One arm at one x: the candidate settings, of which validation data chooses one."""

    arm: str
    x: float | None
    candidates: tuple[Run, ...]


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


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Arms to compare, what each profile spends on them, and what the paper claims of them."""

    title: str
    source: str
    cells: tuple[Cell, ...]
    budgets: Mapping[str, Budget]
    view: View
    claims: tuple[Claim, ...]
    # Drawn beside the first view.
    panels: tuple[View, ...] = ()
    # At the measured points of training. The first one, on validation data, chooses the settings.
    measures: tuple[str, ...] = ("error_percent", "nll")
    # Of the final runs, at their end.
    probes: tuple[str, ...] = ()
    # Data sets that the probes look at besides, unless the budget names data of its own.
    also_data: tuple[str, ...] = ()
    # Final runs train on all training data unless they hold the validation part out for a curve.
    hold_out: bool = False
    curve_points: int = 0
    # What `search` looks through for better settings.
    search: Search | None = None

    def __post_init__(self) -> None:
        if tuple(self.budgets) != PROFILES:
            raise ValueError(f"budgets name the profiles {PROFILES}. Received: {[*self.budgets]}")
        efforts = {len(cell.candidates) for cell in self.cells}
        if len(efforts) != 1 or 0 in efforts:
            raise ValueError(
                "every arm gets the same number of candidate settings, so that none is tuned "
                f"better than another. Received: {sorted(efforts)}"
            )
        arms = {cell.arm for cell in self.cells}
        for claim in self.claims:
            if not {*as_tuple(claim.better), *as_tuple(claim.worse)} <= arms:
                raise ValueError(f"the claim {claim.text!r} names an arm that is not declared")


def arms(candidates: Mapping[str, tuple[Run, ...] | list[Run]]) -> tuple[Cell, ...]:
    """Cells of an experiment that compares arms at no particular x."""
    return tuple(Cell(arm, None, tuple(runs)) for arm, runs in candidates.items())


def tuned(template: Run, **grids: Iterable) -> tuple[Run, ...]:
    """The candidates of a cell: every combination of the fields' candidate values, the rest as in
    `template`."""
    return tuple(
        replace(template, **dict(zip(grids, values, strict=True)))
        for values in product(*grids.values())
    )
