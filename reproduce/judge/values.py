"""Rows of final runs -> the paired differences that claims are about."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

from reproduce.record import Row
from reproduce.spec import Arms, Cell, Claim, as_tuple

# Rows of before 27 November 2026 have other names for these measures.
RENAMED = {
    "doubt": "predictive_entropy",
    "disagreement": "mutual_information",
    **{
        f"{method}_{old}": f"{method}_{new}"
        for method in ("monte_carlo", "weight_scaling")
        for old, new in (
            ("doubt_when_right", "predictive_entropy_when_right"),
            ("doubt_when_wrong", "predictive_entropy_when_wrong"),
            ("misranked_percent", "one_minus_auroc_percent"),
            ("kept_error_percent", "selective_risk_percent"),
        )
    },
}
BySeed = Mapping[int, float]


@dataclass(frozen=True, eq=False)
class Values:
    """The last value of each measure, by seed, of the cells that a profile runs."""

    rows: Iterable[Row]
    cells: tuple[Cell, ...]

    @cached_property
    def _found(self) -> dict[tuple, dict[int, tuple[int, float]]]:
        """(arm, split, measure, x) -> seed -> (step, value)."""
        found: dict[tuple, dict[int, tuple[int, float]]] = {}
        for row in self.rows:
            measure = RENAMED.get(row.measure, row.measure)
            here = found.setdefault((row.arm, row.split, measure, row.x), {})
            if row.seed not in here or row.step >= here[row.seed][0]:
                here[row.seed] = row.step, row.value
        return found

    def values(self, arm: str, x: float | None, split: str, measure: str) -> dict[int, float]:
        """Seed -> value; a value without x counts at every x."""
        found = {
            seed: value
            for place in dict.fromkeys((None, x))
            for seed, (_, value) in self._found.get((arm, split, measure, place), {}).items()
        }
        return dict(sorted(found.items()))

    @cached_property
    def _ended(self) -> dict[tuple, set[int]]:
        """(arm, x) -> the seeds whose runs have ended, diverged ones too."""
        ended: dict[tuple, set[int]] = {}
        for row in self.rows:
            ended.setdefault((row.arm, row.x), set()).add(row.seed)
        return ended

    def ended(self, cells: Iterable[Cell]) -> list[int]:
        """The seeds, in order, whose runs have ended in all of the cells."""
        each = [
            set().union(*(s for (arm, _), s in self._ended.items() if arm == cell.arm))
            if cell.x is None
            else self._ended.get((cell.arm, cell.x), set())
            for cell in cells
        ]
        return sorted(set.intersection(*each)) if each else []

    def difference(self, claim: Claim) -> dict[int, float] | None:
        """Seed -> paired difference, positive if it favours the claim; None if not run here."""
        return self._compared(claim, claim.split, claim.worse_split or claim.split)

    def fit(self, claim: Claim) -> dict[int, float]:
        """Seed -> the part of the difference that is there on the training images too."""
        return self._compared(claim, "train", "train") or {}

    def gain(self, claim: Claim, x: float | None) -> dict[int, float] | None:
        """The difference at one x, in percent of `worse` where gains are compared."""
        return self._gain(claim, x, claim.split, claim.worse_split or claim.split)

    def _compared(self, claim: Claim, split: str, worse_split: str) -> dict[int, float] | None:
        at = self._gain(claim, claim.x, split, worse_split)
        if claim.than_x is None or at is None:
            return at
        than = self._gain(claim, claim.than_x, split, worse_split)
        return None if than is None else {s: at[s] - than[s] for s in at if s in than}

    def _gain(
        self, claim: Claim, x: float | None, split: str, worse_split: str
    ) -> dict[int, float] | None:
        """Gains are compared in percent of the error on the claim's own images, whose share they
        are: an error on training images may be 0."""
        worse_x = x if claim.worse_x is None else claim.worse_x
        measure = claim.worse_measure or claim.measure
        better = self._mean(claim.better, x, split, claim.measure)
        worse = self._mean(claim.worse, worse_x, worse_split, measure)
        whole = self._mean(claim.worse, worse_x, claim.worse_split or claim.split, measure)
        if better is None or worse is None or whole is None:
            return None
        return {
            seed: (worse[seed] - better[seed]) * (1 if claim.than_x is None else 100 / whole[seed])
            for seed in better
            if seed in worse and seed in whole
        }

    def _mean(self, arms: Arms, x: float | None, split: str, measure: str) -> BySeed | None:
        """The mean over arms; a seed counts only if all of them have it."""
        if not all(self._runs(arm, x) for arm in as_tuple(arms)):
            return None
        each = [self.values(arm, x, split, measure) for arm in as_tuple(arms)]
        return {s: fmean(v[s] for v in each) for s in each[0] if all(s in v for v in each)}

    def _runs(self, arm: str, x: float | None) -> bool:
        """Whether the profile runs this cell; a cell without x may have rows at any x."""
        return any(cell.arm == arm and cell.x in (None, x) for cell in self.cells)


def cells_of(claim: Claim, cells: Iterable[Cell]) -> list[Cell]:
    """The cells whose runs a claim needs."""
    places = claim.places
    anywhere = {arm for arm, _ in places}
    return [
        cell
        for cell in cells
        if (cell.arm, cell.x) in places or (cell.x is None and cell.arm in anywhere)
    ]
