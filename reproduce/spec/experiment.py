"""An experiment as a value: arms, budgets, claims and views."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product

from reproduce.spec.budget import PROFILES, Budget
from reproduce.spec.claim import Claim, as_tuple
from reproduce.spec.run import Run
from reproduce.spec.search_space import Search
from reproduce.spec.view import View


@dataclass(frozen=True)
class Cell:
    """One arm at one x: the candidate settings, of which validation data chooses one."""

    arm: str
    x: float | None
    candidates: tuple[Run, ...]


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
