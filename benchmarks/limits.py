"""Lower bounds for an update: its products alone, and its products with the weights' traffic.

CASE is a case of `cases`, or one followed by ", weights moved". Products are matrix products, or
the gradient of a convolutional net without dropout. The traffic is that of momentum and max-norm as
the engine compiles them: it reads gradients, velocities and weights, and writes the latter two.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, SEED, Case
from reproduce.machine import import_tensorflow

WEIGHTS = ", weights moved"


def prepare(name: str):
    case = CASES[name.removesuffix(WEIGHTS)]
    return _convolutions(case) if case.filters else _products(name)


def _convolutions(case: Case):
    tf = import_tensorflow()
    from benchmarks.stock_keras import network

    bare = replace(case, input_rate=0.0, conv_rates=(), rate=0.0, max_norm=None)
    model = network(bare)
    images = tf.constant(np.random.default_rng(SEED).random((BATCH_SIZE, *case.shape), np.float32))
    weights = [v.value for v in model.trainable_variables]
    gradients = [tf.Variable(tf.zeros_like(weight)) for weight in weights]

    @tf.function(autograph=False)
    def update():
        with tf.GradientTape() as tape:
            total = tf.reduce_sum(model(images, training=False))
        for gradient, computed in zip(gradients, tape.gradient(total, weights), strict=True):
            gradient.assign(computed)

    def block() -> None:
        for _ in range(case.updates):
            update()

    return block, "graph"


def _products(name: str):
    tf = import_tensorflow()
    from layers import MaxNorm

    case = CASES[name.removesuffix(WEIGHTS)]
    rng = np.random.default_rng(SEED)
    weights = [
        tf.Variable(rng.normal(size=pair).astype("float32") / 30)
        for pair in pairwise((*case.shape, *case.hidden, 10))
    ]
    images = tf.constant(rng.random((BATCH_SIZE, *case.shape), dtype=np.float32))
    gradients = [tf.Variable(tf.zeros_like(w)) for w in weights]
    velocities = [tf.Variable(tf.zeros_like(w)) for w in weights]
    bounds = [MaxNorm(bound) if bound else lambda w: w for bound in case.max_norms]
    done = tf.Variable(0)

    def update():
        activations = [images]
        for w in weights:
            activations.append(activations[-1] @ w)
        slope = activations[-1]
        products: list = []
        for i in reversed(range(len(weights))):
            products.insert(0, tf.matmul(activations[i], slope, transpose_a=True))
            if i:
                slope = tf.matmul(slope, weights[i], transpose_b=True)
        if not name.endswith(WEIGHTS):
            for gradient, computed in zip(gradients, products, strict=True):
                gradient.assign(computed)
            return done.assign_add(1)
        # As in the engine, weights move in place after the last product. Nothing is learned here:
        # the gradients are so small that the weights stay where they are.
        rate = LEARNING_RATE * 1e-9 + 0 * products[0][0, 0]
        for i, weight in enumerate(weights):
            velocities[i].assign(MOMENTUM * velocities[i] - rate * products[i])
            weight.assign(bounds[i](weight + velocities[i]))
        return done.assign_add(1)

    compiled = tf.function(update, jit_compile=True, autograph=False)

    @tf.function(autograph=False)
    def repeat(count):
        def body(i):
            with tf.control_dependencies([compiled()]):
                return i + 1

        tf.while_loop(lambda i: i < count, body, [tf.constant(0)], parallel_iterations=1)

    return lambda: repeat(tf.constant(case.updates)), "compiled"
