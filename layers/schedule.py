"""A dropout rate that follows a schedule during training."""

import keras

from layers.dropconnect import DropConnect
from layers.dropout import Dropout
from layers.recurrent import VariationalRNN


class RateSchedule(keras.callbacks.Callback):
    """Sets the rate of dropout layers at the start of every epoch of `fit`.

    Args:
        schedule: Function from the epoch's index (from 0) to a rate in [0, 1).
        layers: List of the layers to set, or None for every dropout layer of this package in the
            model; both rates of a `VariationalRNN` follow then.

    Raises:
        ValueError: for a schedule that cannot be called or layers that do not drop; when training
            starts, for a model without such a layer.

    Example:

    >>> ramp = RateSchedule(lambda epoch: min(0.5, 0.1 * epoch))
    """

    def __init__(self, schedule, layers=None):
        super().__init__()
        if not callable(schedule):
            raise ValueError(
                "`schedule` is a function from the epoch's index to a rate. "
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
        self.schedule, self.layers = schedule, layers
        self._following: list = []

    def on_train_begin(self, logs=None):
        self._following = list(self.layers or ())
        if self.layers is None:
            found = self.model._flatten_layers(include_self=False)
            self._following = [layer for layer in found if isinstance(layer, Dropout)]
        if not self._following:
            raise ValueError("RateSchedule needs a model with a dropout layer of this package")

    def on_epoch_begin(self, epoch, logs=None):
        for layer in self._following:
            layer.rate = self.schedule(epoch)
