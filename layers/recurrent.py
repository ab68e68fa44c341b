"""Variational dropout for recurrent layers: one mask for all steps of a sequence."""

import keras
from keras import ops

from layers.dropout import Dropout
from layers.structured import SequenceDropout


@keras.saving.register_keras_serializable("dropout")
class VariationalRNN(keras.layers.RNN):
    """A recurrent layer that drops the same inputs and the same recurrent units at every step.

    Masks are drawn anew in every training call. All gates of the cell see the same masks.

    Args:
        cell: A Keras cell (`LSTMCell`, `GRUCell`, `SimpleRNNCell` or one of their interface),
            whose first state is its output. Its own dropout must be off.
        rate: Float in [0, 1), the fraction of inputs dropped.
        recurrent_rate: Float in [0, 1), the fraction of the units fed back that is dropped.
        seed: Optional integer in [0, 2^32).
        **kwargs: Those of `keras.layers.RNN`, such as `return_sequences`.

    Call arguments:
        sequences: Float tensor of shape (batch, steps, features); further arguments are those of
            `keras.layers.RNN`.
        training: Boolean; whether to drop units.

    Output shape: that of `keras.layers.RNN`.

    Raises:
        ValueError: for what is not one cell, a cell with its own dropout, or rates out of range.

    Reference: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent
    neural networks", NeurIPS 2016 (tied gates).

    Example:

    >>> layer = VariationalRNN(keras.layers.LSTMCell(5), rate=0.25, recurrent_rate=0.25)
    >>> tuple(layer(keras.ops.ones((2, 7, 3)), training=True).shape)
    (2, 5)
    """

    def __init__(self, cell, *, rate, recurrent_rate, seed=None, **kwargs):
        one_cell = hasattr(cell, "get_initial_state") and isinstance(cell, keras.layers.Layer)
        if not one_cell or isinstance(cell, keras.layers.StackedRNNCells):
            raise ValueError(
                "`cell` is one recurrent cell, such as keras.layers.LSTMCell(8); stack several of "
                f"these layers for more. Received: cell={cell!r}"
            )
        if getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0):
            raise ValueError(
                "the cell's own dropout must be off. Received: "
                f"dropout={cell.dropout}, recurrent_dropout={cell.recurrent_dropout}"
            )
        super().__init__(_FedBack(cell), **kwargs)
        self.seed = seed
        settings = {"seed": seed, "dtype": self.dtype_policy}
        self.input_dropout = SequenceDropout(rate, name="inputs", **settings)
        self.recurrent_dropout = Dropout(recurrent_rate, name="recurrent", **settings)

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
        self.recurrent_dropout.rate = rate

    def build(self, sequences_shape, initial_state_shape=None):
        super().build(sequences_shape, initial_state_shape)
        self.input_dropout.build(sequences_shape)
        self.recurrent_dropout.build((sequences_shape[0], self.state_size[0]))

    def inner_loop(self, sequences, initial_state, mask, training=False):
        sequences = self.input_dropout(sequences, training=training)
        factor = self.recurrent_dropout(ops.ones_like(initial_state[0]), training=training)
        self.cell.factor = ops.cast(factor, initial_state[0].dtype)
        try:
            return super().inner_loop(sequences, initial_state, mask, training=training)
        finally:
            self.cell.factor = None

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell.cell),
            "rate": self.rate,
            "recurrent_rate": self.recurrent_rate,
            "seed": self.seed,
        }


class _FedBack(keras.layers.Layer):
    """A cell whose first state, its output fed back, is multiplied by `factor` at every step."""

    def __init__(self, cell):
        super().__init__(name="fed_back", dtype=cell.dtype_policy)
        self.cell, self.factor = cell, None
        self.state_size, self.output_size = cell.state_size, getattr(cell, "output_size", None)

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        return self.cell.get_initial_state(batch_size)

    def get_config(self):
        return {"cell": keras.saving.serialize_keras_object(self.cell)}

    def call(self, inputs, states, training=None):
        states = [states[0] * self.factor, *states[1:]]
        return self.cell(inputs, states, training=training)
