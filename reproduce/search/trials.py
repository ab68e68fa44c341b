"""The runs of a search: trains what `tuner.py` proposes, and records the rows.

Rows are looked up by the run's key, so no run is ever repeated, whatever happened to the search
that requested it.
"""

import contextlib
import os
from pathlib import Path

from reproduce import plan, signals
from reproduce.campaign import Display, Job
from reproduce.campaign.execute import execute
from reproduce.errors import UserError
from reproduce.machine import use_threads
from reproduce.plan import Planned
from reproduce.record import Results, origin
from reproduce.search.ending import PARENT, STOP, training
from reproduce.search.request import Request
from reproduce.search.side_by_side import IP, PORT, THREADS
from reproduce.search.tuner import FailedTrialError, RpcError, Tuner

# The objective of a run that diverged: every prediction counts as wrong.
DIVERGED_PERCENT = 100.0


def search_and_test(request: Request, display: Display, stop_file: Path) -> int:
    """Runs the remaining trials, then tests the best point; returns the exit status."""
    trainer = _Trainer(request, display, stop_file)
    tuner = Tuner(request, trainer.train)
    display.stage(f"search_{request.name}", request.trials * request.seeds)
    try:
        tuner.search(verbose=0)
        best = tuner.best()
        tried = len(tuner.oracle.trials)
        if tried < request.trials:
            display.print(
                f"{tried} trials of {request.trials}: the tuner found no other point to try"
            )
        display.print(f"best of {tried} trials: {tuner.describe(best)}")
        point = best.hyperparameters.values
        finals = plan.search_finals(request.experiment, request.options.profile, point)
        display.stage(f"search_{request.name} final", len(finals))
        for planned in finals:
            with contextlib.suppress(FailedTrialError):  # recorded; the others still run
                trainer.train(planned, request.results("_best"))
    except _Stopped:
        display.print("stopped early; the same command with --resume resumes from here")
        return signals.STATUS
    every = (request.results(), request.results("_best"))
    # This includes the failures in worker processes.
    return int(any(e["status"] == "failed" for each in every for e in each.runs().values()))


def join_search(request: Request, display: Display, stop_file: Path) -> int:
    """Runs the chief, which proposes trials until all are done, or a worker, which trains them."""
    if threads := os.environ.get(THREADS):
        use_threads(int(threads))
    is_here = PARENT in os.environ
    trainer = _Trainer(request, display, Path(os.environ[STOP]) if is_here else stop_file)
    tuner = Tuner(request, trainer.train)
    display.stage(f"search_{request.name} {tuner.tuner_id}", request.trials * request.seeds)
    address = f"{os.environ[IP]}:{os.environ[PORT]}"
    try:
        tuner.search(verbose=0)
    except _Stopped:
        return signals.STATUS
    except RpcError as error:
        if is_here:  # the command says how its chief ended
            return 1
        raise UserError(
            f"the chief at {address} has ended or fails ({error.code().name}): start it again with "
            "--resume, then this worker"
        ) from None
    except RuntimeError as error:
        if not tuner.is_chief:
            raise
        raise UserError(f"the chief cannot listen at {address} ({error})") from None
    return 0


class _Stopped(BaseException):
    """The user requested a stop. Not an Exception, of which keras-tuner catches some."""


class _Trainer:
    """Trains and records a run, unless its rows exist."""

    def __init__(self, request: Request, display: Display, stop_file: Path):
        self.request, self.display, self.stop_file = request, display, stop_file
        self.origin = origin(request.options.command)

    def train(self, planned: Planned, results: Results) -> float:
        """The run's last validation error, or 0 if it has none."""
        run = planned.run
        if run.key not in results.finished():
            with training:
                self._train(planned, results)
            if self.stop_file.exists():  # asked for too late for the run to see it
                raise _Stopped
        if results.runs()[run.key]["status"] == "diverged":
            return DIVERGED_PERCENT
        return results.final_errors(run.measures[0]).get(run.key, 0.0)

    def _train(self, planned: Planned, results: Results) -> None:
        folder = self.request.log_dir / planned.folder
        data_dir = self.request.options.data_dir
        job = Job(planned, folder, data_dir, None, self.stop_file, self.origin)
        self.display.busy("compiling")
        outcome = execute(job, self.display.update)
        if outcome.status == "stopped":
            raise _Stopped
        try:
            outcome.record(results)
        except OSError as error:
            raise UserError(
                f"{results.csv} cannot be written ({error.strerror}); all earlier rows are safe, "
                "and --resume continues the search"
            ) from None
        if outcome.status == "failed":
            raise FailedTrialError(outcome.provenance["error"])
        self.display.ended(planned.run.key, planned.label, outcome.describe())
