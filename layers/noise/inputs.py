"""What a dropout layer asks of its inputs: their kind, type and sizes."""

import keras
from keras import ops


def precise_dtype(inputs):
    """The type to scale in, float32 at least: a factor in half precision would shift the mean."""
    dtype = keras.backend.standardize_dtype(inputs.dtype)
    if not keras.backend.is_float_dtype(dtype):
        raise ValueError(f"dropout scales floating-point inputs. Received: inputs of {dtype}")
    return keras.backend.result_type(dtype, "float32")


def shape_of(tensor):
    """Sizes as integers where they are known, else as scalar tensors; all of it as one tensor where
    even the rank is unknown, as TensorFlow allows."""
    unknown_rank = getattr(tensor.shape, "rank", 0) is None
    if unknown_rank:
        import tensorflow as tf

        return tf.shape(tensor)
    return ops.shape(tensor)


def check_dense(inputs):
    """Raises a ValueError for ragged and sparse tensors, of which each backend has its own."""
    kind = type(inputs).__name__
    sparse = ("RaggedTensor", "SparseTensor", "BCOO", "BCSR", "CSR", "CSC", "COO")
    compressed = str(getattr(inputs, "layout", "")).startswith("torch.sparse")  # CSR and its kin
    if kind in sparse or compressed or getattr(inputs, "is_nested", False):
        raise ValueError(
            "dropout needs dense inputs: convert them, for example by `to_tensor` or "
            f"`tf.sparse.to_dense`. Received: inputs of type {kind}"
        )


def is_traced(tensor):
    """Whether `tensor` stands for values to come: a graph or a program is being made."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return not tf.executing_eagerly()
    if backend == "jax":
        import jax

        return isinstance(tensor, jax.core.Tracer)
    return False
