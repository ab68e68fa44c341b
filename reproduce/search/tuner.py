"""The keras-tuner part of a search: its oracles propose points, its loop requests their runs."""

import contextlib
import functools
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from reproduce import plan
from reproduce.campaign import format_measured
from reproduce.errors import UserError
from reproduce.machine import import_tensorflow
from reproduce.plan import Planned
from reproduce.record import Results
from reproduce.search.request import Request
from reproduce.spec import Run

import_tensorflow()

import keras_tuner
from keras_tuner.errors import FailedTrialError
from keras_tuner.src import utils as tuner_files
from keras_tuner.src.engine.base_tuner import BaseTuner
from keras_tuner.src.engine.trial import TrialStatus

__all__ = ["FailedTrialError", "Tuner"]

# Not 0: keras-tuner then draws a random seed.
ORACLE_SEED = 1
# Hyperband's epochs; its last rung makes all of the budget's updates.
EPOCHS, FACTOR = 9, 3

# Points measured along a trial, so that its best error can differ from its last one.
CURVE_POINTS = 5

# Trains a run unless its rows exist; returns its last validation error.
Train = Callable[[Planned, Results], float]


def _save_at_once(path: str, state: object) -> str:
    """Writes atomically. keras-tuner writes in place, where a kill would lose the search."""
    text = json.dumps(state)
    part = f"{path}.part"
    Path(part).write_text(text)
    os.replace(part, path)
    return text


tuner_files.save_json = _save_at_once


class Tuner(BaseTuner):
    """keras-tuner's search loop, with our runs as trials."""

    def __init__(self, request: Request, train: Train):
        self.request, self.train = request, train
        self.measure = f"validation_{request.experiment.measures[0]}"
        with contextlib.redirect_stdout(io.StringIO()):  # hides its message about reloading
            super().__init__(_oracle(request, self.measure), directory=str(request.state_dir))
            if not self._is_worker():
                self._resume()
        self.save()

    def _resume(self) -> None:
        """Restores the state of an earlier search; trials that were running when it was killed
        come next."""
        if Path(self.oracle._get_oracle_fname()).exists():
            self.oracle.reload()
        # A trial's own file is written before the oracle's. A trial that the oracle does not know
        # was never trained, and the oracle will propose it again.
        for trial_id in set(self.oracle.trials) - set(self.oracle.start_order):
            del self.oracle.trials[trial_id]
        if isinstance(self.oracle, keras_tuner.oracles.GridSearchOracle):
            _find_place_in_grid(self.oracle)
        self.oracle.ongoing_trials.clear()
        for trial in self.oracle.trials.values():
            waiting = trial.trial_id in self.oracle._retry_queue
            if trial.status == TrialStatus.RUNNING and not waiting:
                self.oracle._retry_queue.append(trial.trial_id)

    def run_of(self, trial) -> Run:
        """The settings of a trial, before the budget is applied."""
        return self.request.space.run(trial.hyperparameters.values)

    def describe(self, trial) -> str:
        settings = self.request.space.describe(trial.hyperparameters.values)
        return f"{settings}: {format_measured(self.measure, trial.score)}"

    def run_trial(self, trial, *_: object, **__: object) -> dict[str, float]:
        run = self.request.budgeted(self.run_of(trial))
        epochs = trial.hyperparameters.values.get("tuner/epochs", EPOCHS)
        updates = max(1, round(self.request.budget.updates * epochs / EPOCHS))
        run = replace(run, hold_out=True, updates=updates, curve_points=CURVE_POINTS)
        results = self.request.results()
        settings = self.request.space.describe(trial.hyperparameters.values)
        first = plan.FIRST_CHOICE_SEED
        errors = [
            self.train(
                Planned(f"trial {trial.trial_id}", None, settings, replace(run, seed=seed)),
                results,
            )
            for seed in range(first, first + self.request.seeds)
        ]
        return {self.measure: fmean(errors)}

    def best(self):
        """The completed trial with the most updates, then the lowest error; the first of a tie."""
        done = [t for t in self.oracle.trials.values() if t.status == TrialStatus.COMPLETED]
        if not done:
            raise UserError("no trial of the search was completed, so there is no best one")

        def rank(trial) -> tuple:
            epochs = trial.hyperparameters.values.get("tuner/epochs", EPOCHS)
            return -epochs, trial.score, trial.trial_id

        return min(done, key=rank)


class _BayesianOracle(keras_tuner.oracles.BayesianOptimizationOracle):
    """keras-tuner's oracle repeats its optimum once the model is sure of it, so its trials would be
    runs already made. This one replaces a point already tried by a random one."""

    def populate_space(self, trial_id: str) -> dict:
        proposed = super().populate_space(trial_id)
        if proposed["values"] and self._duplicate(proposed["values"]):
            return self._random_populate_space()
        return proposed


def _find_place_in_grid(oracle: keras_tuner.oracles.GridSearchOracle) -> None:
    """Restores the order of an earlier grid search's trials, which keras-tuner does not save."""

    def order(one: str, other: str) -> int:
        values = (oracle.trials[each].hyperparameters.values for each in (one, other))
        return oracle._compare(*values)

    ordered = sorted(oracle.trials, key=functools.cmp_to_key(order))
    for before, trial_id in zip([None, *ordered], ordered, strict=False):
        oracle._ordered_ids.insert(trial_id, before)
    # Each trial is asked for its next combination; most of these have been tried.
    oracle._populate_next = ordered


def _oracle(request: Request, measure: str) -> keras_tuner.Oracle:
    points = keras_tuner.HyperParameters()
    for name, values in request.space.axes.items():
        points.Choice(name, list(values))
    settings = {
        "objective": keras_tuner.Objective(measure, "min"),
        "hyperparameters": points,
        "allow_new_entries": False,
        "seed": ORACLE_SEED,
        # A failed trial counts as a trial; the search continues.
        "max_consecutive_failed_trials": request.trials + 1,
    }
    if request.tuner == "hyperband":
        oracle = keras_tuner.oracles.HyperbandOracle(max_epochs=EPOCHS, factor=FACTOR, **settings)
        oracle.max_trials = request.trials
        return oracle
    kinds = {
        "grid": keras_tuner.oracles.GridSearchOracle,
        "random": keras_tuner.oracles.RandomSearchOracle,
        "bayesian": _BayesianOracle,
    }
    return kinds[request.tuner](max_trials=request.trials, **settings)
