"""Variational dropout for recurrent layers: one mask for all steps of a sequence."""

from typing import Any

import keras
from keras import ops

from ..checks import Fixed, check_rate
from .cells import CELLS, step
from .dropout import Dropout
from .structured import SequenceDropout


@keras.saving.register_keras_serializable("dropout")
class VariationalRNN(keras.layers.RNN):
    """A recurrent layer that drops the same inputs, recurrent units or weights at every step.

    Masks are drawn anew in every training call. All gates of the cell see the same masks.

    Args:
        cell: A keras.layers `LSTMCell`, `GRUCell` or `SimpleRNNCell`. Its own dropout must be off.
        rate: Float in [0, 1), the fraction of inputs dropped.
        recurrent_rate: Float in [0, 1), the fraction dropped of the units fed back to the weights;
            what a cell carries over past them stays whole.
        recurrent_weight_rate: Float in [0, 1), the fraction dropped of the hidden-to-hidden
            weights: DropConnect, with one mask for all sequences of a batch and all their steps.
        seed: Optional integer in [0, 2^32).
        calls_per_mask: Positive integer: so many training calls in a row share their masks.
        **kwargs: Those of `keras.layers.RNN`, such as `return_sequences`.

    Call arguments:
        sequences: Float tensor of shape (batch, steps, features); further arguments are those of
            `keras.layers.RNN`.
        training: Boolean; whether to drop.

    Output shape: that of `keras.layers.RNN`.

    Raises:
        ValueError: for another cell, one with its own dropout, or rates out of range.

    Reference: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent
    neural networks", NeurIPS 2016 (tied gates); for the weights Merity, Keskar and Socher,
    "Regularizing and optimizing LSTM language models", ICLR 2018, section 2.

    Example:

    >>> layer = VariationalRNN(keras.layers.LSTMCell(5), rate=0.25, recurrent_rate=0.25)
    >>> tuple(layer(keras.ops.ones((2, 7, 3)), training=True).shape)
    (2, 5)
    """

    calls_per_mask = Fixed()

    def __init__(
        self,
        cell: keras.layers.Layer,
        *,
        rate: float,
        recurrent_rate: float,
        recurrent_weight_rate: float = 0.0,
        seed: int | None = None,
        calls_per_mask: int = 1,
        **kwargs: Any,
    ) -> None:
        if not isinstance(cell, CELLS):
            raise ValueError(
                "`cell` is one LSTMCell, GRUCell or SimpleRNNCell of keras.layers; stack several "
                f"of these layers for more. Received: cell={cell!r}"
            )
        if cell.dropout or cell.recurrent_dropout:
            raise ValueError(
                "the cell's own dropout must be off. Received: "
                f"dropout={cell.dropout}, recurrent_dropout={cell.recurrent_dropout}"
            )
        super().__init__(_FedBack(cell), **kwargs)
        check_rate(recurrent_rate, "recurrent_rate")
        self._check_weight_rate(check_rate(recurrent_weight_rate, "recurrent_weight_rate"))
        self.seed, self.calls_per_mask = seed, calls_per_mask
        settings = {"seed": seed, "calls_per_mask": calls_per_mask, "dtype": self.dtype_policy}
        self.input_dropout = SequenceDropout(rate, name="inputs", **settings)
        self.recurrent_dropout = Dropout(recurrent_rate, name="recurrent", **settings)
        self.weight_dropout = Dropout(recurrent_weight_rate, name="weights", **settings)
        self.weight_dropout.one_mask_a_batch = True

    @property
    def rate(self):
        return self.input_dropout.rate

    @rate.setter
    def rate(self, rate):
        self.input_dropout.rate = rate

    @property
    def recurrent_rate(self):
        return self.recurrent_dropout.rate

    @recurrent_rate.setter
    def recurrent_rate(self, rate):
        self.recurrent_dropout.rate = check_rate(rate, "recurrent_rate")

    @property
    def recurrent_weight_rate(self):
        return self.weight_dropout.rate

    @recurrent_weight_rate.setter
    def recurrent_weight_rate(self, rate):
        self._check_weight_rate(check_rate(rate, "recurrent_weight_rate"))
        self.weight_dropout.rate = rate

    def off(self):
        """The dropout layers inside whose rates nobody gave: a `RateSchedule` leaves them at 0."""
        return [dropout for dropout in self._inside() if dropout.given_rate == 0]

    def _inside(self):
        return self.input_dropout, self.recurrent_dropout, self.weight_dropout

    def _check_weight_rate(self, rate):
        if rate and self.cell.calls_the_cell:
            raise ValueError(
                "`recurrent_weight_rate` is 0 for a cell of another class, whose weights its own "
                f"`call` reads. Received: {rate!r} with {type(self.cell.cell).__name__}"
            )

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        # Here, so that their paths lie within this layer's.
        self.input_dropout.build(sequences_shape)
        self.recurrent_dropout.build((sequences_shape[0], self.state_size[0]))
        self.weight_dropout.build(self.cell.cell.recurrent_kernel.shape)

    def inner_loop(self, sequences, initial_state, mask, training=False):
        cell = self.cell.cell
        sequences = self.input_dropout(sequences, training=training)
        factor = self.recurrent_dropout(ops.ones_like(initial_state[0]), training=training)
        kernel = ops.cast(cell.recurrent_kernel, cell.compute_dtype)
        factor = ops.cast(factor, initial_state[0].dtype)
        # As one tuple: PyTorch's modules take an attribute that is a weight for a weight of theirs.
        self.cell.held = factor, self.weight_dropout(kernel, training=training)
        try:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        finally:
            self.cell.held = None

    def get_config(self):
        # A model that is saved while a schedule holds a rate at 0 has it follow when it is loaded.
        given = [dropout.given_rate for dropout in self._inside()]
        scheduled = given != [dropout.rate for dropout in self._inside()]
        return {
            **super().get_config(),
            **({"given_rates": given} if scheduled else {}),
            "cell": keras.saving.serialize_keras_object(self.cell.cell),
            "rate": self.rate,
            "recurrent_rate": self.recurrent_rate,
            "recurrent_weight_rate": self.recurrent_weight_rate,
            "seed": self.seed,
            "calls_per_mask": self.calls_per_mask,
        }

    @classmethod
    def from_config(cls, config, custom_objects=None):
        config = dict(config)
        given = config.pop("given_rates", ())
        layer = super().from_config(config, custom_objects)
        for dropout, rate in zip(layer._inside(), given, strict=False):
            dropout.given_rate = rate
        return layer


class _FedBack(keras.layers.Layer):
    """A cell that sees its output times a factor, by recurrent weights from outside: `held`."""

    def __init__(self, cell):
        super().__init__(name="fed_back", dtype=cell.dtype_policy)
        self.cell: Any = cell
        self.held: Any = None
        # A class of the user's has a `call` of its own; but a GRU must not drop what it carries.
        self.calls_the_cell = type(cell) not in CELLS and not isinstance(cell, CELLS[1])
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        return self.cell.get_initial_state(batch_size)

    def get_config(self):
        return {"cell": keras.saving.serialize_keras_object(self.cell)}

    def call(self, inputs, states, training=None):
        factor, recurrent = self.held
        fed = states[0] * factor
        if self.calls_the_cell:  # whose first state does nothing but feed the weights
            return self.cell(inputs, [fed, *states[1:]], training=training)
        return step(self.cell, inputs, states, fed, recurrent)
