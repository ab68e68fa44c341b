"""Networks that are not in the paper: recurrent, residual, a small Transformer.

Their numbers follow Keras's convention, inverted dropout: the paper has no form to convert from.
"""

from collections.abc import Callable

import keras
from keras import ops

from layers import Dropout, VariationalRNN
from reproduce.spec import Recurrent, Residual, Run, Transformer, derived_seed


def build(run: Run, shape: tuple[int, ...], classes: int) -> keras.Model:
    """The network of `run`, which returns logits of the classes."""
    penalties = run.max_norm, run.l2, run.l1, run.sparsity_cost
    augmented = run.shift_pixels, run.flip
    drops_inputs = isinstance(run.net, Recurrent) and run.net.masks == "sequence"
    others = (
        run.noise != "bernoulli",
        run.input_rate_factor != 1,
        run.keep_input < 1 and not drops_inputs,
    )
    if any((*penalties, *augmented, *others)):
        raise ValueError(
            "recurrent, residual and Transformer nets have no regularisation but `keep`, and "
            f"`keep_input` in a recurrent net with masks 'sequence'. Received: {run.settings()}"
        )
    inputs = keras.Input(shape, name="pixels")
    makers: dict[type, Callable] = {
        Recurrent: _recurrent,
        Residual: _residual,
        Transformer: _transformer,
    }
    features = makers[type(run.net)](run, run.net, inputs)
    logits = keras.layers.Dense(classes, name="logits", kernel_initializer=_weights(run))(features)
    return keras.Model(inputs, logits, name=type(run.net).__name__.lower())


def _weights(run: Run, *place: str | int) -> keras.initializers.Initializer:
    return keras.initializers.GlorotUniform(seed=derived_seed(run.seed, "weights", *place))


def _dropped(run: Run, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    (keep,) = run.keeps
    if keep == 1:
        return x
    return Dropout(1 - keep, seed=derived_seed(run.seed, "masks"), name=name)(x)


def _recurrent(run: Run, net: Recurrent, x: keras.KerasTensor) -> keras.KerasTensor:
    (units,) = net.hidden
    cell = keras.layers.LSTMCell(
        units,
        # For a generator that the cell has but never uses, as it has no dropout of its own.
        seed=derived_seed(run.seed, "cell"),
        kernel_initializer=_weights(run, "input"),
        recurrent_initializer=keras.initializers.Orthogonal(
            seed=derived_seed(run.seed, "weights", "recurrent")
        ),
    )
    if net.masks == "sequence":
        seed = derived_seed(run.seed, "masks")
        return VariationalRNN(
            cell, rate=1 - run.keep_input, recurrent_rate=1 - run.keeps[0], seed=seed, name="lstm"
        )(x)
    # All masks are drawn before the first step and passed in with the rows.
    ones = ops.repeat(ops.ones_like(x[:, :, :1]), units, axis=2)
    factors = _dropped(run, ones, "dropout_recurrent")
    return keras.layers.RNN(NaiveCell(cell, x.shape[-1]), name="lstm")(
        keras.layers.Concatenate(name="rows_and_masks")([x, factors])
    )


@keras.saving.register_keras_serializable("reproduce")
class NaiveCell(keras.layers.Layer):
    """An LSTM cell that multiplies its previous output by the mask after each step's features."""

    def __init__(self, cell: keras.layers.LSTMCell, features: int, **kwargs):
        super().__init__(**kwargs)
        self.cell, self.features = cell, features
        self.state_size, self.output_size = cell.state_size, cell.output_size

    def build(self, input_shape):
        if not self.cell.built:  # in a loaded model it already is
            self.cell.build((*input_shape[:-1], self.features))

    def get_initial_state(self, batch_size=None):
        return self.cell.get_initial_state(batch_size)

    def call(self, inputs, states, training=None):
        features, factor = inputs[:, : self.features], inputs[:, self.features :]
        return self.cell(features, [states[0] * factor, states[1]], training=training)

    def get_config(self):
        cell = keras.saving.serialize_keras_object(self.cell)
        return {**super().get_config(), "cell": cell, "features": self.features}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("cell")), **config)


def _residual(run: Run, net: Residual, x: keras.KerasTensor) -> keras.KerasTensor:
    if len(x.shape) == 3:  # grey images have no channel axis
        x = keras.layers.Reshape((*x.shape[1:], 1), name="channel")(x)
    x = _convolved(run, net, x, net.filters[0], 1, "stem")
    for block, filters in enumerate(net.filters):
        stride = 1 if block == 0 else 2
        inner = _convolved(run, net, x, filters, stride, f"first_{block}")
        inner = _dropped(run, inner, f"dropout_{block}")
        inner = _convolved(run, net, inner, filters, 1, f"second_{block}", activate=False)
        if stride > 1:
            # Equal to the usual 1 x 1 convolution with a stride. On some processors, TensorFlow's
            # own implementation of that writes to memory that does not belong to it.
            x = keras.layers.MaxPooling2D(1, stride, padding="same", name=f"thinned_{block}")(x)
            kernel = _weights(run, "skip", block)
            name = f"skip_{block}"
            x = keras.layers.Dense(filters, use_bias=False, kernel_initializer=kernel, name=name)(x)
        x = keras.layers.Add(name=f"add_{block}")([x, inner])
        x = keras.layers.Activation(net.activation, name=f"block_{block}")(x)
    return keras.layers.GlobalAveragePooling2D(name="pool")(x)


def _convolved(
    run: Run,
    net: Residual,
    x: keras.KerasTensor,
    filters: int,
    stride: int,
    name: str,
    activate: bool = True,
) -> keras.KerasTensor:
    x = keras.layers.Conv2D(
        filters,
        3,
        stride,
        padding="same",
        use_bias=False,
        kernel_initializer=_weights(run, name),
        name=f"conv_{name}",
    )(x)
    x = keras.layers.BatchNormalization(momentum=0.9, name=f"batch_norm_{name}")(x)
    return keras.layers.Activation(net.activation, name=f"relu_{name}")(x) if activate else x


def _transformer(run: Run, net: Transformer, x: keras.KerasTensor) -> keras.KerasTensor:
    layers = keras.layers

    def dense(units: int, name: str, **settings) -> keras.layers.Dense:
        return layers.Dense(units, name=name, kernel_initializer=_weights(run, name), **settings)

    x = AddPositions(initializer_seed=derived_seed(run.seed, "positions"), name="positions")(
        dense(net.width, "rows")(x)
    )
    for block in range(net.blocks):
        attention = layers.MultiHeadAttention(
            net.heads, net.width // net.heads, name=f"attention_{block}"
        )
        attended = attention(x, x)
        # One initializer with one seed would give queries, keys and values the same weights.
        kernels = [weight for weight in attention.trainable_weights if len(weight.shape) > 2]
        for i, kernel in enumerate(kernels):
            kernel.assign(_weights(run, "attention", block, i)(kernel.shape))
        attended = _dropped(run, attended, f"dropout_attention_{block}")
        x = layers.LayerNormalization(name=f"norm_attention_{block}")(x + attended)
        fed = dense(2 * net.width, f"wide_{block}", activation=net.activation)(x)
        fed = _dropped(run, dense(net.width, f"narrow_{block}")(fed), f"dropout_fed_{block}")
        x = layers.LayerNormalization(name=f"norm_fed_{block}")(x + fed)
    return layers.GlobalAveragePooling1D(name="pool")(x)


@keras.saving.register_keras_serializable("reproduce")
class AddPositions(keras.layers.Layer):
    """Adds a learned position vector to each row's vector."""

    def __init__(self, initializer_seed: int, **kwargs):
        super().__init__(**kwargs)
        self.initializer_seed = initializer_seed

    def build(self, input_shape):
        initializer = keras.initializers.RandomNormal(stddev=0.02, seed=self.initializer_seed)
        self.positions = self.add_weight(
            shape=input_shape[1:], initializer=initializer, name="positions"
        )

    def call(self, rows):
        return rows + self.positions

    def get_config(self):
        return {**super().get_config(), "initializer_seed": self.initializer_seed}
