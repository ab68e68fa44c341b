"""The missing runs of a campaign, in an order that follows the rows as they come."""

from pathlib import Path

from reproduce.plan.order import in_order, missing_of
from reproduce.plan.planned import Planned
from reproduce.plan.stages import Stage
from reproduce.spec import Run


class Queue:
    """The missing runs of several experiments; the order changes with the rows."""

    def __init__(self, stages: dict[str, tuple[Stage, Stage]], log_dir: Path):
        self.stages, self.log_dir = stages, log_dir
        for both in stages.values():
            for stage in both:
                stage.results.repair()
        self.missing = {name: missing_of(*both) for name, both in stages.items()}
        # By stage and key: runs that were started here. A failed one is not tried again.
        self.started: set[tuple[str, str]] = set()
        self.running: set[str] = set()
        # By the key of a running run: what it starts from, and the folder of its event log.
        self.starts: dict[str, tuple[Run, Path]] = {}

    def keep(self, names: list[str]) -> None:
        self.stages = {name: self.stages[name] for name in names}
        self.missing = {name: self.missing[name] for name in names}

    def waiting(self) -> list[tuple[Stage, Planned]]:
        """What may be started now, in order. A run that another experiment is just making is left
        to it: its rows are copied later. One that starts from what a running one may still be
        training comes last."""
        found = [
            (stage, planned)
            for stage, planned in in_order(self.missing.values())
            if (stage.title, planned.run.key) not in self.started
            and planned.run.key not in self.running
        ]
        free = {p.run.key for p in self.free([p for _, p in found])}
        return sorted(found, key=lambda pair: pair[1].run.key not in free)

    def alike(self, waiting: list[tuple[Stage, Planned]]) -> list[Planned]:
        """The first of these runs, and those of its stage and seed that its claim needs too."""
        stage, first = waiting[0]
        places = self.missing[stage.name].needed_with((first.arm, first.x))
        same = [
            planned
            for other, planned in waiting
            if other == stage and planned.run.seed == first.run.seed
            if (planned.arm, planned.x) in places
        ]
        return self.free(same) or same

    def free(self, runs: list[Planned]) -> list[Planned]:
        """Those that start from nothing that a running one may still be training: it has no event
        log before it has what it starts from."""
        under_way = [start for start, folder in self.starts.values() if not folder.exists()]
        return [planned for planned in runs if planned.run.start not in under_way]

    def start(self, stage: Stage, planned: Planned) -> None:
        self.started.add((stage.title, planned.run.key))
        self.running.add(planned.run.key)
        if planned.run.start:
            folder = self.log_dir / stage.name / planned.folder
            self.starts[planned.run.key] = planned.run.start, folder

    def ended(self, stage: Stage, planned: Planned) -> None:
        self.running.discard(planned.run.key)
        self.starts.pop(planned.run.key, None)
        self.refresh(stage.name)

    def refresh(self, name: str) -> None:
        """Reads the rows of an experiment anew: they may choose settings, or decide claims."""
        self.missing[name] = missing_of(*self.stages[name])


def preferred(planned: list[Planned], here: set[tuple], anywhere: set[tuple]) -> Planned:
    """One whose program this worker has compiled, else one whose program no worker has, else the
    first: compiling takes seconds."""
    compiled_here = [p for p in planned if p.run.architecture in here]
    not_compiled = [p for p in planned if p.run.architecture not in anywhere]
    return (compiled_here or not_compiled or planned)[0]
