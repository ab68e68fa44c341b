"""The compiled update: one XLA program for all runs of one architecture on one data set.

The data is on the device; the update gathers its batch, computes the gradient and applies SGD with
momentum and the constraints. Rates, learning rates, bounds and penalty strengths are variables, so
that runs that differ only in these share one compilation. A stack of runs is trained side by side
in one program, each with values of its own; a run alone is a stack of one.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from reproduce.data import Dataset
from reproduce.machine import has_gpu
from reproduce.spec import Autoencoder, ConvNet, LinearRegression, Residual, Run
from reproduce.training.models import Built, build
from reproduce.training.slots import Slots

# At most this many updates between two checks of the loss: enough to hide the cost of a check.
CHUNK_UPDATES, GPU_CHUNK_UPDATES = 100, 200
SCORED_AT_ONCE = 1000
# At most this many engines, with this many weights in total, are kept; the oldest are dropped.
KEPT_ENGINES, KEPT_WEIGHTS, GPU_KEPT_WEIGHTS = 16, 30_000_000, 1_000_000_000

_engines: dict[tuple, "Engine"] = {}
_on_device: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}


def engine_for(run: Run, dataset: Dataset, runs: int = 1) -> "Engine":
    """The engine for stacks of so many runs of this run's architecture. Only a few are kept; the
    oldest is dropped first."""
    key = (dataset.digest, runs, *run.architecture)
    if key not in _engines:
        _engines[key] = Engine(run, dataset, runs)
        while len(_engines) > 1 and (
            len(_engines) > KEPT_ENGINES
            or sum(each.model.count_params() * each.runs for each in _engines.values())
            > (GPU_KEPT_WEIGHTS if has_gpu() else KEPT_WEIGHTS)
        ):
            del _engines[next(iter(_engines))]
    return _engines[key]


def _resident(dataset: Dataset) -> tuple[tf.Tensor, tf.Tensor]:
    """The data set's images and labels on the device, one copy for all engines."""
    if dataset.digest not in _on_device:
        _on_device.clear()
        labels = tf.constant(dataset.labels, tf.int64)
        _on_device[dataset.digest] = tf.constant(dataset.images), labels
    return _on_device[dataset.digest]


def _hyperparameters(model: keras.Model) -> Iterator[tuple[object, str]]:
    """(object, attribute) of every number in the model's constraints and regularizers: bounds and
    penalty strengths."""
    owners = [layer.activity_regularizer for layer in model.layers]
    for variable in model.trainable_variables:
        owners += [variable.constraint, variable.regularizer]
    for owner in owners:
        for name, value in vars(owner).items() if owner else ():
            if isinstance(value, float):
                yield owner, name


class Engine:
    """The compiled update and forward pass of one architecture on one data set, for a stack of
    `runs` runs. The loop over updates is inside the program on a GPU, outside it on a CPU, unless
    `loop_inside` says otherwise."""

    def __init__(
        self, run: Run, dataset: Dataset, runs: int = 1, loop_inside: bool | None = None
    ):
        on_gpu = bool(tf.config.list_physical_devices("GPU"))
        self.loop_inside = on_gpu if loop_inside is None else loop_inside
        self.chunk = GPU_CHUNK_UPDATES if self.loop_inside else CHUNK_UPDATES
        self.runs, self.slots, self.net = runs, Slots(runs), run.net
        built = build(run, dataset.shape, dataset.classes)
        self.model = built.model
        variable, lead = self.slots.variable, self.slots.lead
        self.weights = [variable(each.value) for each in self.model.trainable_variables]
        # The masks' state and batch normalisation's statistics.
        self.others = [variable(each.value) for each in self.model.non_trainable_variables]
        self.velocities = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
        self.owners = list(_hyperparameters(self.model))
        self.numbers = [variable(getattr(owner, name)) for owner, name in self.owners]
        self.rate_factors = variable(np.float32(built.learning_rate_factors))
        self.l1_factors = variable(np.float32(built.l1_factors))
        self.images, self.labels = _resident(dataset)
        self.uses_l1 = run.l1 > 0
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

    @property
    def state_variables(self) -> list[tf.Variable]:
        """Everything that training changes."""
        return [*self.weights, *self.others, *self.velocities]

    def load(self, built: Built, slot: int = 0) -> None:
        """Copies from a model of the same architecture: weights, mask states, hyperparameters."""
        trainable, others = built.model.trainable_variables, built.model.non_trainable_variables
        numbers = [getattr(owner, name) for owner, name in _hyperparameters(built.model)]
        self.slots.put(
            [*self.state_variables, *self.numbers, self.rate_factors, self.l1_factors],
            [
                *(each.value for each in (*trainable, *others)),
                *(np.zeros(each.shape, np.float32) for each in trainable),
                *numbers,
                np.float32(built.learning_rate_factors),
                np.float32(built.l1_factors),
            ],
            slot,
        )

    def advance(self, order: np.ndarray, schedule: np.ndarray) -> np.ndarray:
        """Makes one update of every run per row of `order`, of shape (updates, runs, batch), or
        (updates, batch) for a single run; returns each run's mean loss."""
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
        weights = [each.value() for each in self.weights]
        others = [each.value() for each in self.others]
        numbers = [each.value() for each in self.numbers]
        loss, gradients, moved = self.slots.each(
            self._gradients, weights, others, numbers, batch
        )
        for other, new in zip(self.others, moved, strict=True):
            other.assign(new)
        self._apply(gradients, rates)
        self.loss_sum.assign_add(loss)
        return self.position.assign_add(1)

    def _gradients(
        self, weights: list, others: list, numbers: list, batch: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """One run's loss, gradients and new mask states."""
        images, labels = tf.gather(self.images, batch), tf.gather(self.labels, batch)
        with tf.GradientTape() as tape, self._holding(numbers):
            tape.watch(weights)
            logits, moved, penalties = self.model.stateless_call(
                weights, others, images, training=True, return_losses=True
            )
            loss = self._loss(logits, images, labels)
            total = tf.add_n([loss, *penalties])
        return loss, tape.gradient(total, weights), [tf.convert_to_tensor(each) for each in moved]

    @contextmanager
    def _holding(self, numbers: Sequence) -> Iterator[None]:
        """The model's constraints and regularizers hold these numbers for the while."""
        before = [getattr(owner, name) for owner, name in self.owners]
        try:
            self._hold(numbers)
            yield
        finally:
            self._hold(before)

    def _hold(self, numbers: Sequence) -> None:
        for (owner, name), number in zip(self.owners, numbers, strict=True):
            setattr(owner, name, number)

    def _move_weights(self, gradients: list[tf.Tensor], rates: tf.Tensor) -> None:
        state = [[each.value() for each in group] for group in (self.weights, self.velocities)]
        numbers = [each.value() for each in self.numbers]
        factors = self.rate_factors.value(), self.l1_factors.value()
        moved = self.slots.each(self._moved, *state, gradients, numbers, rates, *factors)
        for variables, values in zip((self.weights, self.velocities), moved, strict=True):
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)

    def _moved(
        self, weights, velocities, gradients, numbers, rates, rate_factors, l1_factors
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """One run's weights and velocities after an update."""
        rate, momentum, l1 = tf.unstack(rates)
        # Waits for the last gradient: XLA updates weights in place only if all reads come before.
        rate += 0 * tf.reshape(gradients[0], [-1])[0]
        moved, faster = [], []
        with self._holding(numbers):
            for i, (weight, velocity, gradient) in enumerate(
                zip(weights, velocities, gradients, strict=True)
            ):
                if self.uses_l1:
                    gradient += l1 * l1_factors[i] * tf.sign(weight)
                faster.append(momentum * velocity - rate * rate_factors[i] * gradient)
                stepped = weight + faster[-1]
                # Max-norm, where the run has a bound.
                constraint = self.model.trainable_variables[i].constraint
                moved.append(stepped if constraint is None else constraint(stepped))
        return moved, faster

    def _loss(self, logits: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        if isinstance(self.net, Autoencoder | LinearRegression):
            if isinstance(self.net, Autoencoder):
                error = tf.sigmoid(logits) - tf.reshape(images, tf.shape(logits))
            else:
                error = logits - tf.one_hot(labels, logits.shape[1])
            return tf.reduce_sum(tf.square(error)) / (2 * images.shape[0])
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return tf.reduce_mean(losses)

    def shown(self, slot: int = 0) -> keras.Model:
        """A run's network as it is now: the engine's one model, which the next call fills anew."""
        values = [self.slots.get(each, slot) for each in (*self.weights, *self.others)]
        variables = (*self.model.trainable_variables, *self.model.non_trainable_variables)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
        self._hold([float(self.slots.get(each, slot)) for each in self.numbers])
        return self.model

    @cached_property
    def hidden(self) -> keras.Model | None:
        """From images to each hidden layer's activations, by layer name; None if there are none.
        It is part of the model that `shown` fills."""
        layers = [each for each in self.model.layers if each.name.startswith("hidden_")]
        outputs = {each.name: each.output for each in layers}
        return keras.Model(self.model.input, outputs) if outputs else None

    def _score(self, ids: tf.Tensor, slot: tf.Tensor) -> tf.Tensor:
        state = [
            [self.slots.get(each, slot) for each in group] for group in (self.weights, self.others)
        ]
        images = tf.gather(self.images, ids)
        return self.model.stateless_call(*state, images, training=False)[0]

    def logits(self, ids: np.ndarray, slot: int = 0) -> np.ndarray:
        """Inference outputs of shape (len(ids), classes), in blocks of one compiled size."""
        padded = np.pad(ids, (0, -len(ids) % SCORED_AT_ONCE))
        blocks = padded.reshape(-1, SCORED_AT_ONCE)
        here = tf.constant(slot, tf.int64)
        scored = [self._logits(tf.constant(block), here).numpy() for block in blocks]
        return np.concatenate(scored)[: len(ids)]

    def state(self, slot: int = 0) -> dict[str, np.ndarray]:
        """Everything that training changes, for a checkpoint."""
        names = self._state_names
        values = (self.slots.get(each, slot).numpy() for each in self.state_variables)
        return dict(zip(names, values, strict=True))

    def restore(self, state: dict[str, np.ndarray], slot: int = 0) -> None:
        self.slots.put(self.state_variables, [state[name] for name in self._state_names], slot)

    @property
    def _state_names(self) -> list[str]:
        """A name of each of `state_variables`: its place among the model's variables."""
        place = {id(variable): i for i, variable in enumerate(self.model.variables)}
        own = (*self.model.trainable_variables, *self.model.non_trainable_variables)
        velocities = [f"velocity_{i}" for i in range(len(self.velocities))]
        return [f"variable_{place[id(each)]}" for each in own] + velocities
