"""Model, data and Run -> trained model and history: the one training loop of every experiment."""

import itertools
import json
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import keras
import numpy as np

from reproduce.data import Dataset, split_indices
from reproduce.spec import Autoencoder, Run, derived_seed
from reproduce.training.engine import CHUNK_UPDATES, engine_for
from reproduce.training.measures import MEASURES
from reproduce.training.models import build
from reproduce.training.schedules import batches, l1_strengths, learning_rates, momenta

# Training error is measured on at most this many training examples.
MEASURED_EXAMPLES = 10_000
CHECKPOINT_SECONDS = 60
LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Measured:
    """One number of a run's history; `x` is its place on an x axis other than the experiment's."""

    split: str
    measure: str
    step: int
    value: float
    x: float | None = None


@dataclass
class Training:
    """A run in progress. Iterate over it to train; it yields itself after every few updates.

    With a `checkpoint` path, the state is saved there from time to time, and training resumes from
    it. A resumed run gives the same result as an uninterrupted one.
    """

    run: Run
    dataset: Dataset
    checkpoint: Path | None = None
    step: int = 0
    seconds: float = 0.0
    loss: float = float("nan")
    diverged: bool = False
    update_seconds: float = 0.05
    history: list[Measured] = field(default_factory=list)
    # For early stopping: the lowest validation error so far, and its state.
    best_error: float = float("inf")
    best_state: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.splits = split_indices(self.dataset, self.run)
        self.built = build(self.run, self.dataset.shape, self.dataset.classes)
        self.engine = engine_for(self.run, self.dataset)
        self.engine.load(self.built)
        rates = (learning_rates(self.run), momenta(self.run), l1_strengths(self.run))
        self.schedule = np.stack(rates, axis=1)
        if self.checkpoint and self.checkpoint.exists():
            self._resume(self.checkpoint)

    def __iter__(self) -> Iterator["Training"]:
        run = self.run
        order = batches(self.splits["train"], run.batch_size, derived_seed(run.seed, "order"))
        order = itertools.islice(order, self.step, None)
        curve = {round(run.updates * i / run.curve_points) for i in range(run.curve_points)}
        saved = time.monotonic()
        if self.step == 0 and 0 in curve:
            self.history += self.measured("train", "validation")
        while self.step < run.updates and not self.diverged:
            began = time.monotonic()
            stop = min(
                self.step + self._chunk(), *(at for at in curve | {run.updates} if at > self.step)
            )
            updates = np.stack(list(itertools.islice(order, stop - self.step)))
            self.loss = self.engine.advance(updates, self.schedule[self.step : stop])
            self.update_seconds = (time.monotonic() - began) / (stop - self.step)
            self.step = stop
            self.diverged = not np.isfinite(self.loss)
            if (stop in curve or stop == run.updates) and not self.diverged:
                self.history += self.measured("train", "validation")
                self._remember()
            if stop == run.updates and not self.diverged:
                self._finish()
            self.seconds += time.monotonic() - began
            if self.checkpoint and time.monotonic() - saved > CHECKPOINT_SECONDS:
                self.save()
                saved = time.monotonic()
            yield self

    def _chunk(self) -> int:
        """Updates until the next check: about one second, so that Ctrl-C takes effect soon."""
        return max(1, min(CHUNK_UPDATES, int(LOOK_SECONDS / max(self.update_seconds, 1e-6))))

    def measured(self, *splits: str, most: int | None = None) -> Iterator[Measured]:
        """The run's measures of the current network, on each of the splits that the run has; with
        `most`, on at most that many images of each."""
        for split in splits:
            ids = self.splits.get(split, np.empty(0, np.int32))
            if split == "train":
                ids = ids[:MEASURED_EXAMPLES]
            ids = ids[:most]
            if len(ids):
                logits, targets = self.engine.logits(ids), self._targets(ids)
                for name in self.run.measures:
                    value = MEASURES[name](logits, targets)
                    yield Measured(split, name, self.step, value)

    def _remember(self) -> None:
        """Keeps the state if early stopping may restore it."""
        if self.run.early_stopping:
            error = self.last("validation", self.run.measures[0])
            if error is None:
                raise ValueError("early stopping needs a validation error; set `hold_out`")
            if error < self.best_error:
                self.best_error, self.best_state = error, self.engine.state()

    def _finish(self) -> None:
        if self.best_state:
            self.engine.restore(self.best_state)
            # A run's last values must be those of its final network.
            self.history = [m for m in self.history if m.step != self.step]
            self.history += self.measured("train", "validation")
        self.history += self.measured("test")

    def wrong_by(self) -> np.ndarray | None:
        """Of each test image, (predicted - true class) modulo the number of classes, as uint8: 0
        where the net is right. None without test images, or if the net does not classify."""
        ids = self.splits.get("test", np.empty(0, np.int32))
        if not len(ids) or self.run.measures[0] != "error_percent":
            return None
        predicted = self.engine.logits(ids).argmax(axis=1)
        return ((predicted - self.dataset.labels[ids]) % self.dataset.classes).astype(np.uint8)

    def _targets(self, ids: np.ndarray) -> np.ndarray:
        if isinstance(self.run.net, Autoencoder):
            return self.dataset.images[ids].reshape(len(ids), -1)
        return self.dataset.labels[ids]

    def last(self, split: str, measure: str) -> float | None:
        """The latest value of a measure; None before the first."""
        values = (m.value for m in reversed(self.history))
        keys = ((m.split, m.measure) for m in reversed(self.history))
        return next(
            (v for v, key in zip(values, keys, strict=True) if key == (split, measure)), None
        )

    def model(self) -> keras.Model:
        """The trained network: an ordinary Keras model, independent of this training."""
        for mine, trained in zip(
            self.built.model.variables, self.engine.model.variables, strict=True
        ):
            mine.assign(trained)
        return self.built.model

    def save(self) -> None:
        """Writes the checkpoint atomically; does nothing without a path."""
        if self.checkpoint is None:
            return
        history = [[m.split, m.measure, m.step, m.value] for m in self.history]
        progress = {"step": self.step, "seconds": self.seconds, "history": history}
        progress["best_error"] = self.best_error
        best = {f"best_{name}": array for name, array in self.best_state.items()}
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        part = self.checkpoint.with_suffix(".part")
        with part.open("wb") as file:
            state = self.engine.state() | best | {"progress": np.array(json.dumps(progress))}
            np.savez(file, **state)  # type: ignore[arg-type]
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, self.checkpoint)

    def _resume(self, checkpoint: Path) -> None:
        try:
            with np.load(checkpoint, allow_pickle=False) as state:
                progress = json.loads(str(state["progress"]))
                self.engine.restore(state)
                best = {name[5:]: state[name] for name in state if name.startswith("best_")}
        except Exception as error:  # a damaged file raises a dozen exception types
            print(f"{checkpoint} is damaged ({error}); restarting from step 0", file=sys.stderr)
            self.engine.load(self.built)
            return
        self.step, self.seconds = progress["step"], progress["seconds"]
        self.history = [Measured(*entry) for entry in progress["history"]]
        self.best_error, self.best_state = progress["best_error"], best
