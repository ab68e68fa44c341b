"""The description of an experiment: arms, budgets, claims and views."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, product
from typing import Any

from reproduce.spec.budget import PROFILES, Budget
from reproduce.spec.claim import Best, Claim, as_tuple
from reproduce.spec.run import Run
from reproduce.spec.search_space import Search
from reproduce.spec.view import View


@dataclass(frozen=True)
class Cell:
    """One arm at one x, with its candidate settings; validation data chooses one of them."""

    arm: str
    x: float | None
    candidates: tuple[Run, ...]


@dataclass(frozen=True, kw_only=True)
class Bracket:
    """Where a cell's best candidate has the largest or smallest value tried of a setting, one more
    candidate beyond it is tried: `factor` times as large or small, down to `low` and up to `high`.
    The budget says how many may be added."""

    setting: str
    factor: float
    low: float
    high: float

    def beyond(self, best: Run, candidates: Iterable[Run]) -> Run | None:
        """The candidate to try beyond `best`; None if it lies between two others, or the next one
        outside the limits."""
        value = getattr(best, self.setting)
        # With whatever others: of a value that another bracket added, there is one candidate.
        tried = {getattr(c, self.setting) for c in candidates}
        if len(tried) < 2:  # which this cell does not choose
            return None
        for is_end, further in (
            (value == max(tried), value * self.factor),
            (value == min(tried), value / self.factor),
        ):
            further = float(f"{further:.6g}")  # without the last bits of the arithmetic
            if is_end and self.low <= further <= self.high:
                return self._at(best, further)
        return None

    def _at(self, run: Run, value: float) -> Run:
        changed: dict[str, Any] = {self.setting: value}
        return replace(run, **changed)


MEASURES = ("error_percent", "nll", "calibration_percent", "squared_error")
_PREDICTED = MEASURES[:3]
_SHARED, _SOLUTIONS = ("mode", "share_percent"), ("closed_form", "least_squares")
_UNCERTAIN = (
    "predictive_entropy_when_wrong",
    "predictive_entropy_when_right",
    "one_minus_auroc_percent",
    "selective_risk_percent",
    "accuracy_above_confidence_percent",
)
# What each probe measures of a trained network.
PROBES: Mapping[str, tuple[str, ...]] = {
    "activations": (
        "activation_mean",
        "active_percent",
        *(f"{of}_{what}" for of in ("activation", "unit_mean") for what in _SHARED),
    ),
    "closed_form": (
        "expected_loss_percent",
        "closed_form_expected_loss_percent",
        *(f"distance_to_{solution}_percent" for solution in _SOLUTIONS),
        *(f"{solution}_error_percent" for solution in _SOLUTIONS),
    ),
    "features": ("feature_roughness",),
    "inputs": (),
    "machines": ("reconstruction_error", "free_energy_gap"),
    "map_masks": (),
    "masks": ("pass_missed_percent", "mean_missed_percent"),
    "monte_carlo": tuple(f"monte_carlo_{of}{sd}" for of in _PREDICTED for sd in ("", "_sd")),
    "probabilities": (
        "hidden_probability_mean",
        "above_first_bin_percent",
        "dead_units_percent",
        "probability_share_percent",
    ),
    "redundancy": ("lesion_error_percent", "correlation", "effective_rank_percent"),
    "uncertainty": (
        *(f"monte_carlo_{of}" for of in _PREDICTED),
        *(f"{how}_{of}" for how in ("monte_carlo", "weight_scaling") for of in _UNCERTAIN),
        "predictive_entropy",
        "mutual_information",
    ),
}

WIDER_RATES = (Bracket(setting="learning_rate", factor=2.0, low=0.001, high=1.0),)


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """The arms to compare, the budget of each profile, and the claims about the arms."""

    title: str
    source: str
    cells: tuple[Cell, ...]
    budgets: Mapping[str, Budget]
    view: View
    claims: tuple[Claim, ...]
    bests: tuple[Best, ...] = ()
    # Views drawn next to the first one.
    panels: tuple[View, ...] = ()
    # Taken at the measured points of training. The first, on validation data, chooses the settings.
    measures: tuple[str, ...] = ("error_percent", "nll")
    # Run at the end of each final run.
    probes: tuple[str, ...] = ()
    # Further data sets that the probes use, unless the budget names its own data.
    also_data: tuple[str, ...] = ()
    # Final runs train on all training data, unless they hold out the validation split for a curve.
    hold_out: bool = False
    curve_points: int = 0
    # How the candidates of every cell are extended where the best one is at an end.
    brackets: tuple[Bracket, ...] = ()
    # The space in which `search` looks for better settings.
    search: Search | None = None

    def __post_init__(self) -> None:
        if [*self.budgets] != [profile for profile in PROFILES if profile in self.budgets]:
            raise ValueError(
                f"budgets name profiles, in the order {', '.join(PROFILES)}. "
                f"Received: {[*self.budgets]}"
            )
        efforts = {len(cell.candidates) for cell in self.cells}
        if len(efforts) != 1 or 0 in efforts:
            raise ValueError(
                "every arm gets the same number of candidate settings, so that none is tuned "
                f"better than another. Received: {sorted(efforts)}"
            )
        places = [(cell.arm, cell.x) for cell in self.cells]
        if twice := [place for place in dict.fromkeys(places) if places.count(place) > 1]:
            raise ValueError(f"each cell has a place of its own. Received twice: {twice}")
        arms = {cell.arm for cell in self.cells}
        for what, named in self._named():
            if unknown := {*named} - arms:
                raise ValueError(f"{what} names an arm that is not declared: {sorted(unknown)}")
        self._check_measures()
        if self.bests and not self.hold_out:
            raise ValueError(
                f"the best of {self.bests[0].among!r} is picked on validation images, so set "
                "`hold_out`"
            )

    def _check_measures(self) -> None:
        for probe in self.probes:
            if probe not in PROBES:
                raise ValueError(f"the probes are {', '.join(PROBES)}. Received: {probe!r}")
        if unknown := {*self.measures} - {*MEASURES}:
            raise ValueError(
                f"`measures` are some of {', '.join(MEASURES)}. Received: {sorted(unknown)}"
            )
        measured = [*self.measures, *chain.from_iterable(PROBES[probe] for probe in self.probes)]
        for what, measures in self._measured():
            if unknown := {*measures} - {*measured}:
                raise ValueError(
                    f"{what} needs what this experiment measures: {', '.join(measured)}. "
                    f"Received: {sorted(unknown)}"
                )

    def _measured(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What shows measures, and which."""
        for claim in self.claims:
            yield f"the claim {claim.text!r}", (claim.measure, claim.worse_measure or claim.measure)
        for view in (self.view, *self.panels):
            if view.kind not in ("claims", "pictures"):
                yield f"a view of {view.kind!r}", view.measures

    def _named(self) -> Iterator[tuple[str, tuple[str, ...]]]:
        """What names arms, and which."""
        for claim in self.claims:
            sides = (*as_tuple(claim.better), *as_tuple(claim.worse))
            yield f"the claim {claim.text!r}", sides
        for best in self.bests:
            yield f"the best of {best.among!r}", (*best.arms, best.than)
        for view in (self.view, *self.panels):
            yield f"a view of {view.kind!r}", view.arms
        for profile, budget in self.budgets.items():
            yield f"the budget of {profile}", budget.arms or ()


def arms(candidates: Mapping[str, tuple[Run, ...] | list[Run]]) -> tuple[Cell, ...]:
    """The cells of an experiment that compares arms and has no x."""
    return tuple(Cell(arm, None, tuple(runs)) for arm, runs in candidates.items())


def tuned(template: Run, **grids: Iterable) -> tuple[Run, ...]:
    """The candidates of a cell: every combination of the fields' candidate values. The other fields
    are those of `template`."""
    return tuple(
        replace(template, **dict(zip(grids, values, strict=True)))
        for values in product(*grids.values())
    )
