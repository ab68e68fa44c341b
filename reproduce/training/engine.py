"""The compiled update: one XLA program for all runs of one architecture on one data set.

The data is on the device; the update gathers its batch, computes the gradient and applies SGD with
momentum and the constraints. A stack of runs is trained side by side in one program, each with
values of its own; a run alone is a stack of one.
"""

from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from reproduce.data import Dataset
from reproduce.machine import has_gpu
from reproduce.spec import ConvNet, Residual, Run
from reproduce.training.nets import Built, build
from reproduce.training.slots import Slots, in_blocks, read, write
from reproduce.training.update import Update, hyperparameters

# At most this many updates between two checks of the loss: enough to hide the cost of a check.
CHUNK_UPDATES, GPU_CHUNK_UPDATES = 100, 200
# At most this many engines, with this many weights in total, are kept; the oldest are dropped.
KEPT_ENGINES, KEPT_WEIGHTS, GPU_KEPT_WEIGHTS = 16, 30_000_000, 1_000_000_000

_engines: dict[tuple, "Engine"] = {}


def engine_for(run: Run, dataset: Dataset, runs: int = 1) -> "Engine":
    """The engine for stacks of so many runs of this run's architecture. Only a few are kept; the
    oldest is dropped first."""
    key = (dataset.digest, runs, *run.architecture)
    if key not in _engines:
        _engines[key] = Engine(run, dataset, runs)
        most = GPU_KEPT_WEIGHTS if has_gpu() else KEPT_WEIGHTS
        while len(_engines) > 1 and (
            len(_engines) > KEPT_ENGINES
            or sum(each.model.count_params() * each.runs for each in _engines.values()) > most
        ):
            del _engines[next(iter(_engines))]
    return _engines[key]


class Engine:
    """The compiled update and forward pass of one architecture on one data set, for a stack of
    `runs` runs, each in a slot of its own. The loop over updates is inside the program on a GPU,
    outside it on a CPU, unless `loop_inside` says otherwise."""

    def __init__(self, run: Run, dataset: Dataset, runs: int = 1, loop_inside: bool | None = None):
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.loop_inside = on_gpu if loop_inside is None else loop_inside
        self.chunk = GPU_CHUNK_UPDATES if self.loop_inside else CHUNK_UPDATES
        self.runs, self.slots = runs, Slots(runs)
        built = build(run, dataset.shape, dataset.classes)
        self.model = built.model
        self.update = Update(run, self.model, dataset)
        variable, lead = self.slots.variable, self.slots.lead
        self.weights = [variable(each.value) for each in self.model.trainable_variables]
        # The masks' state and batch normalisation's statistics.
        self.others = [variable(each.value) for each in self.model.non_trainable_variables]
        # What a frozen machine finds in every image, and the slots where it is to be found anew.
        every, frozen = (*lead, len(dataset.images)), self.update.frozen
        outputs = frozen.outputs if frozen else []
        self.found = [tf.Variable(tf.zeros((*every, *each.shape[1:]))) for each in outputs]
        self.stale: set[int] = set()
        self.velocities = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
        self.numbers = [variable(getattr(owner, name)) for owner, name in self.update.owners]
        self.rate_factors = variable(np.asarray(built.learning_rate_factors, np.float32))
        self.l1_factors = variable(np.asarray(built.l1_factors, np.float32))
        # int64, like the labels: TensorFlow keeps int32 on the host, where a GPU cannot read it.
        self.order = tf.Variable(tf.zeros((self.chunk, *lead, run.batch_size), tf.int64))
        # Per update of the chunk: learning rate, momentum, L1 strength.
        self.schedule = tf.Variable(tf.zeros((self.chunk, *lead, 3)))
        self.position = tf.Variable(0, dtype=tf.int64)
        self.loss_sum = tf.Variable(tf.zeros(lead))
        # On a CPU, XLA's convolutions take twice as long as TensorFlow's own. So there only the
        # weight updates are compiled.
        whole = on_gpu or not isinstance(run.net, ConvNet | Residual)

        def compiled(function, jit_compile=True):
            return tf.function(function, jit_compile=jit_compile, autograph=False)

        self._apply = self._move_weights if whole else compiled(self._move_weights)
        self._update = compiled(self._one_update, whole)
        self._updates = compiled(self._repeat, self.loop_inside)
        # Where the program knows the number of updates, it need not ask after each.
        self._chunk = compiled(lambda: self._repeat(self.chunk), self.loop_inside)
        self._logits = compiled(self._score, whole)
        self._find = compiled(lambda ids, slot: self.update.find(self._network(slot)[1], ids))

    def load(self, built: Built, slot: int = 0) -> None:
        """Copies from a model of the same architecture: weights, mask states, hyperparameters."""
        trainable, others = built.model.trainable_variables, built.model.non_trainable_variables
        self.stale.add(slot)
        self.slots.put(
            [*self._state, *self.numbers, self.rate_factors, self.l1_factors],
            [
                *(each.value for each in (*trainable, *others)),
                *(np.zeros(each.shape, np.float32) for each in trainable),
                *(getattr(owner, name) for owner, name in hyperparameters(built.model)),
                np.asarray(built.learning_rate_factors, np.float32),
                np.asarray(built.l1_factors, np.float32),
            ],
            slot,
        )

    def advance(self, order: np.ndarray, schedule: np.ndarray) -> np.ndarray:
        """Makes one update of every run per row of `order`, of shape (updates, runs, batch), or
        (updates, batch) for a single run; returns each run's mean loss."""
        self._find_anew()
        updates = len(order)
        padding = ((0, self.chunk - updates), *[(0, 0)] * (order.ndim - 1))
        self.order.assign(np.pad(order, padding))
        self.schedule.assign(np.pad(schedule, padding))
        self.position.assign(0)
        self.loss_sum.assign(tf.zeros_like(self.loss_sum))
        if self.loop_inside and updates == self.chunk:
            self._chunk()
        else:
            self._updates(tf.constant(updates))
        return self.loss_sum.numpy().reshape(self.runs) / updates

    def _repeat(self, count: tf.Tensor | int) -> None:
        # On a CPU, XLA runs a loop's body more slowly than a cluster.
        def body(done):
            with tf.control_dependencies([self._update()]):
                return done + 1

        tf.while_loop(lambda done: done < count, body, [tf.constant(0)], parallel_iterations=1)

    def _one_update(self) -> tf.Tensor:
        # Gathers, not slices: XLA compiles a slice again for each start index.
        batch = tf.gather(self.order, self.position)
        rates = tf.gather(self.schedule, self.position)
        state = read(self.weights), read(self.others), read(self.numbers), read(self.found)
        loss, gradients, others = self.slots.each(self.update.gradients, *state, batch)
        write(self.others, others)
        self._apply(gradients, rates)
        self.loss_sum.assign_add(loss)
        return self.position.assign_add(1)

    def _move_weights(self, gradients: list[tf.Tensor], rates: tf.Tensor) -> None:
        state = read(self.weights), read(self.velocities)
        factors = read([self.rate_factors, self.l1_factors])
        numbers = read(self.numbers)
        weights, velocities = self.slots.each(
            self.update.moved, *state, gradients, numbers, rates, *factors
        )
        write(self.weights, weights)
        write(self.velocities, velocities)

    def _score(self, examples: tf.Tensor, slot: tf.Tensor) -> list[tf.Tensor]:
        weights, others, found = self._network(slot)
        return [self.update.scored(weights, others, found, examples)]

    def _network(self, slot) -> list[list[tf.Tensor]]:
        """One run's weights, its other state, and what its frozen machine finds."""
        groups = self.weights, self.others, self.found
        return [[self.slots.get(each, slot) for each in group] for group in groups]

    def _find_anew(self) -> None:
        while self.found and self.stale:
            slot = self.stale.pop()
            every = np.arange(self.found[0].shape[len(self.slots.lead)])
            self.slots.put(self.found, in_blocks(self._find, every, slot), slot)

    def logits(self, examples: np.ndarray, slot: int = 0) -> np.ndarray:
        """Inference outputs of shape (examples, classes), in blocks of one compiled size."""
        self._find_anew()
        return in_blocks(self._logits, examples, slot)[0]

    def shown(self, slot: int = 0) -> keras.Model:
        """A run's network as it is now: the engine's one model, which the next call fills anew."""
        weights, others, _ = self._network(slot)
        write(self.model.trainable_variables, weights)
        write(self.model.non_trainable_variables, others)
        self.update.hold([float(self.slots.get(each, slot)) for each in self.numbers])
        return self.model

    @cached_property
    def hidden(self) -> keras.Model | None:
        """From images to each hidden layer's activations, by layer name; None if there are none.
        It is part of the model that `shown` fills."""
        layers = [each for each in self.model.layers if each.name.startswith("hidden_")]
        outputs = {each.name: each.output for each in layers}
        return keras.Model(self.model.input, outputs) if outputs else None

    def state(self, slot: int = 0) -> dict[str, np.ndarray]:
        """Everything that training changes, for a checkpoint."""
        values = (self.slots.get(each, slot).numpy() for each in self._state)
        return dict(zip(self._state_names, values, strict=True))

    def restore(self, state: dict[str, np.ndarray], slot: int = 0) -> None:
        self.stale.add(slot)
        self.slots.put(self._state, [state[name] for name in self._state_names], slot)

    @property
    def _state(self) -> list[tf.Variable]:
        return [*self.weights, *self.others, *self.velocities]

    @property
    def weight_names(self) -> list[str]:
        """Those of `state` that are trained."""
        return self._state_names[: len(self.weights)]

    @cached_property
    def _state_names(self) -> list[str]:
        """A name of each of `_state`: its place among the model's variables."""
        place = {id(variable): i for i, variable in enumerate(self.model.variables)}
        own = (*self.model.trainable_variables, *self.model.non_trainable_variables)
        velocities = [f"velocity_{i}" for i in range(len(self.velocities))]
        return [f"variable_{place[id(each)]}" for each in own] + velocities
