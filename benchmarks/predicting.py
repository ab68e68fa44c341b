"""Monte-Carlo prediction, 50 samples for each example, of nets with Keras's own dropout layers.

CASE is a network of NETWORKS followed by ", ours", ", loop", or a lower bound: ", bare" for its
matrix products alone, ", graph" for the model sampled in a compiled graph.
"""

import numpy as np

from benchmarks.cases import CASES, SEED

SAMPLES, BATCH_SIZE = 50, 1_000
NETWORKS = (
    "3x1024, 1,000 examples",
    "CIFAR third width, dropout in dense layers, 200 examples",
)


def network(name: str):
    """The network, and the number of its examples."""
    import keras

    layers = keras.layers
    if name == NETWORKS[0]:
        stack = [keras.Input((784,)), layers.Dropout(0.2)]
        for _ in range(3):
            stack += [layers.Dense(1024, activation="relu"), layers.Dropout(0.5)]
        return keras.Sequential([*stack, layers.Dense(10, activation="softmax")]), 1_000
    case = CASES["CIFAR third width none"]
    stack = [keras.Input(case.shape)]
    for filters in case.filters:
        stack.append(layers.Conv2D(filters, 5, padding="same", activation="relu"))
        stack.append(layers.MaxPooling2D(3, 2, padding="same"))
    stack.append(layers.Flatten())
    for units in case.hidden:
        stack += [layers.Dense(units, activation="relu"), layers.Dropout(0.5)]
    return keras.Sequential([*stack, layers.Dense(10, activation="softmax")]), 200


def prepare(name: str):
    net, how = name.rsplit(", ", 1)
    model, examples = network(net)
    images = np.random.default_rng(SEED).random((examples, *model.input_shape[1:]), "float32")
    if how == "loop":

        def loop() -> None:
            drawn = [np.asarray(model(images, training=True)) for _ in range(SAMPLES)]
            np.mean(drawn, axis=0), np.var(drawn, axis=0)

        return loop, f"model(x, training=True), {SAMPLES} times"
    if how == "graph":
        return _sampled(model, images), "graph of the model"
    if how == "bare":
        return _products(model, images), "graph of matrix products"
    from layers import monte_carlo_predict

    def predict() -> None:
        monte_carlo_predict(model, images, samples=SAMPLES, seed=SEED, batch_size=BATCH_SIZE)

    return predict, "tracing included"


def _sampled(model, images):
    import tensorflow as tf

    sample = tf.function(lambda x: model(x, training=True), autograph=False)
    x = tf.constant(images)

    def block() -> None:
        for _ in range(SAMPLES):
            sample(x).numpy()

    return block


def _products(model, images):
    import tensorflow as tf

    kernels = [layer.kernel.value for layer in model.layers if hasattr(layer, "kernel")]

    @tf.function(autograph=False)
    def products(x):
        for kernel in kernels:
            x = x @ kernel
        return x

    x = tf.constant(images)

    def block() -> None:
        for _ in range(SAMPLES):
            products(x).numpy()

    return block
