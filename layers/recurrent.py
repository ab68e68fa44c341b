"""Variational dropout for recurrent layers: one mask for all steps of a sequence."""

import keras
from keras import ops

from layers.dropout import Dropout
from layers.structured import SequenceDropout

CELLS = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)


@keras.saving.register_keras_serializable("dropout")
class VariationalRNN(keras.layers.RNN):
    """A recurrent layer that drops the same inputs and the same recurrent units at every step.

    Masks are drawn anew in every training call. All gates of the cell see the same masks.

    Args:
        cell: A keras.layers `LSTMCell`, `GRUCell` or `SimpleRNNCell`. Its own dropout must be off.
        rate: Float in [0, 1), the fraction of inputs dropped.
        recurrent_rate: Float in [0, 1), the fraction dropped of the units fed back to the weights;
            what a cell carries over past them stays whole.
        seed: Optional integer in [0, 2^32).
        **kwargs: Those of `keras.layers.RNN`, such as `return_sequences`.

    Call arguments:
        sequences: Float tensor of shape (batch, steps, features); further arguments are those of
            `keras.layers.RNN`.
        training: Boolean; whether to drop units.

    Output shape: that of `keras.layers.RNN`.

    Raises:
        ValueError: for another cell, one with its own dropout, or rates out of range.

    Reference: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent
    neural networks", NeurIPS 2016 (tied gates).

    Example:

    >>> layer = VariationalRNN(keras.layers.LSTMCell(5), rate=0.25, recurrent_rate=0.25)
    >>> tuple(layer(keras.ops.ones((2, 7, 3)), training=True).shape)
    (2, 5)
    """

    def __init__(self, cell, *, rate, recurrent_rate, seed=None, **kwargs):
        if not isinstance(cell, CELLS):
            raise ValueError(
                "`cell` is one LSTMCell, GRUCell or SimpleRNNCell of keras.layers; stack several "
                f"of these layers for more. Received: cell={cell!r}"
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
    """A cell whose weights see its fed-back output multiplied by `factor` at every step."""

    def __init__(self, cell):
        super().__init__(name="fed_back", dtype=cell.dtype_policy)
        self.cell, self.factor = cell, None
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def build(self, input_shape):
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        return self.cell.get_initial_state(batch_size)

    def get_config(self):
        return {"cell": keras.saving.serialize_keras_object(self.cell)}

    def call(self, inputs, states, training=None):
        dropped = states[0] * self.factor
        if isinstance(self.cell, keras.layers.GRUCell):
            output = _gru_step(self.cell, inputs, states[0], dropped)
            return output, [output]
        # In these cells the first state does nothing but feed the weights.
        return self.cell(inputs, [dropped, *states[1:]], training=training)


def _gru_step(cell, inputs, state, dropped):
    """A GRU cell's output if its gates see `dropped`; what it carries over is `state` itself.

    Dropped and scaled up at every step, the carried state would grow by 1 / (1 - rate) a step.
    """
    input_bias, recurrent_bias = 0.0, 0.0
    if cell.use_bias:
        both = ops.cast(cell.bias, cell.compute_dtype)
        input_bias, recurrent_bias = (both[0], both[1]) if cell.reset_after else (both, 0.0)
    kernel, recurrent = (
        ops.cast(weight, cell.compute_dtype) for weight in (cell.kernel, cell.recurrent_kernel)
    )
    update, reset, new = ops.split(ops.matmul(inputs, kernel) + input_bias, 3, axis=-1)
    fed = ops.split(ops.matmul(dropped, recurrent) + recurrent_bias, 3, axis=-1)
    update = cell.recurrent_activation(update + fed[0])
    reset = cell.recurrent_activation(reset + fed[1])
    if cell.reset_after:
        new = new + reset * fed[2]
    else:
        new = new + ops.matmul(reset * dropped, recurrent[:, 2 * cell.units :])
    return update * state + (1 - update) * cell.activation(new)
