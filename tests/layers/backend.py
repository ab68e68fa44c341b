"""What the layers' tests need of whichever backend they run on: TensorFlow, JAX or PyTorch."""

import keras
import numpy as np
import pytest

BACKEND = keras.backend.backend()
# Of tests that take long and whose subject is arithmetic on top of `keras.ops`. Every backend runs
# the contract, the bits against their definition in NumPy, saving, `fit` and compilation.
ONCE = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="arithmetic on top of keras.ops: tested on TensorFlow"
)
# To train on a few batches at the least cost: XLA takes a second a model, JAX's eager steps more.
JIT = BACKEND == "jax"


def some(values, few):
    """Parameters of a test: all of them on TensorFlow, the first `few` on other backends."""
    return values if BACKEND == "tensorflow" else values[:few]


def array(x):
    return keras.ops.convert_to_numpy(keras.ops.cast(x, "float32"))


def gradient(layer, x):
    """The layer's training outputs, and the gradient of their sum with respect to x."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        x = tf.Variable(x)
        with tf.GradientTape() as tape:
            out = layer(x, training=True)
        return array(out), array(tape.gradient(out, x))
    if BACKEND == "torch":
        x = keras.ops.convert_to_tensor(x).requires_grad_()
        out = layer(x, training=True)
        out.sum().backward()
        return array(out), array(x.grad)
    import jax

    def total(x):
        out = layer(x, training=True)
        return out.sum(), out

    found, out = jax.grad(total, has_aux=True)(x)
    return array(out), array(found)


def compiled_call(layer, jit):
    """A function of x: the layer's training outputs from one compiled call with fresh state; on
    PyTorch, which Keras runs eagerly, just a call."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(lambda x: layer(x, training=True), jit_compile=jit, autograph=False)
    if BACKEND == "torch":
        return lambda x: layer(x, training=True)
    import jax

    def call(x):
        state = [v.value for v in layer.variables]
        with keras.StatelessScope(state_mapping=list(zip(layer.variables, state, strict=True))):
            return layer(x, training=True)

    def built_first(x):
        if not layer.built:
            layer.build(x.shape)
        return (jax.jit(call) if jit else call)(x)

    return built_first


def draws(layer, x, number):
    """`number` training outputs of one layer or model, one after another: (number, *outputs)."""
    call = compiled_call(layer, jit=False) if BACKEND == "tensorflow" else layer
    more = {} if BACKEND == "tensorflow" else {"training": True}
    return np.stack([array(call(x, **more)) for _ in range(number)])


def compiled_function(function, jit):
    """A stateless function of tensors, compiled; without jit, as a graph where there is one."""
    if BACKEND == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=jit, autograph=False)
    if BACKEND == "torch":
        return function
    import jax

    return jax.jit(function) if jit else function


def ones(shape):
    return np.ones(shape, "float32")
