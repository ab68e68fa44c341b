"""Each test is a program of its own; products are in float32 on a GPU too."""

import os

# Before JAX is imported: its default products on a GPU round numbers to ten bits.
os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")

import keras
import pytest
from keras.src.utils.naming import reset_uids

from layers.noise import stream

if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.config.experimental.enable_tensor_float_32_execution(False)


@pytest.fixture(autouse=True)
def a_program_of_its_own():
    """Each test draws what it would draw alone: not by its place among others, nor by chance."""
    reset_uids()
    stream._words_made.clear()
    keras.utils.set_random_seed(0)
