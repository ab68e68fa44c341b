"""A dropout rate that follows a schedule during training."""

from collections.abc import Callable, Sequence

import keras

from .checks import check_count, check_rate, computed_rate
from .noise.masks import STEPS
from .units.concrete import ConcreteNoise
from .units.dropout import Dropout
from .units.recurrent import VariationalRNN
from .weights.dropconnect import DropConnect

UNITS = ("epoch", "update")


class RateSchedule(keras.callbacks.Callback):
    """Sets the rate of dropout layers at the start of every epoch, or update, of `fit`.

    Args:
        schedule: Function from the index of the epoch or update (from 0) to a rate in [0, 1), such
            as `early_dropout` and `late_dropout` return; one finer than the masks' resolution,
            1/65536, is 0. Updates are counted as the optimizer counts them, so that a second `fit`
            goes on where the first one ended, and the batches of an accumulated gradient have one;
            within an epoch, those whose scaled loss overflowed count too.
        layers: List of the layers to set, or None for every dropout layer of this package in the
            model that has a fixed rate. Of a `VariationalRNN` those rates follow that were above 0
            when it was made, or when they were last set other than by a schedule.
        every: "epoch" or "update". A model compiled with `steps_per_execution` makes so many
            updates with the rate of the first of them.

    Raises:
        ValueError: for a schedule that cannot be called, layers that do not drop, or another
            `every`; when training starts, for a model without such a layer.

    Example:

    >>> ramp = RateSchedule(lambda epoch: min(0.5, 0.1 * epoch))
    >>> early = RateSchedule(early_dropout(0.2, until=1000), every="update")
    """

    def __init__(
        self,
        schedule: Callable[[int], float],
        layers: Sequence[keras.layers.Layer] | None = None,
        *,
        every: str = "epoch",
    ) -> None:
        super().__init__()
        if not callable(schedule):
            raise ValueError(
                "`schedule` is a function from the index of an epoch or update to a rate. "
                f"Received: schedule={schedule!r}"
            )
        settable = (Dropout, DropConnect, VariationalRNN)
        if layers is not None and not (
            isinstance(layers, (list, tuple)) and all(isinstance(la, settable) for la in layers)
        ):
            raise ValueError(
                "`layers` is None or a list of dropout layers of this package. "
                f"Received: layers={layers!r}"
            )
        if every not in UNITS:
            raise ValueError(f"`every` is one of {UNITS}. Received: every={every!r}")
        self.schedule, self.layers, self.every = schedule, layers, every
        self._following: list[Dropout] = []
        # The batches that the optimizer had counted before this `fit`, and before this epoch; and
        # those of the epoch.
        self._first = self._before = self._seen = 0

    def on_train_begin(self, logs=None):
        self._following = self._found()
        if not self._following:
            raise ValueError("RateSchedule needs a model with a dropout layer of this package")
        if self.every == "update":
            self._before = self._first = self._counted()
            self._seen = 0

    def on_epoch_begin(self, epoch, logs=None):
        if self.every == "epoch":
            self._set(self.schedule(epoch))
            return
        # The optimizer leaves out batches whose scaled loss overflowed; and it counts none where a
        # training step of the user's has optimizers of its own.
        counted = self._counted()
        moved = counted != self._first
        self._before, self._seen = counted if moved else self._before + self._seen, 0

    def on_train_batch_begin(self, batch, logs=None):
        if self.every == "update":
            accumulated = self._optimizer().gradient_accumulation_steps or 1
            self._set(self.schedule((self._before + batch) // accumulated))

    def on_train_batch_end(self, batch, logs=None):
        self._seen = batch + 1  # `batch` is the last of those that one program ran

    def _found(self):
        """The dropout layers that follow, those inside of others included."""
        given = [self.model] if self.layers is None else self.layers
        parts = [part for layer in given for part in layer._flatten_layers()]
        off = [rate for part in parts if isinstance(part, VariationalRNN) for rate in part.off()]
        return [
            part
            for part in parts
            if isinstance(part, Dropout)
            and (self.layers or not isinstance(part, ConcreteNoise))
            and not any(part is other for other in off)
        ]

    def _optimizer(self):
        # Which scales the loss for another one, if it does.
        optimizer = self.model.optimizer
        return getattr(optimizer, "inner_optimizer", optimizer)

    def _counted(self):
        """The batches so far: those of an accumulated gradient too that is not applied yet, which
        `iterations` leaves out."""
        return int(self._optimizer()._iterations)

    def _set(self, rate):
        rate = computed_rate(rate)
        for layer in self._following:
            # On JAX a change between two updates costs a copy of the model's state to it and back.
            if layer.rate != rate:
                given = layer.given_rate
                layer.rate = rate
                layer.given_rate = given


def early_dropout(rate: float, until: int, *, linear: bool = True) -> Callable[[int], float]:
    """A schedule for `RateSchedule`: dropout in the first part of training only.

    It reduces underfitting: of models too small for their data.

    Args:
        rate: Float in [0, 1), the rate at the start.
        until: Positive integer, the number of epochs or updates after which the rate is 0.
        linear: Boolean; whether the rate falls linearly until then, or stays.

    Returns:
        A function from the index of an epoch or update to a rate.

    Reference: Liu, Xu, Jin, Shen and Darrell, "Dropout reduces underfitting", ICML 2023.

    Example:

    >>> schedule = early_dropout(0.5, until=4)
    >>> [schedule(epoch) for epoch in range(5)]
    [0.5, 0.375, 0.25, 0.125, 0.0]
    """
    rate, until = check_rate(rate), check_count("until", until)

    def schedule(index):
        if index >= until:
            return 0.0
        # To the masks' resolution: a rate that is smaller is none.
        return round(rate * (1 - index / until) * STEPS) / STEPS if linear else rate

    return schedule


def late_dropout(rate: float, start: int) -> Callable[[int], float]:
    """A schedule for `RateSchedule`: dropout in the last part of training only.

    It is against overfitting, as dropout all along is, and leaves the start of training faster.

    Args:
        rate: Float in [0, 1), the rate from `start` on.
        start: Positive integer, the number of epochs or updates without dropout.

    Returns:
        A function from the index of an epoch or update to a rate.

    Reference: Liu et al., ICML 2023.

    Example:

    >>> schedule = late_dropout(0.5, start=2)
    >>> [schedule(epoch) for epoch in range(4)]
    [0.0, 0.0, 0.5, 0.5]
    """
    rate, start = check_rate(rate), check_count("start", start)
    return lambda index: rate if index >= start else 0.0
