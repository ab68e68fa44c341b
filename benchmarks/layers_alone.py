"""This package's layers in a user's own program, beside Keras's: calls, steps, `fit`.

CASE is a key of TIMES followed by ", ours" or ", Keras"; or a net followed by what drops in it.
python -m benchmarks.layers_alone ours|Keras trains one update, for a cold start to be timed.
"""

import sys

import numpy as np

EAGER, EAGER_ZERO = "an eager call on (100, 1024)", "the same at rate 0"
STEP, FIT = "a step with run_eagerly", "an update of fit"
LENGTHS, FEW_LENGTHS = (f"{n} lengths through three dropouts" for n in (200, 20))
# What a block's seconds are divided by.
TIMES = {EAGER: 200, EAGER_ZERO: 2000, STEP: 20, FIT: 200, LENGTHS: 1, FEW_LENGTHS: 1}
WIDTHS = (1024, 2048, 4096, 8192)
BLOCKS, BLOCK_UPDATES = 10, 40
BATCH_SIZE = 100


def updates(width: int) -> int:
    return max(2, 100 * 1024**2 // width**2)


def prepare(name: str):
    case, who = name.rsplit(", ", 1)
    if case in TIMES:
        return _BESIDE[case](case, _dropout(who)), who
    width = int(case.split()[-1])
    make = _residual if "residual" in case else _hidden
    count = BLOCK_UPDATES if "residual" in case else updates(width)
    model = make(width, who)
    model.compile("sgd", _loss())
    x, y = _data(width=784)

    def block() -> None:
        for _ in range(count):
            loss = model.train_on_batch(x, y)
        float(loss)

    return block, "train_on_batch, Keras's default compilation"


def _dropout(who: str):
    import keras

    if who == "Keras":
        return keras.layers.Dropout
    from layers import Dropout

    return Dropout


def _loss():
    import keras

    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


def _data(width: int, examples: int = BATCH_SIZE):
    rng = np.random.default_rng(1)
    return rng.random((examples, width), np.float32), rng.integers(0, 10, examples)


def _calls(case: str, dropout):
    import keras

    layer = dropout(0.0 if case == EAGER_ZERO else 0.5)
    x = keras.ops.convert_to_tensor(_data(1024)[0])

    def block() -> None:
        for _ in range(TIMES[case]):
            y = layer(x, training=True)
        np.asarray(y)

    return block


def _model(dropout):
    import keras

    stack = [keras.Input((784,))]
    for _ in range(3):
        stack += [keras.layers.Dense(256, "relu"), dropout(0.5)]
    return keras.Sequential([*stack, keras.layers.Dense(10)])


def _steps(case: str, dropout):
    model = _model(dropout)
    model.compile("sgd", _loss(), run_eagerly=True)
    x, y = _data(784)

    def block() -> None:
        for _ in range(TIMES[case]):
            model.train_on_batch(x, y)

    return block


def _fit(case: str, dropout):
    model = _model(dropout)
    model.compile("sgd", _loss())
    x, y = _data(784, TIMES[case] * BATCH_SIZE)
    return lambda: model.fit(x, y, batch_size=BATCH_SIZE, verbose=0)


def _lengths(case: str, dropout):
    """A new model a block, so that every block meets every length for the first time."""
    import keras

    def block() -> None:
        stack = [keras.Input((None, 8)), dropout(0.2), keras.layers.Dense(8, "relu"), dropout(0.2)]
        model = keras.Sequential([*stack, keras.layers.Dense(8), dropout(0.2)])
        # JAX compiles the whole update for each length, whatever is in it: a tenth as many there.
        model.compile("sgd", "mse", jit_compile=keras.backend.backend() == "jax")
        for length in range(1, int(case.split()[0]) + 1):
            x = np.ones((4, length, 8), "float32")
            model.train_on_batch(x, x)

    return block


_BESIDE = {
    EAGER: _calls,
    EAGER_ZERO: _calls,
    STEP: _steps,
    FIT: _fit,
    LENGTHS: _lengths,
    FEW_LENGTHS: _lengths,
}


def _hidden(width: int, what: str):
    import keras

    from layers import Dropout, SliceDropout

    first, second = (keras.layers.Dense(width, "relu") for _ in range(2))
    out = keras.layers.Dense(10)
    stack = {
        "none": [first, second, out],
        "dropout": [first, Dropout(0.5), second, Dropout(0.5), out],
        "slice": [SliceDropout([first, second, out], 0.5)],
    }[what]
    return keras.Sequential([keras.Input((784,)), *stack])


def _residual(width: int, what: str):
    import keras

    from layers import CompactedStochasticDepth, StochasticDepth

    x = inputs = keras.Input((784,))
    x = keras.layers.Dense(width)(x)
    for _ in range(BLOCKS):
        branch = keras.Sequential([keras.layers.Dense(width, "relu"), keras.layers.Dense(width)])
        if what == "compacted":
            x = CompactedStochasticDepth(branch, 0.5)(x)
        elif what == "masked":
            x = keras.layers.Add()([x, StochasticDepth(0.5)(branch(x))])
        else:
            x = keras.layers.Add()([x, branch(x)])
    return keras.Model(inputs, keras.layers.Dense(10)(x))


def main() -> None:
    model = _model(_dropout(sys.argv[1]))
    model.compile("sgd", _loss())
    model.fit(*_data(784), verbose=0)


if __name__ == "__main__":
    main()
