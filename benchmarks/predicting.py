"""Monte-Carlo prediction, 50 samples, of the 3 x 1024 net with Keras's own dropout layers."""

import numpy as np

from benchmarks.cases import SEED

EXAMPLES, SAMPLES, BATCH_SIZE = 1_000, 50, 1_000


def network():
    import keras

    layers = [keras.Input((784,)), keras.layers.Dropout(0.2)]
    for _ in range(3):
        layers += [keras.layers.Dense(1024, activation="relu"), keras.layers.Dropout(0.5)]
    return keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")])


def prepare(name: str):
    images = np.random.default_rng(SEED).random((EXAMPLES, 784), dtype=np.float32)
    model = network()
    if name == "loop":

        def loop() -> None:
            drawn = [np.asarray(model(images, training=True)) for _ in range(SAMPLES)]
            np.mean(drawn, axis=0), np.var(drawn, axis=0)

        return loop, "model(x, training=True), 50 times"
    from layers import monte_carlo_predict

    def predict() -> None:
        monte_carlo_predict(model, images, samples=SAMPLES, seed=SEED, batch_size=BATCH_SIZE)

    return predict, "monte_carlo_predict, compilation included"
