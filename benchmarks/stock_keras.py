"""Stock Keras: `fit` with its own layers and constraint, at the fastest of its settings."""

import itertools
import time

import keras

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, Case
from benchmarks.images import draw

# The fastest of this many blocks counts for a setting, so that a random delay does not decide.
CHOICE_BLOCKS = 2


def network(case: Case) -> keras.Model:
    rates = iter(zip(case.rates, case.max_norms, strict=True))
    model = keras.Sequential([keras.Input(case.shape)])

    def weights(axis: int | list[int]) -> dict:
        rate, norm = next(rates)
        if rate:
            model.add(keras.layers.Dropout(rate))
        limit = keras.constraints.MaxNorm(norm, axis=axis) if norm else None
        return {"kernel_constraint": limit}

    for filters in case.filters:
        settings = weights([0, 1, 2])
        model.add(keras.layers.Conv2D(filters, 5, padding="same", activation="relu", **settings))
        model.add(keras.layers.MaxPooling2D(3, 2, padding="same"))
    if case.filters:
        model.add(keras.layers.Flatten())
    for units in case.hidden:
        settings = weights(0)
        model.add(keras.layers.Dense(units, activation="relu", **settings))
    settings = weights(0)
    model.add(keras.layers.Dense(10, **settings))
    return model


def compiled(case: Case, jit: bool, together: int) -> keras.Model:
    model = network(case)
    model.compile(
        keras.optimizers.SGD(LEARNING_RATE, MOMENTUM),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        jit_compile=jit,
        steps_per_execution=together,
    )
    return model


def _seconds(block) -> float:
    began = time.perf_counter()
    block()
    return time.perf_counter() - began


def prepare(name: str):
    case = CASES[name]
    images, labels = draw(case)
    images, labels = (a[: case.updates * BATCH_SIZE] for a in (images, labels))
    found = []
    for jit, together in itertools.product((False, True), (1, min(10, case.updates))):
        model = compiled(case, jit, together)

        def block(model=model) -> None:
            model.fit(images, labels, batch_size=BATCH_SIZE, verbose=0)

        block()
        seconds = min(_seconds(block) for _ in range(CHOICE_BLOCKS))
        found.append((seconds, block, f"fit, jit_compile={jit}, steps_per_execution={together}"))
    return min(found, key=lambda each: each[0])[1:]
