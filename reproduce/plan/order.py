"""What is missing of several experiments -> the order in which it decides most for its cost."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from reproduce.judge import Judged, cells_of, seeds_needed
from reproduce.plan.planned import Planned
from reproduce.plan.stages import Stage
from reproduce.plan.standing import Place, Standing
from reproduce.spec import Autoencoder, Claim, Dbm, Mlp, Net, Rbm, Run

# The chance that a claim with fewer than two seeds is decided at its next look. A guess: of the
# first claims judged here after three seeds, about half were.
UNKNOWN = 0.5
# A question of ours counts half a claim of the paper.
OURS = 0.5
# Of MNIST: only the ratios of sizes count.
PIXELS, CLASSES = 784, 10
# The chance of a claim whose spread says that it never will be.
LEAST = 0.02


@dataclass(frozen=True)
class Missing:
    """The missing runs of one experiment, by the place of their cells."""

    choice: Stage
    final: Stage
    standing: Standing
    choosing: dict[Place, list[Planned]]
    testing: dict[Place, list[Planned]]
    # Final runs of cells that are still choosing, if they choose as they would now.
    later: dict[Place, list[Planned]]
    # The number of finished runs of both stages that are still declared.
    choices_done: int
    finals_done: int
    # The number of final seeds that each place is to have.
    seeds: dict[Place, int]

    @property
    def finals_left(self) -> int:
        """The number of missing final runs, with those of cells whose settings are not chosen."""
        return sum(map(self._finals_of, self.seeds))

    def _finals_of(self, place: Place) -> int:
        if place in self._unchosen:
            return self.seeds[place]
        return len(self.testing.get(place, ())) + len(self.later.get(place, ()))

    @property
    def _unchosen(self) -> set[Place]:
        return {(cell.arm, cell.x) for cell, run in self.standing.chosen if run is None}

    def runs(self, places: Iterable[Place]) -> list[tuple[Stage, Planned]]:
        """Choice runs first, then final runs, seed by seed."""
        places = list(places)
        choosing = [(self.choice, p) for place in places for p in self.choosing.get(place, ())]
        testing = [(self.final, p) for place in places for p in self.testing.get(place, ())]
        return choosing + sorted(testing, key=lambda pair: pair[1].run.seed)

    def milliseconds(self, places: Iterable[Place]) -> float:
        """The cost of all that these cells want."""
        return self.updates(places) * self.update_ms

    def updates(self, places: Iterable[Place]) -> float:
        """All updates that these cells want, those of the mean net counting 1: with the final runs
        of cells not yet chosen and the machines that the runs of each seed start from, which cells
        share."""
        budget, cost = self.standing.experiment.budgets[self.choice.profile], 0.0
        machines: dict[tuple[Net, ...], int] = {}
        for place in places:
            choosing, finals = self.choosing.get(place, []), self._finals_of(place)
            updates = sum(p.run.updates for p in choosing) + finals * budget.updates
            cost += updates * self._work(self._runs[place])
            seeds, chain = finals + len({p.run.seed for p in choosing}), self._runs[place].chain
            machines[chain] = max(seeds, machines.get(chain, 0))
        for chain, seeds in machines.items():
            below = (PIXELS, *(net.hidden[-1] for net in chain if isinstance(net, Rbm)))
            products = sum(map(_products, chain, (None,) * len(chain), below))
            cost += seeds * budget.start_updates * products / self._mean
        return cost

    @cached_property
    def update_ms(self) -> float:
        """Milliseconds an update of the mean net, in a campaign on two cores: as the finished runs
        took on CPUs, if there are any, else as declared."""
        taken = updates = 0.0
        for results in (self.choice.results, self.final.results):
            for entry in results.runs().values():
                run = self._runs.get((entry["arm"], entry["x"]))
                if run and entry["status"] == "done" and entry["device"] == "CPU":
                    # A run with one thread leaves the other core to another run.
                    taken += 1_000 * entry["seconds"] * min(entry["threads"], 2) / 2
                    updates += entry["run"]["updates"] * self._work(run)
        declared = self.standing.experiment.budgets[self.choice.profile].update_ms
        return taken / updates if updates else declared

    def groups(self) -> Iterator[tuple[float, list[Place]]]:
        """Each open claim's chance of a verdict a millisecond, and its cells that lack runs."""
        standing = self.standing
        cells = [cell for cell, _ in standing.chosen]
        lacking = [place for place in dict.fromkeys((*self.choosing, *self.testing))]
        for claim, judged in zip(standing.experiment.claims, standing.verdicts, strict=True):
            if judged is None or (judged.is_decided and not standing.is_choosing(claim)):
                continue
            needed = {(cell.arm, cell.x) for cell in cells_of(claim, cells)}
            if places := [place for place in lacking if place in needed]:
                cost = self.milliseconds(places)
                weight = 1.0 if claim.paper else OURS
                yield weight * _chance(claim, judged) / max(cost, 1.0), places
        yield 0.0, lacking

    def needed_with(self, place: Place) -> list[Place]:
        """The cells of the open claim with the best chance for its cost that needs this one."""
        best = sorted(self.groups(), key=lambda group: -group[0])
        return next((places for _, places in best if place in places), [place])

    @cached_property
    def _runs(self) -> dict[Place, Run]:
        """One run of each cell: they are of one net, and start from the same machines."""
        return {(cell.arm, cell.x): cell.candidates[0] for cell, _ in self.standing.chosen}

    @cached_property
    def _mean(self) -> float:
        """The mean products of an update of the cells' nets, of those that are fully connected."""
        sizes = [size for run in self._runs.values() if (size := _products(run.net, run.above))]
        return sum(sizes) / max(1, len(sizes)) or 1.0

    def _work(self, run: Run) -> float:
        """What an update of this run costs, the mean over the cells being 1: by the size of a
        fully connected net, else 1."""
        return _products(run.net, run.above) / self._mean or 1.0


def _products(net: Net, above: Dbm | None = None, below: int = PIXELS) -> int:
    """Products of a weight and a unit in an update of a fully connected net or a machine, for one
    image of MNIST, or for so many units of the machine below; 0 for other nets."""
    if isinstance(net, Mlp | Autoencoder):
        outputs = CLASSES if isinstance(net, Mlp) else PIXELS
        # What a DBM finds is computed once, and read by all layers but the last hidden one.
        beside = _upwards(*above.hidden) if above else 0
        # Forward, and backward to the weights and to the units.
        return 3 * (_upwards(PIXELS, *net.hidden, outputs) + beside)
    if isinstance(net, Rbm):
        # Up, down and up again, and the gradients of both phases.
        return (2 * net.steps + 4) * _upwards(below, *net.hidden)
    if isinstance(net, Dbm):
        # Of the mean field's rounds, the pixels' part is the same in each.
        rounds = 2 * net.mean_field * _upwards(*net.hidden)
        return (2 * net.steps + 5) * _upwards(PIXELS, *net.hidden) + rounds
    return 0


def _upwards(*widths: int) -> int:
    return sum(a * b for a, b in pairwise(widths))


def missing_of(choice: Stage, final: Stage) -> Missing:
    standing = final.standing()
    every = standing.choice_runs
    choosing = _by_place(every, choice.results.finished())
    finals = _by_place(final.runs_of(standing), final.results.finished())
    # A candidate that is still to be measured may change what is tested.
    testing = {place: runs for place, runs in finals.items() if place not in choosing}
    later = {place: runs for place, runs in finals.items() if place in choosing}
    chosen = len(every) - sum(map(len, choosing.values()))
    tested = len(standing.current & final.results.finished())
    seeds = final.seeds_of(standing)
    return Missing(choice, final, standing, choosing, testing, later, chosen, tested, seeds)


def _by_place(runs: list[Planned], finished: set[str]) -> dict[Place, list[Planned]]:
    """The runs that are not finished."""
    found: dict[Place, list[Planned]] = {}
    for planned in runs:
        if planned.run.key not in finished:
            found.setdefault((planned.arm, planned.x), []).append(planned)
    return found


def in_order(each: Iterable[Missing]) -> Iterator[tuple[Stage, Planned]]:
    """Every missing run once: those of the claim with the best chance of a verdict for its cost
    first, in each claim choice runs before final runs. A run that no claim needs comes last."""
    groups = sorted(
        ((score, missing, places) for missing in each for score, places in missing.groups()),
        key=lambda group: -group[0],
    )
    seen: set[tuple[str, str]] = set()
    for _, missing, places in groups:
        for stage, planned in missing.runs(places):
            if (stage.title, planned.run.key) not in seen:
                seen.add((stage.title, planned.run.key))
                yield stage, planned


def _chance(claim: Claim, judged: Judged) -> float:
    """The chance that the next look decides a claim, from the seeds that its spread asks for. One
    that is decided waits for its choices only."""
    if judged.is_decided:
        return 1.0
    if judged.found.n < 2:
        return UNKNOWN
    needed = seeds_needed(judged.found, claim, judged.looks)
    seeds = judged.next_seeds or judged.looks[-1]
    return LEAST if needed is None else max(min(1.0, seeds / needed), LEAST)
