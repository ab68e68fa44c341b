import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from layers.masks import MaskStream, random_16_bits, threefry


def words(*values):
    return tuple(ops.cast([value], "uint32") for value in values)


# Known answers of the Random123 library for threefry2x32, 20 rounds.
@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
)
def test_threefry_gives_its_known_answers(key, counter, expected):
    low, high = threefry(words(*key), words(*counter))
    assert (int(low[0]), int(high[0])) == expected


def test_bits_are_the_words_of_the_published_generator():
    bits = ops.convert_to_numpy(random_16_bits(7, 8, 9, (2, 5)))
    low, high = threefry(
        (ops.cast(7, "uint32"), ops.cast(8, "uint32")),
        (ops.cast([9, 9, 9], "uint32"), ops.cast([0, 1, 2], "uint32")),
    )
    low, high = (ops.convert_to_numpy(word) for word in (low, high))
    expected = np.concatenate([low & 0xFFFF, low >> 16, high & 0xFFFF, high >> 16])
    np.testing.assert_array_equal(bits.ravel(), expected[:10])


def test_bits_are_the_same_eagerly_in_a_graph_and_under_xla():
    def draw():
        return random_16_bits(1, 2, 3, (33, 7))

    eager = draw().numpy()
    for jit in (False, True):
        compiled = tf.function(draw, jit_compile=jit, autograph=False)
        np.testing.assert_array_equal(eager, compiled().numpy())


def test_bits_are_uniform_and_change_with_seed_layer_and_call():
    base = random_16_bits(1, 2, 3, (100_000,)).numpy().astype(float)
    # The mean of n uniforms lies within 5 standard errors, but once in two million draws.
    assert abs(base.mean() - 32767.5) < 5 * 65536 / np.sqrt(12 * base.size)
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        bits = random_16_bits(*other, (100_000,)).numpy().astype(float)
        assert abs(np.corrcoef(base, bits)[0, 1]) < 5 / np.sqrt(base.size)


def test_neighbouring_units_are_uncorrelated():
    bits = random_16_bits(5, 6, 7, (4, 25_000)).numpy().astype(float)
    correlations = np.corrcoef(bits)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(25_000)
    assert abs(np.corrcoef(bits.ravel()[:-1], bits.ravel()[1:])[0, 1]) < 5 / np.sqrt(bits.size)


def test_a_draw_advances_the_call_and_nothing_else():
    stream = MaskStream(11, "layer", 0.5)
    first = stream.draw((50,)).numpy()
    second = stream.draw((50,)).numpy()
    assert (first != second).any()
    state = ops.convert_to_numpy(stream.state)
    assert state[0] == 11
    assert state[2] == 2


def test_no_seed_draws_one_that_keras_can_fix():
    seeds = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        seeds.append(int(MaskStream(None, "layer", 0.5).state[0]))
    keras.utils.set_random_seed(4)
    assert seeds[0] == seeds[1] != int(MaskStream(None, "layer", 0.5).state[0])
