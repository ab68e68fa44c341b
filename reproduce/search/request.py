"""A search as requested on the command line, checked and saved before it starts."""

import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from reproduce import experiments, plan
from reproduce.campaign import Options
from reproduce.errors import UserError
from reproduce.record import Results
from reproduce.spec import Budget, Experiment, Run, Search

TUNERS = ("grid", "random", "bayesian", "hyperband")


@dataclass(frozen=True)
class Request:
    """A search of one experiment's space: `options.seeds` runs per trial."""

    name: str
    tuner: str
    trials: int
    resume: bool
    overwrite: bool
    options: Options
    # The command-line arguments, passed on to the chief and the workers.
    arguments: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.experiment.search is None:
            names = experiments.names()
            able = ", ".join(name for name in names if experiments.load(name).search)
            raise UserError(f"{self.name} declares no search space; {able} do")
        if self.tuner not in TUNERS:
            raise UserError(f"unknown tuner {self.tuner!r}; the tuners are {', '.join(TUNERS)}")

    @cached_property
    def experiment(self) -> Experiment:
        return experiments.load(self.name)

    @property
    def space(self) -> Search:
        assert self.experiment.search is not None  # as checked above
        return self.experiment.search

    @property
    def seeds(self) -> int:
        assert self.options.seeds is not None  # the command line has a default
        return self.options.seeds

    @property
    def budget(self) -> Budget:
        return self.experiment.budgets[self.options.profile]

    def budgeted(self, run: Run) -> Run:
        return plan.budgeted(run, self.budget, self.experiment)

    @property
    def log_dir(self) -> Path:
        return self.options.log_dir / f"search_{self.name}"

    @property
    def state_dir(self) -> Path:
        """Where keras-tuner keeps its state."""
        return self.log_dir / "tuner"

    def results(self, kind: str = "") -> Results:
        return Results(self.options.results_dir, self.options.profile, f"search_{self.name}{kind}")


def prepare(request: Request) -> None:
    """Saves what is searched, and repairs rows that a kill left incomplete; refuses to resume a
    search of something else."""
    profile = request.options.profile
    asked = {
        "axes": {name: list(values) for name, values in request.space.axes.items()},
        "template": request.budgeted(request.space.template).settings(),
        "tuner": request.tuner,
        "seeds": request.seeds,
    }
    note = request.state_dir / "space.json"
    both = request.results(), request.results("_best")
    if request.overwrite:
        shutil.rmtree(request.state_dir, ignore_errors=True)
        for results in both:
            results.remove()
    for results in both:
        results.repair()
    if note.exists():
        if not request.resume:
            raise UserError(
                f"there is an earlier search of {request.name} at the {profile} profile: "
                "continue it with --resume, or delete it with --overwrite"
            )
        earlier = json.loads(note.read_text())
        changed = sorted(key for key in asked if asked[key] != earlier.get(key))
        if changed:
            raise UserError(
                f"the earlier search of {request.name} differs in its {' and '.join(changed)}: "
                "use the same ones with --resume, or delete that search with --overwrite"
            )
    elif any(results.runs() for results in both):
        raise UserError(
            f"there are rows of an earlier search of {request.name} at the {profile} "
            f"profile, but its tuner's state, {request.state_dir}, is missing: restore it and use "
            "--resume, or delete the search with --overwrite"
        )
    request.state_dir.mkdir(parents=True, exist_ok=True)
    part = note.with_suffix(".part")
    part.write_text(json.dumps(asked, indent=1))
    os.replace(part, note)
