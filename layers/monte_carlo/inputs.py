"""Inputs that come in batches, read into arrays."""

import keras
import numpy as np


def read(x):
    """Arrays as they are; of a dataset, loader or generator, the inputs of all its batches."""
    if isinstance(x, (list, tuple, dict)) or hasattr(x, "__array__"):
        return x
    if isinstance(x, keras.utils.PyDataset):
        batches = (x[place] for place in range(_number(x)))
    elif hasattr(x, "__iter__"):
        if hasattr(x, "cardinality") and int(x.cardinality()) == -1:  # TensorFlow's for infinity
            raise ValueError(
                "`x` is a finite dataset: take a number of batches of it by `take`. Received: "
                f"x={x!r}"
            )
        batches = iter(x)
    else:
        raise ValueError(
            "`x` is an array, a structure of arrays, a dataset or a generator of batches. "
            f"Received: x={x!r}"
        )
    inputs = [_arrays(keras.utils.unpack_x_y_sample_weight(batch)[0]) for batch in batches]
    if not inputs:
        raise ValueError(f"`x` has one batch or more. Received: x={x!r}, which has none")
    return keras.tree.map_structure(lambda *parts: np.concatenate(parts), *inputs)


def _number(dataset):
    if dataset.num_batches is None:
        raise ValueError(f"`x` is a finite dataset. Received: x={dataset!r}")
    return dataset.num_batches


def _arrays(inputs):
    return keras.tree.map_structure(keras.ops.convert_to_numpy, inputs)
