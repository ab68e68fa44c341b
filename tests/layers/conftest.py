import keras
import pytest
from keras.src.utils.naming import reset_uids

from layers.noise import stream


@pytest.fixture(autouse=True)
def a_program_of_its_own():
    """Each test draws what it would draw alone: not by its place among others, nor by chance."""
    reset_uids()
    stream._words_made.clear()
    keras.utils.set_random_seed(0)
