"""The runs of a search: what `tuner.py` proposes the one engine trains, and rows are kept.

Rows are looked up by the run's key, so no run is ever made twice, whatever became of the search
that asked for it.
"""

import contextlib
import os
import shlex
from pathlib import Path

from reproduce import Experiment, Search, plan
from reproduce.campaign import commit
from reproduce.campaign import told as told_outcome
from reproduce.display import Display
from reproduce.plan import Planned
from reproduce.quiet import import_tensorflow
from reproduce.record import Results
from reproduce.search import Options

tensorflow = import_tensorflow()

from keras_tuner.errors import FailedTrialError  # noqa: E402

from reproduce.crew import StopRequest  # noqa: E402
from reproduce.tuner import Tuner  # noqa: E402
from reproduce.worker import Job, execute  # noqa: E402

# The objective of a run that diverged: all wrong.
DIVERGED_PERCENT = 100.0


def carry_out(
    options: Options, experiment: Experiment, space: Search, display: Display, argv: list[str]
) -> int:
    """Searches what is left to search, then tests; returns the exit status."""
    with StopRequest(display) as stop:
        trainer = _Trainer(options, display, stop.path, argv)
        tuner = Tuner(options, experiment, space, trainer.train)
        display.stage(f"search_{options.name}", options.trials * options.seeds)
        try:
            tuner.search(verbose=0)
            best = tuner.best()
            tried = len(tuner.oracle.trials)
            if tried < options.trials:
                display.say(f"{tried} trials of {options.trials}: no other point was found to try")
            display.say(f"best of {tried} trials: {tuner.told(best)}")
            finals = plan.search_finals(experiment, options.profile, best.hyperparameters.values)
            display.stage(f"search_{options.name} final", len(finals))
            for planned in finals:
                with contextlib.suppress(FailedTrialError):  # recorded; the others still run
                    trainer.train(planned, options.results("_best"))
        except _Stopped:
            display.say("stopped early; the same command with --resume goes on from here")
            return 130
    every = (options.results(), options.results("_best"))
    # Workers' failures too.
    return int(any(e["status"] == "failed" for each in every for e in each.runs().values()))


def take_part(
    options: Options, experiment: Experiment, space: Search, display: Display, argv: list[str]
) -> int:
    """The chief, which proposes until all is done, or a worker, which trains what it proposes."""
    threads = os.environ.get("REPRODUCE_THREADS")
    if threads:
        tensorflow.config.threading.set_intra_op_parallelism_threads(int(threads))
        tensorflow.config.threading.set_inter_op_parallelism_threads(int(threads))
    with StopRequest(display) as stop:
        trainer = _Trainer(options, display, stop.path, argv)
        tuner = Tuner(options, experiment, space, trainer.train)
        display.stage(f"search_{options.name} {tuner.tuner_id}", options.trials * options.seeds)
        try:
            tuner.search(verbose=0)
        except _Stopped:
            return 130
    return 0


class _Stopped(BaseException):
    """The user asked for a stop; no exception that keras-tuner takes for a failed trial."""


class _Trainer:
    """Runs and records, unless the rows are there."""

    def __init__(self, options: Options, display: Display, stop_file: Path, argv: list[str]):
        self.options, self.display, self.stop_file = options, display, stop_file
        self.command = shlex.join(["python", "-m", "reproduce", *argv])
        self.origin = {"command": self.command, "commit": commit()}

    def train(self, planned: Planned, results: Results) -> float:
        """The run's last validation error, or 0 where it has none."""
        run, measure = planned.run, planned.run.measures[0]
        if run.key not in results.ended():
            folder = self.options.state_dir.parent / planned.folder
            job = Job(planned, folder, self.options.data_dir, None, self.stop_file, self.command)
            outcome = execute(job, self.display.glimpse)
            if outcome.status == "stopped":
                raise _Stopped
            entry = outcome.provenance | self.origin | {"status": outcome.status}
            results.append(outcome.rows, run.key, entry)
            if outcome.status == "failed":
                raise FailedTrialError(entry["error"])
            job.checkpoint.unlink(missing_ok=True)
            self.display.ended(run.key, planned.label, told_outcome(outcome))
        if results.runs()[run.key]["status"] == "diverged":
            return DIVERGED_PERCENT
        return results.final_errors(measure).get(run.key, 0.0)
