"""The description of a training run: everything that determines its rows, and the key from it."""

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from reproduce.spec.nets import ConvNet, Dbm, Machine, Mlp, Net, Rbm, can_start
from reproduce.spec.settings import check_numbers, key_of, stated

NOISES = ("bernoulli", "gaussian", "slice")
CONV_DROPOUTS = ("unit", "spatial", "block", "connection")
DECAYS = ("none", "linear", "inverse_time", "halving")


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
    # Probes of the trained network: names in `PROBES` of spec/experiment.py.
    probes: tuple[str, ...] = ()
    # All fields from here on are off by default.
    # Number of training examples, drawn at random with the seed; None: all.
    examples: int | None = None
    # Keep the validation split out of training and measure on it.
    hold_out: bool = False
    # Read the test set once, after training.
    test: bool = False
    # Also measure at this many evenly spaced points of training.
    curve_points: int = 0
    # The probability to keep a unit: of the inputs, of each convolution's outputs, and of the fully
    # connected hidden layers (one value for all layers, or one for each).
    keep_input: float = 1.0
    keep_conv: tuple[float, ...] = ()
    keep: float | tuple[float, ...] = 1.0
    # What dropout removes after a convolution: single units, whole feature maps, blocks of 3 x 3
    # units of a map, or single connections to the next layer (DropConnect).
    conv_dropout: str = "unit"
    # The noise that multiplies units: 0 or 1, or normal noise of the same variance (section 10);
    # or, in an Mlp's hidden layers, 0 or 1 for a slice of the layer, the batch's (SliceDropout).
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
    # Augmentation: shift each image by up to this many pixels along each axis, at random each time.
    shift_pixels: int = 0
    # Augmentation: mirror each image left to right, half of the time.
    flip: bool = False
    # At the end, restore the measured point of training with the lowest validation error.
    early_stopping: bool = False
    # At the end, the weights are the mean of those at 50 points, evenly spaced over this last
    # fraction of the updates (Polyak's averaging).
    average_fraction: float = 0.0
    # The run whose weights, and those of what it starts from itself, this one begins with.
    start: "Run | None" = None

    def __post_init__(self) -> None:
        # A text in place of a number would fail only when the run starts.
        check_numbers(self)
        self._check_dropout()
        if self.start is not None:
            self._check_start(self.start)
        bound = ["max_norm"] if self.max_norm is not None else []
        for name in ("learning_rate", "input_rate_factor", *bound):
            if not 0 < getattr(self, name) < math.inf:
                raise ValueError(
                    f"`{name}` is positive and finite. Received: {getattr(self, name)!r}"
                )
        named = {"noise": NOISES, "conv_dropout": CONV_DROPOUTS, "decay": DECAYS}
        for name, valid in named.items():
            if getattr(self, name) not in valid:
                raise ValueError(f"`{name}` is one of {valid}. Received: {getattr(self, name)!r}")
        if self.decay in ("inverse_time", "halving") and not self.decay_fraction > 0:
            raise ValueError(f"decay {self.decay!r} needs a positive `decay_fraction`")
        if self.average_fraction and (
            self.early_stopping or getattr(self.net, "batch_norm", False)
        ):
            raise ValueError(
                "`average_fraction` is for runs without early stopping and nets without batch "
                "normalisation, whose statistics are those of single networks"
            )

    def _check_dropout(self) -> None:
        hidden = len(getattr(self.net, "hidden", ()))
        keeps = self.keep if isinstance(self.keep, tuple) else (self.keep,)
        stated = {"keep": keeps, "keep_input": (self.keep_input,), "keep_conv": self.keep_conv}
        for name, values in stated.items():
            if not all(0 < value <= 1 for value in values):
                raise ValueError(
                    f"`{name}` is a probability in (0, 1]. Received: {getattr(self, name)!r}"
                )
        if isinstance(self.keep, tuple) and len(self.keep) != hidden:
            raise ValueError(
                f"`keep` is one value or one for each of the net's {hidden} fully connected hidden "
                f"layers. Received: {self.keep!r}"
            )
        convolutions = len(self.net.filters) if isinstance(self.net, ConvNet) else 0
        if len(self.keep_conv) not in (0, convolutions):
            raise ValueError(
                f"`keep_conv` has one entry for each of the net's {convolutions} convolutions. "
                f"Received: {self.keep_conv!r}"
            )
        if self.conv_dropout != "unit" and (not convolutions or self.noise != "bernoulli"):
            raise ValueError(
                "`conv_dropout` other than 'unit' is for Bernoulli noise in a ConvNet. "
                f"Received: {self.conv_dropout!r}"
            )
        plain = isinstance(self.net, Mlp) and not self.net.batch_norm and self.net.pieces == 1
        if self.noise == "slice" and not (plain and hidden and len(set(self.keeps)) == 1):
            raise ValueError(
                "`noise` 'slice' is for the hidden layers of an Mlp without maxout and batch "
                f"normalisation, and one `keep`. Received: {self.net!r}, keep={self.keep!r}"
            )
        dropped = (self.keep_input, *(self.keeps if isinstance(self.net, Dbm) else ()))
        other = (self.shift_pixels, self.flip, self.max_norm, self.l1, self.sparsity_cost)
        is_plain = min(dropped) == 1 and self.noise == "bernoulli" and not any(other)
        if isinstance(self.net, Machine) and not is_plain:
            raise ValueError(
                "an RBM drops hidden units by Bernoulli noise, and no inputs; a DBM drops nothing; "
                f"neither has augmentation, a bound, L1 or sparsity. Received: {self.settings()}"
            )
        if self.noise == "slice" and self.sparsity_cost:
            raise ValueError("`noise` 'slice' has no whole layer for `sparsity_cost` to be of")

    def _check_start(self, start: "Run") -> None:
        if not isinstance(start, Run):
            raise ValueError(f"`start` is a Run. Received: {start!r}")
        shared = ("data", "examples", "hold_out", "seed")
        if any(getattr(self, name) != getattr(start, name) for name in shared):
            raise ValueError(f"a run and its `start` have the same {shared}; `at` changes both")
        dense = self.noise != "slice" and min(start.keeps) == 1
        if not (can_start(self.net, self.chain) and dense):
            raise ValueError(
                "a run starts from machines without dropout: an RBM from RBMs, a DBM from the RBMs "
                "of its layers, an Mlp of logistic layers as wide as theirs from RBMs or a DBM. "
                f"Received: {self.net!r}, from {start.net!r} with keep {start.keep}"
            )

    @property
    def chain(self) -> tuple[Net, ...]:
        """What the run starts from, what that starts from, and so on: the first trained first."""
        return (*self.start.chain, self.start.net) if self.start else ()

    @property
    def above(self) -> Dbm | None:
        """The machine that tells each hidden layer of an Mlp about the layer above it."""
        last = self.chain[-1] if self.chain else None
        return last if isinstance(last, Dbm) and isinstance(self.net, Mlp) else None

    def at(self, **values: Any) -> "Run":
        """The run, and all that it starts from, with these values."""
        return replace(self, start=self.start and self.start.at(**values), **values)

    @property
    def keeps(self) -> tuple[float, ...]:
        """`keep` for each fully connected hidden layer; one value for a net that has none."""
        if isinstance(self.keep, tuple):
            return self.keep
        return (self.keep,) * max(1, len(getattr(self.net, "hidden", ())))

    @property
    def architecture(self) -> tuple:
        """What a compiled program depends on; runs that differ only in other settings share it."""
        return (
            self.data,
            self.net,
            self.batch_size,
            self.keep_input < 1,
            tuple(keep < 1 for keep in self.keep_conv),
            # The widths of slices follow from it.
            self.keeps if self.noise == "slice" else tuple(keep < 1 for keep in self.keeps),
            self.noise,
            self.conv_dropout,
            self.shift_pixels,
            self.flip,
            self.max_norm is not None,
            self.l2 > 0,
            self.l1 > 0,
            self.sparsity_cost > 0,
            # The layers below an RBM (those of an Mlp are its own), and the machine beside an Mlp.
            self.chain if isinstance(self.net, Rbm) else self.above,
        )

    def settings(self) -> dict:
        """All that differ from their defaults, so that a field added later changes no old key."""
        return json.loads(json.dumps(self._stated()))

    def _stated(self) -> dict:
        net = {"kind": type(self.net).__name__, **stated(self.net)}
        start = {"start": self.start._stated()} if self.start else {}
        return stated(self) | {"net": net} | start

    @cached_property
    def key(self) -> str:
        """Digest of the settings: the same code and machine give the same rows to the digit."""
        if self.updates < 1 or self.seed < 0 or not self.measures:
            raise ValueError("a run needs updates, a seed and measures before it has a key")
        return key_of(self._stated())
