"""The matrix products and convolutions of an update alone: the limit of what a step can reach."""

import itertools

import numpy as np

from benchmarks.cases import BATCH_SIZE, CASES, SEED
from reproduce.quiet import import_tensorflow


def prepare(name: str):
    tf = import_tensorflow()
    case = CASES[name]
    rng = np.random.default_rng(SEED)
    sizes = (*case.shape, *case.hidden, 10)
    weights = [
        tf.Variable(rng.normal(size=pair).astype("float32") / 30)
        for pair in itertools.pairwise(sizes)
    ]
    images = tf.constant(rng.random((BATCH_SIZE, *case.shape), dtype=np.float32))
    gradients = [tf.Variable(tf.zeros_like(w)) for w in weights]
    done = tf.Variable(0)

    def update():
        activations = [images]
        for w in weights:
            activations.append(activations[-1] @ w)
        slope = activations[-1]
        for i in reversed(range(len(weights))):
            gradients[i].assign(tf.matmul(activations[i], slope, transpose_a=True))
            if i:
                slope = tf.matmul(slope, weights[i], transpose_b=True)
        return done.assign_add(1)

    compiled = tf.function(update, jit_compile=True, autograph=False)

    @tf.function(autograph=False)
    def repeat(count):
        def body(i):
            with tf.control_dependencies([compiled()]):
                return i + 1

        tf.while_loop(lambda i: i < count, body, [tf.constant(0)], parallel_iterations=1)

    return lambda: repeat(tf.constant(case.updates)), "matrix products alone"
