"""The compiled update: one XLA program for all runs of one architecture on one data set.

The data is on the device; the update gathers its batch, computes the gradient and applies SGD with
momentum and the constraints. Rates, learning rates, bounds and penalty strengths are variables, so
that runs that differ only in these share one compilation.
"""

from collections.abc import Iterator
from functools import cached_property

import keras
import numpy as np
import tensorflow as tf

from reproduce.data import Dataset
from reproduce.spec import Autoencoder, ConvNet, LinearRegression, Residual, Run
from reproduce.training.models import Built, build

# At most this many updates between two checks of the loss: enough to hide the cost of a check.
CHUNK_UPDATES = 100
SCORED_AT_ONCE = 1000
# At most this many engines, with this many weights in total, are kept; the oldest are dropped.
KEPT_ENGINES, KEPT_WEIGHTS = 16, 30_000_000

_engines: dict[tuple, "Engine"] = {}
_on_device: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}


def engine_for(run: Run, dataset: Dataset) -> "Engine":
    """The engine for this run's architecture. Only a few are kept; the oldest is dropped first."""
    key = (dataset.digest, *run.architecture)
    if key not in _engines:
        _engines[key] = Engine(run, dataset)
        while len(_engines) > 1 and (
            len(_engines) > KEPT_ENGINES
            or sum(engine.model.count_params() for engine in _engines.values()) > KEPT_WEIGHTS
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
            if isinstance(value, (float, tf.Variable)):
                yield owner, name


class Engine:
    """The compiled update and forward pass of one architecture on one data set."""

    def __init__(self, run: Run, dataset: Dataset):
        self.built = build(run, dataset.shape, dataset.classes)
        self.model = self.built.model
        self.weights = [variable.value for variable in self.model.trainable_variables]
        self.velocities = [tf.Variable(tf.zeros_like(weight)) for weight in self.weights]
        self.images, self.labels = _resident(dataset)
        self.uses_l1 = run.l1 > 0
        self.net = run.net
        # int64, like the labels: TensorFlow keeps int32 on the host, where a GPU cannot read it.
        self.order = tf.Variable(tf.zeros((CHUNK_UPDATES, run.batch_size), tf.int64))
        # Per update of the chunk: learning rate, momentum, L1 strength.
        self.schedule = tf.Variable(tf.zeros((CHUNK_UPDATES, 3)))
        self.rate_factors = tf.Variable(self.built.learning_rate_factors)
        self.l1_factors = tf.Variable(self.built.l1_factors)
        self.position = tf.Variable(0, dtype=tf.int64)
        self.loss_sum = tf.Variable(0.0)
        self.hyperparameters = []
        for owner, name in _hyperparameters(self.model):
            self.hyperparameters.append(tf.Variable(getattr(owner, name)))
            setattr(owner, name, self.hyperparameters[-1])
        # On a CPU, XLA's convolutions take twice as long as TensorFlow's own. So there only the
        # weight updates are compiled.
        whole = not isinstance(run.net, ConvNet | Residual) or bool(
            tf.config.list_physical_devices("GPU")
        )
        self._apply = (
            self._move_weights
            if whole
            else tf.function(self._move_weights, jit_compile=True, autograph=False)
        )
        self._update = tf.function(self._one_update, jit_compile=whole, autograph=False)
        self._updates = tf.function(self._repeat, autograph=False)
        self._logits = tf.function(self._score, jit_compile=whole, autograph=False)

    def load(self, built: Built) -> None:
        """Copies from a model of the same architecture: weights, mask states, hyperparameters."""
        for mine, other in zip(self.model.variables, built.model.variables, strict=True):
            mine.assign(other)
        for velocity in self.velocities:
            velocity.assign(tf.zeros_like(velocity))
        for mine, (owner, name) in zip(
            self.hyperparameters, _hyperparameters(built.model), strict=True
        ):
            mine.assign(getattr(owner, name))
        self.rate_factors.assign(built.learning_rate_factors)
        self.l1_factors.assign(built.l1_factors)

    def advance(self, order: np.ndarray, schedule: np.ndarray) -> float:
        """Makes one update per row of `order`; returns their mean loss."""
        updates = len(order)
        padding = ((0, CHUNK_UPDATES - updates), (0, 0))
        self.order.assign(np.pad(order, padding))
        self.schedule.assign(np.pad(schedule, padding))
        self.position.assign(0)
        self.loss_sum.assign(0.0)
        self._updates(tf.constant(updates))
        return float(self.loss_sum) / updates

    def _repeat(self, count: tf.Tensor) -> None:
        # The loop stays outside XLA, which runs a loop's body more slowly than a cluster.
        def body(done):
            with tf.control_dependencies([self._update()]):
                return done + 1

        tf.while_loop(lambda done: done < count, body, [tf.constant(0)], parallel_iterations=1)

    def _one_update(self) -> tf.Tensor:
        # Gathers, not slices: XLA compiles a slice again for each start index.
        batch = tf.gather(self.order, self.position)
        rate, momentum, l1 = tf.unstack(tf.gather(self.schedule, self.position))
        with tf.GradientTape() as tape:
            images = tf.gather(self.images, batch)
            loss = self._loss(images, tf.gather(self.labels, batch))
            total = tf.add_n([loss, *self.model.losses])
        gradients = tape.gradient(total, self.weights)
        self._apply(gradients, rate, momentum, l1)
        self.loss_sum.assign_add(loss)
        return self.position.assign_add(1)

    def _move_weights(
        self, gradients: list[tf.Tensor], rate: tf.Tensor, momentum: tf.Tensor, l1: tf.Tensor
    ) -> None:
        # Waits for the last gradient: XLA updates weights in place only if all reads come before.
        rate += 0 * tf.reshape(gradients[0], [-1])[0]
        for i, (weight, velocity, gradient) in enumerate(
            zip(self.weights, self.velocities, gradients, strict=True)
        ):
            if self.uses_l1:
                gradient += l1 * self.l1_factors[i] * tf.sign(weight)
            velocity.assign(momentum * velocity - rate * self.rate_factors[i] * gradient)
            moved = weight + velocity
            # Max-norm, where the run has a bound.
            constraint = self.model.trainable_variables[i].constraint
            weight.assign(moved if constraint is None else constraint(moved))

    def _loss(self, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        logits = self.model(images, training=True)
        if isinstance(self.net, Autoencoder | LinearRegression):
            if isinstance(self.net, Autoencoder):
                error = tf.sigmoid(logits) - tf.reshape(images, tf.shape(logits))
            else:
                error = logits - tf.one_hot(labels, logits.shape[1])
            return tf.reduce_sum(tf.square(error)) / (2 * images.shape[0])
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return tf.reduce_mean(losses)

    @cached_property
    def hidden(self) -> keras.Model | None:
        """From images to each hidden layer's activations, by layer name; None if there are none."""
        layers = [each for each in self.model.layers if each.name.startswith("hidden_")]
        outputs = {each.name: each.output for each in layers}
        return keras.Model(self.model.input, outputs) if outputs else None

    def _score(self, ids: tf.Tensor) -> tf.Tensor:
        return self.model(tf.gather(self.images, ids), training=False)

    def logits(self, ids: np.ndarray) -> np.ndarray:
        """Inference outputs of shape (len(ids), classes), in blocks of one compiled size."""
        padded = np.pad(ids, (0, -len(ids) % SCORED_AT_ONCE))
        blocks = padded.reshape(-1, SCORED_AT_ONCE)
        return np.concatenate([self._logits(tf.constant(b)).numpy() for b in blocks])[: len(ids)]

    def state(self) -> dict[str, np.ndarray]:
        """Everything that training changes, for a checkpoint."""
        arrays = {f"variable_{i}": v.numpy() for i, v in enumerate(self.model.variables)}
        return arrays | {f"velocity_{i}": v.numpy() for i, v in enumerate(self.velocities)}

    def restore(self, state: dict[str, np.ndarray]) -> None:
        for i, variable in enumerate(self.model.variables):
            variable.assign(state[f"variable_{i}"])
        for i, velocity in enumerate(self.velocities):
            velocity.assign(state[f"velocity_{i}"])
