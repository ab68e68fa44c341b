"""Model, data and Run -> trained model and history: the one training loop of every experiment."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from reproduce.data import Dataset, split_indices
from reproduce.machine import precision
from reproduce.spec import Run
from reproduce.training import checkpoint, measures
from reproduce.training.engine import Engine, engine_for
from reproduce.training.measures import Measured
from reproduce.training.nets import NOTHING, Start, begin, build
from reproduce.training.schedules import Course
from reproduce.training.slots import spread

CHECKPOINT_SECONDS = 60
LOOK_SECONDS = 1.0


@dataclass
class Training:
    """A run in progress. Iterate over it to train; it yields itself after every few updates.

    With a `checkpoint` path, the state is saved there from time to time, and training resumes from
    it. A resumed run gives the same result as an uninterrupted one. With an `engine` for several
    runs, it is the one in that `slot`: see `advance_together`. `start` is what the run starts from.
    """

    run: Run
    dataset: Dataset
    checkpoint: Path | None = None
    engine: Engine = None  # type: ignore[assignment]
    slot: int = 0
    start: Start = NOTHING
    step: int = 0
    seconds: float = 0.0
    loss: float = float("nan")
    diverged: bool = False
    # Of the wall clock: a stack's runs share it.
    update_seconds: float = 0.05
    history: list[Measured] = field(default_factory=list)
    # What the run's end restores: the state of the lowest validation error, or the mean, so far.
    best_error: float = float("inf")
    kept_state: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.splits = split_indices(self.dataset, self.run)
        self.engine = self.engine or engine_for(self.run, self.dataset)
        self._load()
        self.saved = time.monotonic()
        if self.checkpoint and self.checkpoint.exists():
            self._resume(self.checkpoint)
        self.course = Course(self.run, self.splits["train"], self.step)

    def __iter__(self) -> Iterator["Training"]:
        while not self.is_over:
            advance_together([self])
            yield self

    @property
    def is_over(self) -> bool:
        return self.diverged or self.step >= self.run.updates

    def until_stop(self) -> int:
        """Updates until this run wants to be looked at: about a second of them at most, so that
        Ctrl-C takes effect soon."""
        chunk = self.engine.chunk
        if not self.engine.loop_inside:  # a program of its own for each number of updates
            chunk = max(1, min(chunk, int(LOOK_SECONDS / max(self.update_seconds, 1e-6))))
        return min(chunk, self.course.until_stop(self.step))

    def advanced(self, updates: int, loss: float, wall_seconds: float, runs: int) -> None:
        """Takes note of updates that the engine made, `runs` runs side by side; measures where the
        curve or the end asks for it."""
        began = time.monotonic()
        self.loss = loss
        self.update_seconds = wall_seconds / updates
        self.step += updates
        self.diverged = not np.isfinite(loss)
        is_last = self.step == self.run.updates
        if self.step in self.course.averaged and not self.diverged:
            self._average()
        if (self.step in self.course.curve or is_last) and not self.diverged:
            seen = [*self.measured("train", "validation")]
            self.diverged = not all(np.isfinite(m.value) for m in seen)  # by the last update
            if not self.diverged:
                self.history += seen
                self._remember()
        if is_last and not self.diverged:
            self._finish()
        self.seconds += wall_seconds / runs + time.monotonic() - began
        if self.checkpoint and time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self.save()
            self.saved = time.monotonic()

    def move(self, engine: Engine, slot: int) -> None:
        """Goes on in another stack."""
        state, self.engine, self.slot = self.engine.state(self.slot), engine, slot
        self._load()
        engine.restore(state, slot)

    def _load(self) -> None:
        # Small operations one by one, which a GPU is slow to start.
        with tf.device("CPU"):
            built = build(self.run, self.dataset.shape, self.dataset.classes)
            begin(built.model, self.start)
        self.engine.load(built, self.slot)

    @property
    def network(self) -> keras.Model:
        """The network as it is now, until the next update or look at a network of its stack."""
        return self.engine.shown(self.slot)

    @property
    def hidden(self) -> keras.Model | None:
        """From images to each hidden layer's activations of `network`; None without such layers."""
        return self.engine.hidden if self.network else None

    def logits(self, ids: np.ndarray) -> np.ndarray:
        """Inference outputs for these examples, of shape (len(ids), classes)."""
        return self.engine.logits(ids, self.slot)

    def measured(self, *splits: str, most: int | None = None) -> Iterator[Measured]:
        """The run's measures of the current network, on each of the splits that the run has; with
        `most`, on at most that many images of each."""
        for split in splits:
            ids = self.splits.get(split, np.empty(0, np.int32))
            if split == "train":
                ids = ids[: measures.MEASURED_EXAMPLES]
            if len(ids := ids[:most]):
                both = self.logits(ids), measures.targets(self.run, self.dataset, ids)
                yield from measures.measured(self.run, split, self.step, *both)

    def _remember(self) -> None:
        """Keeps the state if early stopping may restore it."""
        if self.run.early_stopping:
            error = self.last("validation", self.run.measures[0])
            if error is None:
                raise ValueError("early stopping needs a validation error; set `hold_out`")
            if error < self.best_error:
                self.best_error, self.kept_state = error, self.engine.state(self.slot)

    def _average(self) -> None:
        """Takes the network as it is now into the mean of the weights."""
        state, before = self.engine.state(self.slot), self.kept_state
        count = self.course.averaged.index(self.step) + 1
        for name in self.engine.weight_names if before else ():
            state[name] = before[name] + (state[name] - before[name]) / np.float32(count)
        self.kept_state = state

    def _finish(self) -> None:
        if self.kept_state:
            self.engine.restore(self.kept_state, self.slot)
            # A run's last values must be those of its final network.
            before = [m for m in self.history if m.step != self.step]
            self.history = [*before, *self.measured("train", "validation")]
        self.history += self.measured("test")

    def wrong_by(self) -> np.ndarray | None:
        """How wrong it is about each test image; None without any, or if it does not classify."""
        ids, data = self.splits.get("test", np.empty(0, np.int32)), self.dataset
        if not len(ids) or self.run.measures[0] != "error_percent":
            return None
        return measures.wrong_by(self.logits(ids), data.labels[ids], data.classes)

    def last(self, split: str, measure: str) -> float | None:
        """The latest value of a measure; None before the first."""
        return measures.last(self.history, split, measure)

    def model(self) -> keras.Model:
        """The trained network: an ordinary Keras model, independent of this training."""
        model = build(self.run, self.dataset.shape, self.dataset.classes).model
        for mine, trained in zip(model.variables, self.network.variables, strict=True):
            mine.assign(trained)
        return model

    def save(self) -> None:
        """Writes the checkpoint atomically; does nothing without a path."""
        if self.checkpoint is not None:
            seen = [(m.split, m.measure, m.step, m.value) for m in self.history]
            mine = self.run.key, self.dataset.digest, precision(), self.step, self.seconds
            progress = checkpoint.Progress(*mine, self.diverged, self.best_error, seen)
            state = self.engine.state(self.slot)
            checkpoint.write(self.checkpoint, state, self.kept_state, progress)

    def _resume(self, path: Path) -> None:
        try:
            mine = self.run.key, self.dataset.digest, precision(), self.run.updates
            state, kept, found = checkpoint.read(path, *mine, self.engine.state(self.slot))
            self.engine.restore(state, self.slot)
        except Exception as error:  # a damaged file raises a dozen exception types
            print(f"{path} cannot be used ({error}); restarting from step 0", file=sys.stderr)
            self._load()
            return
        self.step, self.seconds, self.diverged = found.step, found.seconds, found.diverged
        self.history = [Measured(*entry) for entry in found.history]
        self.best_error, self.kept_state = found.best_error, kept


def advance_together(trainings: Sequence[Training]) -> None:
    """Makes some updates of each run that is not over, side by side in the one engine that all of
    them have; as many as until the first of them wants to be looked at."""
    active = [each for each in trainings if not each.is_over]
    for each in active:
        if each.step == 0 and 0 in each.course.curve and not each.history:
            each.history += each.measured("train", "validation")
    began = time.monotonic()
    engine, updates = active[0].engine, min(each.until_stop() for each in active)
    taken = {each.slot: each.course.take(updates) for each in active}
    losses = engine.advance(*spread(taken, engine.runs))
    seconds = time.monotonic() - began
    for each in active:
        each.advanced(updates, float(losses[each.slot]), seconds, len(active))
