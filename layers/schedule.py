"""A dropout rate that follows a schedule during training."""

from collections.abc import Callable, Sequence

import keras

from .checks import check_count, check_rate
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
            as `early_dropout` and `late_dropout` return. Updates are counted as the optimizer
            counts them, so that a second `fit` goes on where the first one ended.
        layers: List of the layers to set, or None for every dropout layer of this package in the
            model that has a fixed rate; all rates of a `VariationalRNN` that are above 0 follow.
        every: "epoch" or "update".

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
        self._following: list = []
        self._before = 0

    def on_train_begin(self, logs=None):
        self._following = list(self.layers or ())
        if self.layers is None:
            parts = list(self.model._flatten_layers(include_self=False))
            # A weight rate of 0 is DropConnect that nobody asked for.
            off = [p.weight_dropout for p in parts if isinstance(p, VariationalRNN)]
            off = [p for p in off if p.rate == 0]
            self._following = [
                part
                for part in parts
                if isinstance(part, Dropout)
                and not isinstance(part, ConcreteNoise)
                and not any(part is other for other in off)
            ]
        if not self._following:
            raise ValueError("RateSchedule needs a model with a dropout layer of this package")
        self._before = int(self.model.optimizer.iterations)
        self._seen = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._before, self._seen = self._before + self._seen, 0
        if self.every == "epoch":
            self._set(self.schedule(epoch))

    def on_train_batch_begin(self, batch, logs=None):
        if self.every == "update":
            self._set(self.schedule(self._before + batch))

    def on_train_batch_end(self, batch, logs=None):
        self._seen = batch + 1  # `batch` is the last of those that one program ran

    def _set(self, rate):
        for layer in self._following:
            # On JAX a change between two updates costs a copy of the model's state to it and back.
            if layer.rate != rate:
                layer.rate = rate


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
