"""One run's update and forward pass, as functions of its values: what the engine compiles.

Rates, bounds and penalty strengths are arguments too, so that runs that differ only in these share
one program.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import tensorflow as tf

from reproduce.data import Dataset
from reproduce.spec import LinearRegression, Machine, Reconstructing, Run
from reproduce.training.nets import parted

_on_device: dict[str, tuple[tf.Tensor, tf.Tensor]] = {}


def _resident(dataset: Dataset) -> tuple[tf.Tensor, tf.Tensor]:
    """The data set's images and labels on the device, one copy for all engines."""
    if dataset.digest not in _on_device:
        _on_device.clear()
        labels = tf.constant(dataset.labels, tf.int64)
        _on_device[dataset.digest] = tf.constant(dataset.images), labels
    return _on_device[dataset.digest]


def hyperparameters(model: keras.Model) -> Iterator[tuple[object, str]]:
    """(object, attribute) of every number in the model's constraints and regularizers: bounds and
    penalty strengths."""
    owners = [layer.activity_regularizer for layer in model.layers]
    for variable in model.trainable_variables:
        owners += [variable.constraint, variable.regularizer]
    for owner in owners:
        for name, value in vars(owner).items() if owner else ():
            if isinstance(value, float):
                yield owner, name


def _within(model: keras.Model) -> keras.Model:
    inputs = keras.Input(model.input_shape[1:])
    return keras.Model(inputs, model(inputs))


class Update:
    """The functions of one architecture; `model` gives the network's form, and none of its values
    but those that `hold` sets.

    What a frozen DBM finds in the images is the same in every update, and costs more than the
    update: `find` computes it once. The others take it for all images, as `found`.
    """

    def __init__(self, run: Run, model: keras.Model, dataset: Dataset):
        self.model = model
        self.images, self.labels = _resident(dataset)
        self.net, self.uses_l1 = run.net, run.l1 > 0
        self.owners = list(hyperparameters(model))
        self.frozen, self.rest = parted(run, model)
        # Keras forgets the losses of layers inside a layer that is called on its own, and that of
        # a reconstruction has a machine inside. Within another model it is not on its own.
        self.trained = _within(model) if isinstance(run.net, Machine) else self.rest
        assert list(map(id, self.rest.trainable_variables)) == list(
            map(id, model.trainable_variables)
        )

    def gradients(
        self, weights: list, others: list, numbers: list, found: list, batch: tf.Tensor
    ) -> tuple[tf.Tensor, list[tf.Tensor], list[tf.Tensor]]:
        """The loss on a batch of examples, the gradients, and the masks' state after it."""
        inputs, labels = self._inputs(found, batch), tf.gather(self.labels, batch)
        mine = self._places(self.trained)
        with tf.GradientTape() as tape, self._holding(numbers):
            tape.watch(weights)
            logits, moved, penalties = self.trained.stateless_call(
                weights, [others[i] for i in mine], inputs, training=True, return_losses=True
            )
            loss = self._loss(logits, tf.nest.flatten(inputs)[0], labels)
            total = tf.add_n([loss, *penalties])
        others = list(others)
        for i, value in zip(mine, moved, strict=True):
            others[i] = tf.convert_to_tensor(value)
        return loss, tape.gradient(total, weights), others

    def moved(
        self, weights, velocities, gradients, numbers, rates, rate_factors, l1_factors
    ) -> tuple[list[tf.Tensor], list[tf.Tensor]]:
        """Weights and velocities after a step of SGD with momentum, L1 and max-norm; `rates` are
        the learning rate, the momentum and the strength of L1."""
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

    def scored(self, weights: list, others: list, found: list, examples: tf.Tensor) -> tf.Tensor:
        """Inference outputs for these examples."""
        mine = [others[i] for i in self._places(self.rest)]
        inputs = self._inputs(found, examples)
        return self.rest.stateless_call(weights, mine, inputs, training=False)[0]

    def find(self, others: list, examples: tf.Tensor) -> list[tf.Tensor]:
        """What the frozen DBM finds in these examples."""
        assert self.frozen
        mine = [others[i] for i in self._places(self.frozen)]
        images = tf.gather(self.images, examples)
        return tf.nest.flatten(self.frozen.stateless_call([], mine, images, training=False)[0])

    def _inputs(self, found: list, examples: tf.Tensor) -> tf.Tensor | list[tf.Tensor]:
        """Those of `rest`."""
        inputs = [tf.gather(each, examples) for each in (self.images, *found)]
        return inputs if found else inputs[0]

    def _places(self, part: keras.Model) -> list[int]:
        """Where the other variables of a part of the model are among those of the model."""
        place = {id(each): i for i, each in enumerate(self.model.non_trainable_variables)}
        return [place[id(each)] for each in part.non_trainable_variables]

    def _loss(self, logits: tf.Tensor, images: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
        if isinstance(self.net, Reconstructing | LinearRegression):
            if isinstance(self.net, LinearRegression):
                error = logits - tf.one_hot(labels, logits.shape[1])
            else:
                error = tf.sigmoid(logits) - tf.reshape(images, tf.shape(logits))
            if isinstance(
                self.net, Machine
            ):  # shown only: the layer's own loss is what it learns by
                error = tf.stop_gradient(error)
            return tf.reduce_sum(tf.square(error)) / (2 * images.shape[0])
        losses = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True)
        return tf.reduce_mean(losses)

    def hold(self, numbers: Sequence) -> None:
        """The model's constraints and regularizers hold these numbers."""
        for (owner, name), number in zip(self.owners, numbers, strict=True):
            setattr(owner, name, number)

    @contextmanager
    def _holding(self, numbers: Sequence) -> Iterator[None]:
        before = [getattr(owner, name) for owner, name in self.owners]
        try:
            self.hold(numbers)
            yield
        finally:
            self.hold(before)
