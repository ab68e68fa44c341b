"""Variational dropout for Keras's recurrent layers: one mask for all steps of a sequence."""

import keras
from keras import ops

from layers.dropout import check_rate
from layers.masks import MaskStream


@keras.saving.register_keras_serializable("dropout")
class VariationalCell(keras.layers.Layer):
    """Wraps a recurrent cell: the same inputs and the same recurrent units are dropped at every
    step of a sequence, others in the next call.

    Use it inside `keras.layers.RNN`. The masks are drawn with the initial state and carried along
    as two further states, so they come last in what `return_state=True` returns. With
    `RNN(stateful=True)` they would never be drawn anew: leave that off.

    Args:
        cell: A Keras cell (`LSTMCell`, `GRUCell`, `SimpleRNNCell` or one of their interface),
            whose first state is its output. Its own dropout must be off.
        rate: Float in [0, 1), the fraction of inputs dropped.
        recurrent_rate: Float in [0, 1), the fraction of the units fed back that is dropped. All
            gates of the cell see the same mask.
        seed: Optional integer.

    Reference: Gal and Ghahramani, NeurIPS 2016 (tied gates).

    Example:

    >>> cell = VariationalCell(keras.layers.LSTMCell(5), rate=0.25, recurrent_rate=0.25)
    >>> tuple(keras.layers.RNN(cell)(keras.ops.ones((2, 7, 3)), training=True).shape)
    (2, 5)
    """

    def __init__(self, cell, *, rate, recurrent_rate, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.cell = cell
        self._rate, self._recurrent_rate = check_rate(rate), check_rate(recurrent_rate)
        if getattr(cell, "dropout", 0) or getattr(cell, "recurrent_dropout", 0):
            raise ValueError(
                "the wrapped cell's own dropout must be off. Received: "
                f"dropout={cell.dropout}, recurrent_dropout={cell.recurrent_dropout}"
            )
        self.seed = seed
        # Known once built; `RNN` asks for the states' sizes before that.
        self.inputs = None
        self.input_stream = MaskStream(seed, f"{self.name}/input", 1 - self.rate)
        self.recurrent_stream = MaskStream(seed, f"{self.name}/recurrent", 1 - self.recurrent_rate)

    @property
    def rate(self):
        return self._rate

    @rate.setter
    def rate(self, rate):
        self._rate = check_rate(rate)
        self.input_stream.set_keep(1 - self._rate)

    @property
    def recurrent_rate(self):
        return self._recurrent_rate

    @recurrent_rate.setter
    def recurrent_rate(self, rate):
        self._recurrent_rate = check_rate(rate)
        self.recurrent_stream.set_keep(1 - self._recurrent_rate)

    @property
    def output_size(self):
        return self.cell.output_size

    @property
    def state_size(self):
        return [*self._cell_sizes(), self.inputs, self._cell_sizes()[0]]

    def _cell_sizes(self):
        sizes = self.cell.state_size
        return list(sizes) if isinstance(sizes, (list, tuple)) else [sizes]

    def build(self, input_shape):
        self.inputs = input_shape[-1]
        if not self.cell.built:
            self.cell.build(input_shape)

    def get_initial_state(self, batch_size=None):
        states = self.cell.get_initial_state(batch_size)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        widths = (self.inputs, self._cell_sizes()[0])
        for stream, width in zip((self.input_stream, self.recurrent_stream), widths, strict=True):
            kept = ops.cast(stream.draw((batch_size, width)), "float32")
            states.append(ops.cast(kept / stream.keep(), self.compute_dtype))
        return states

    def call(self, inputs, states, training=None):
        *states, input_mask, recurrent_mask = states
        if training:
            inputs = inputs * ops.cast(input_mask, inputs.dtype)
            states = [states[0] * ops.cast(recurrent_mask, states[0].dtype), *states[1:]]
        output, states = self.cell(inputs, states, training=training)
        states = list(states) if isinstance(states, (list, tuple)) else [states]
        return output, [*states, input_mask, recurrent_mask]

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["input_stream"] = ops.convert_to_numpy(self.input_stream.state)
        store["recurrent_stream"] = ops.convert_to_numpy(self.recurrent_stream.state)

    def load_own_variables(self, store):
        for name in ("input_stream", "recurrent_stream"):
            if name in store:
                getattr(self, name).restore(store[name][...])

    def get_config(self):
        return {
            **super().get_config(),
            "cell": keras.saving.serialize_keras_object(self.cell),
            "rate": self.rate,
            "recurrent_rate": self.recurrent_rate,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config):
        cell = keras.saving.deserialize_keras_object(config["cell"])
        return cls(**{**config, "cell": cell})
