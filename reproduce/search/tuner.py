"""The keras-tuner part of a search: its oracles propose points, its loop requests their runs."""

import contextlib
import functools
import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from reproduce.campaign import format_measured
from reproduce.errors import UserError
from reproduce.machine import import_tensorflow
from reproduce.plan import Planned
from reproduce.record import Results
from reproduce.search import state
from reproduce.search.request import EPOCHS, Request

import_tensorflow()

import keras_tuner
from grpc import RpcError
from keras_tuner.errors import FailedTrialError
from keras_tuner.src import utils as tuner_files
from keras_tuner.src.distribute.utils import is_chief_oracle
from keras_tuner.src.engine.base_tuner import BaseTuner
from keras_tuner.src.engine.trial import Trial, TrialStatus

__all__ = ["FailedTrialError", "RpcError", "Tuner"]

# Not 0: keras-tuner then draws a random seed.
ORACLE_SEED = 1
# Of each of hyperband's rungs, one trial in so many goes on, for so many times the updates.
FACTOR = 3

# Trains a run unless its rows exist; returns its last validation error.
Train = Callable[[Planned, Results], float]

tuner_files.save_json = state.save
# keras-tuner's own one raises TensorFlow's errors.
tuner_files.create_directory = functools.partial(os.makedirs, exist_ok=True)


class Tuner(BaseTuner):
    """keras-tuner's search loop, with our runs as trials."""

    def __init__(self, request: Request, train: Train):
        self.request, self.train = request, train
        self.measure = f"validation_{request.experiment.measures[0]}"
        with contextlib.redirect_stdout(io.StringIO()):  # hides its message about reloading
            super().__init__(
                _oracle(request, self.measure),
                directory=str(request.state_dir),
                project_name=state.PROJECT,
            )
        self.is_chief = is_chief_oracle()
        if not self._is_worker():
            self._resume()
        self.save()
        if self.is_chief:
            for name in ("create_trial", "update_trial", "end_trial"):
                setattr(self.oracle, name, _or_end(getattr(self.oracle, name)))

    def reload(self) -> None:
        """Not keras-tuner's way, which trusts each file; `_resume` is ours."""

    def _resume(self) -> None:
        """Restores the state of an earlier search; trials that were running when it was killed
        come next."""
        file, oracle = Path(self.oracle._get_oracle_fname()), self.oracle
        if not file.exists():
            return
        fresh = oracle.get_state()
        with state.readable(self.request, file):
            saved = state.load(file)
            started = list(saved["start_order"])
        # A trial's own file is written before the oracle's. A trial that the oracle does not know
        # was never trained, and the oracle will propose it again.
        for trial_id in started:
            path = state.trial_file(file, trial_id)
            with state.readable(self.request, path):
                oracle.trials[trial_id] = Trial.from_state(state.load(path))
        with state.readable(self.request, file):
            for name, value in fresh.items():
                if not isinstance(value, type(saved[name])):
                    raise TypeError(f"{name} = {saved[name]!r}")
            oracle.set_state(saved)
            for trial_id in (*oracle.end_order, *oracle._retry_queue):
                oracle.trials[trial_id]
        if isinstance(oracle, keras_tuner.oracles.GridSearchOracle):
            _find_place_in_grid(oracle)
        oracle.ongoing_trials.clear()
        for trial in oracle.trials.values():
            waiting = trial.trial_id in oracle._retry_queue
            if trial.status == TrialStatus.RUNNING and not waiting:
                oracle._retry_queue.append(trial.trial_id)

    def describe(self, trial) -> str:
        settings = self.request.space.describe(trial.hyperparameters.values)
        return f"{settings}: {format_measured(self.measure, trial.score)}"

    def run_trial(self, trial, *_: object, **__: object) -> dict[str, float]:
        results = self.request.results()
        values = trial.hyperparameters.values
        settings = self.request.space.describe(values)
        errors = [
            self.train(Planned(f"trial {trial.trial_id}", None, settings, run), results)
            for run in self.request.runs(values)
        ]
        return {self.measure: fmean(errors)}

    def _try_run_and_update_trial(self, trial, *_: object, **__: object) -> None:
        """Only a failed run, which is recorded, makes a failed trial. keras-tuner would count any
        error as one, even a full disk, and go on."""
        try:
            self._run_and_update_trial(trial)
            trial.status = TrialStatus.COMPLETED
        except FailedTrialError:
            trial.status = TrialStatus.FAILED
            trial.message = traceback.format_exc()

    def best(self):
        """The completed trial with the most updates, then the lowest error; the first of a tie."""
        done = [t for t in self.oracle.trials.values() if t.status == TrialStatus.COMPLETED]
        if not done:
            raise UserError("no trial of the search was completed, so there is no best one")

        def rank(trial) -> tuple:
            epochs = trial.hyperparameters.values.get("tuner/epochs", EPOCHS)
            return -epochs, trial.score, trial.trial_id

        return min(done, key=rank)


def _or_end(call: Callable) -> Callable:
    """Ends the chief at what it cannot save. Its server would print a traceback, and go on with a
    state that is lost once the chief ends."""

    @functools.wraps(call)
    def wrapped(*arguments, **more):
        try:
            return call(*arguments, **more)
        except (UserError, OSError) as error:
            print(f"error: {error}", file=sys.stderr, flush=True)
            os._exit(2)  # this is not the main thread

    return wrapped


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
