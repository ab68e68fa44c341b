"""The trials of a search: keras-tuner proposes, the one engine trains, rows are kept.

Rows are looked up by the run's key, so no run is ever made twice, whatever became of the search
that asked for it.
"""

import contextlib
import functools
import io
import json
import os
import shlex
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from reproduce import Experiment, Run, Search, UserError, plan
from reproduce.campaign import commit
from reproduce.campaign import told as told_outcome
from reproduce.display import Display, measured
from reproduce.plan import Planned
from reproduce.quiet import import_tensorflow
from reproduce.record import Results
from reproduce.search import Options

tensorflow = import_tensorflow()

import keras_tuner  # noqa: E402
from keras_tuner.errors import FailedTrialError  # noqa: E402
from keras_tuner.src import utils as tuner_files  # noqa: E402
from keras_tuner.src.engine.base_tuner import BaseTuner  # noqa: E402
from keras_tuner.src.engine.trial import TrialStatus  # noqa: E402

from reproduce.crew import StopRequest  # noqa: E402
from reproduce.worker import Job, execute  # noqa: E402

# keras-tuner takes 0 for "draw one".
ORACLE_SEED = 1
# The objective of a run that diverged: all wrong.
DIVERGED_PERCENT = 100.0
# What Hyperband takes for epochs; its last rung makes all of the budget's updates.
EPOCHS, FACTOR = 9, 3


def _save_at_once(path: str, state: object) -> str:
    """keras-tuner writes its files in place: a kill in between would lose the search."""
    text = json.dumps(state)
    part = f"{path}.part"
    Path(part).write_text(text)
    os.replace(part, path)
    return text


tuner_files.save_json = _save_at_once


def carry_out(
    options: Options, experiment: Experiment, space: Search, display: Display, argv: list[str]
) -> int:
    """Searches what is left to search, then tests; returns the exit status."""
    with StopRequest(display) as stop:
        trainer = _Trainer(options, display, stop.path, argv)
        tuner = Tuner(options, experiment, space, trainer)
        display.stage(f"search_{options.name}", options.trials * options.seeds)
        try:
            tuner.search(verbose=0)
            best = tuner.best()
            display.say(f"best of {len(tuner.oracle.trials)} trials: {tuner.told(best)}")
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
        tuner = Tuner(options, experiment, space, _Trainer(options, display, stop.path, argv))
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


class Tuner(BaseTuner):
    """keras-tuner's search loop, with runs for trials."""

    def __init__(self, options: Options, experiment: Experiment, space: Search, trainer: _Trainer):
        self.options, self.experiment, self.space = options, experiment, space
        self.trainer = trainer
        self.budget = experiment.budgets[options.profile]
        measure = f"validation_{experiment.measures[0]}"
        self.measure = measure
        with contextlib.redirect_stdout(io.StringIO()):  # it says that it reloads
            super().__init__(_oracle(options, space, measure), directory=str(options.state_dir))
            if not self._is_worker():
                self._take_up()
        self.save()

    def _take_up(self) -> None:
        """Goes on with what an earlier search knew; trials that were under way when it was killed
        are the next ones."""
        if Path(self.oracle._get_oracle_fname()).exists():
            self.oracle.reload()
        if isinstance(self.oracle, keras_tuner.oracles.GridSearchOracle):
            _find_place_in_grid(self.oracle)
        self.oracle.ongoing_trials.clear()
        for trial in self.oracle.trials.values():
            waiting = trial.trial_id in self.oracle._retry_queue
            if trial.status == TrialStatus.RUNNING and not waiting:
                self.oracle._retry_queue.append(trial.trial_id)

    def run_of(self, trial) -> Run:
        """The settings of a trial, at no budget yet."""
        return self.space.run(trial.hyperparameters.values)

    def told(self, trial) -> str:
        values = {name: trial.hyperparameters.values[name] for name in self.space.axes}
        settings = ", ".join(f"{name.replace('_', ' ')} {v:g}" for name, v in values.items())
        return f"{settings}: {measured(self.measure, trial.score)}"

    def run_trial(self, trial, *_: object, **__: object) -> dict[str, float]:
        run = plan.budgeted(self.run_of(trial), self.budget, self.experiment)
        epochs = trial.hyperparameters.values.get("tuner/epochs", EPOCHS)
        updates = max(1, round(self.budget.updates * epochs / EPOCHS))
        run = replace(run, hold_out=True, updates=updates)
        results, values = self.options.results(), trial.hyperparameters.values
        settings = ", ".join(f"{n.replace('_', ' ')} {values[n]:g}" for n in self.space.axes)
        first = plan.FIRST_CHOICE_SEED
        errors = [
            self.trainer.train(
                Planned(f"trial {trial.trial_id}", None, settings, replace(run, seed=seed)),
                results,
            )
            for seed in range(first, first + self.options.seeds)
        ]
        return {self.measure: fmean(errors)}

    def best(self):
        """The completed trial of the most updates with the lowest error; the first one of a tie."""
        done = [t for t in self.oracle.trials.values() if t.status == TrialStatus.COMPLETED]
        if not done:
            raise UserError("no trial of the search was completed, so there is no best one")

        def rank(trial) -> tuple:
            epochs = trial.hyperparameters.values.get("tuner/epochs", EPOCHS)
            return -epochs, trial.score, trial.trial_id

        return min(done, key=rank)


def _find_place_in_grid(oracle: keras_tuner.oracles.GridSearchOracle) -> None:
    """Orders the trials of an earlier grid search, which keras-tuner itself does not save."""

    def order(one: str, other: str) -> int:
        values = (oracle.trials[each].hyperparameters.values for each in (one, other))
        return oracle._compare(*values)

    ordered = sorted(oracle.trials, key=functools.cmp_to_key(order))
    for before, trial_id in zip([None, *ordered], ordered, strict=False):
        oracle._ordered_ids.insert(trial_id, before)
    # Each is asked for its next combination, of which most have been tried.
    oracle._populate_next = ordered


def _oracle(options: Options, space: Search, measure: str) -> keras_tuner.Oracle:
    points = keras_tuner.HyperParameters()
    for name, values in space.axes.items():
        points.Choice(name, list(values), ordered=True)
    settings = {
        "objective": keras_tuner.Objective(measure, "min"),
        "hyperparameters": points,
        "allow_new_entries": False,
        "seed": ORACLE_SEED,
        # A failed trial is a trial; the search goes on.
        "max_consecutive_failed_trials": options.trials + 1,
    }
    if options.tuner == "hyperband":
        oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=EPOCHS, factor=FACTOR, **settings)
        oracle.max_trials = options.trials
        return oracle
    kinds = {
        "grid": keras_tuner.oracles.GridSearchOracle,
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": keras_tuner.oracles.BayesianOptimizationOracle,
    }
    return kinds[options.tuner](max_trials=options.trials, **settings)
