"""The values that experiments are written in: frozen, checked, standard library only.

Numbers are in the paper's convention: `keep` is the paper's p, the probability to keep a unit, and
learning rates, norm bounds and penalty strengths are those of a network scaled at test time.
`models.py` maps them to Keras's inverted dropout. Defaults mean "off"; all else must be stated.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cached_property

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

Net = (
    Mlp
    | ConvNet
    | Autoencoder
    | LinearRegression
    | Recurrent
    | Residual
    | Transformer
    | GaussianSvm
)
PROFILES = ("smoke", "quick", "cpu", "paper")
NOISES = ("bernoulli", "gaussian")
VIEWS = ("arms", "against_x", "curve", "pictures")
DECAYS = ("none", "linear", "inverse_time", "halving")


class UserError(Exception):
    """A mistake that the user can mend: one clear sentence, exit status 2."""


def _stated(value) -> dict:
    """The fields of a dataclass that are not at their default."""
    named = ((field, getattr(value, field.name)) for field in fields(value))
    return {
        field.name: each
        for field, each in named
        if field.default is MISSING or each != field.default
    }


@dataclass(frozen=True, kw_only=True)
class Run:
    """One training run: everything that determines its rows, and nothing else."""

    data: str
    net: Net
    batch_size: int
    learning_rate: float
    # Filled in from the profile's budget and the stage; a run without them is a template.
    updates: int = 0
    seed: int = -1
    measures: tuple[str, ...] = ()
    # What is found out about the trained network, once: names of functions of probes.py.
    probes: tuple[str, ...] = ()
    # The rest is off unless stated. Training examples, drawn at random by the seed; None: all.
    examples: int | None = None
    # Keep the validation part out of training and measure on it.
    hold_out: bool = False
    # Read the test set once, after training.
    test: bool = False
    # Also measure at this many evenly spaced points of training.
    curve_points: int = 0
    # The probability to keep a unit: of the inputs, of each convolution's outputs, and of each
    # fully connected hidden layer's.
    keep_input: float = 1.0
    keep_conv: tuple[float, ...] = ()
    keep: float = 1.0
    # What multiplies units: 0 or 1, or (section 10) normal noise of the same variance.
    noise: str = "bernoulli"
    momentum: float = 0.0
    # Fractions of the run's updates, so that a schedule keeps its shape at every budget.
    momentum_start: float | None = None
    momentum_ramp_fraction: float = 0.0
    warm_up_fraction: float = 0.0
    decay: str = "none"
    decay_fraction: float = 0.0
    # The input layer's learning rate is this fraction of the others'.
    input_rate_factor: float = 1.0
    max_norm: float | None = None
    l2: float = 0.0
    l1: float = 0.0
    l1_start_fraction: float = 0.0
    sparsity_cost: float = 0.0
    sparsity_target: float = 0.0
    # Augmentation: each image is shifted by up to so many pixels along each axis, anew every time.
    shift_pixels: int = 0
    # Go back, at the end, to the measured point of training with the lowest validation error.
    early_stopping: bool = False

    def __post_init__(self) -> None:
        keeps = {"keep": (self.keep,), "keep_input": (self.keep_input,)}
        for name, values in (keeps | {"keep_conv": self.keep_conv}).items():
            if not all(0 < value <= 1 for value in values):
                raise ValueError(
                    f"`{name}` is a probability in (0, 1]. Received: {getattr(self, name)!r}"
                )
        convolutions = len(self.net.filters) if isinstance(self.net, ConvNet) else 0
        if len(self.keep_conv) not in (0, convolutions):
            raise ValueError(
                f"`keep_conv` has one entry for each of the net's {convolutions} convolutions. "
                f"Received: {self.keep_conv!r}"
            )
        positive = ["learning_rate", "input_rate_factor"]
        positive += ["max_norm"] if self.max_norm is not None else []
        for name in positive:
            if not getattr(self, name) > 0:
                raise ValueError(f"`{name}` is positive. Received: {getattr(self, name)!r}")
        for name, valid in (("noise", NOISES), ("decay", DECAYS)):
            if getattr(self, name) not in valid:
                raise ValueError(f"`{name}` is one of {valid}. Received: {getattr(self, name)!r}")
        if self.decay in ("inverse_time", "halving") and not self.decay_fraction > 0:
            raise ValueError(f"decay {self.decay!r} needs a positive `decay_fraction`")
        if self.shift_pixels < 0:
            raise ValueError(f"`shift_pixels` is 0 or more. Received: {self.shift_pixels!r}")

    def settings(self) -> dict:
        """All that is stated, as JSON values; a field left off is absent, so that a field added
        later changes no old key."""
        net = {"kind": type(self.net).__name__, **_stated(self.net)}
        return json.loads(json.dumps(_stated(self) | {"net": net}))

    @cached_property
    def key(self) -> str:
        """Digest of the settings: two runs of one key would give the same rows."""
        if self.updates < 1 or self.seed < 0 or not self.measures:
            raise ValueError("a run needs updates, a seed and measures before it has a key")
        text = json.dumps(self.settings(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def derived_seed(seed: int, *purpose: str | int) -> int:
    """An independent seed in [0, 2^31) for one purpose ("order", "weights", ...) of a run."""
    text = json.dumps([seed, *purpose])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one profile spends: the only place where an experiment is made smaller."""

    updates: int
    seeds: int
    # Expected milliseconds an update of one run, as in a campaign on two cores: the cost in `list`.
    # For `paper` it is a guess for one GPU, not yet measured.
    update_ms: float
    # Seeds of the runs that choose each arm's settings on the validation part.
    choice_seeds: int = 1
    # Fraction of the layers' widths.
    width: float = 1.0
    examples: int | None = None
    data: str | None = None
    # The x values, and the arms, run at this profile; None: all.
    xs: tuple[float, ...] | None = None
    arms: tuple[str, ...] | None = None

    def describe(self) -> str:
        """The budget as it must stand beside every number obtained with it."""
        parts = [f"{self.updates:,} updates"]
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
    `worse` is taken at `worse_x`, and by `worse_measure`, where those are given, else as `better`
    is. With `within` the claim is that both are equal, to that difference. With `than_x` the claim
    is about gains: the relative gain of `better` over `worse` at `x` exceeds that at `than_x`.
    """

    text: str
    better: str | tuple[str, ...]
    worse: str | tuple[str, ...]
    x: float | None = None
    worse_x: float | None = None
    than_x: float | None = None
    within: float | None = None
    split: str = "test"
    measure: str = "error_percent"
    worse_measure: str | None = None
    margin: float = 0.0


def as_tuple(arms: str | tuple[str, ...]) -> tuple[str, ...]:
    return (arms,) if isinstance(arms, str) else arms


@dataclass(frozen=True, kw_only=True)
class View:
    """What the report draws: `arms` side by side, values `against_x`, a `curve` over the updates,
    or `pictures` that a probe of that name made.

    `paper` names the source in paper.csv whose values stand beside ours; `tolerance_points` is the
    difference in percentage points that still counts as reproduced. `splits` and `measures` are
    those drawn; against x, values of no x are drawn as levels. Axes are logarithmic as named.
    """

    kind: str
    # Those drawn; (): all.
    arms: tuple[str, ...] = ()
    measures: tuple[str, ...] = ("error_percent",)
    splits: tuple[str, ...] = ("test",)
    x_label: str = ""
    log: str = ""
    # Values above this, of arms that hardly learned, leave the picture.
    top: float | None = None
    paper: str | None = None
    tolerance_points: float = 0.0
    picture: str = ""

    def __post_init__(self) -> None:
        if self.kind not in VIEWS:
            raise ValueError(f"a view is one of {VIEWS}. Received: {self.kind!r}")
        if self.log not in ("", "x", "y", "xy"):
            raise ValueError(f"`log` is '', 'x', 'y' or 'xy'. Received: {self.log!r}")


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
    # Final runs train on all training data unless they hold the validation part out for a curve.
    hold_out: bool = False
    curve_points: int = 0

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
