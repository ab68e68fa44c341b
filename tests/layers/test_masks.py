import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from backend import BACKEND, array
from keras import ops

from layers.masks import (
    MaskStream,
    check_seed,
    random_32_bits,
    random_bernoulli,
    random_normal,
    threefry,
)


def words(*values):
    return tuple(ops.cast([value], "uint32") for value in values)


def threefry_in_python(key, counter):
    """The published algorithm in Python's integers: the independent oracle."""
    rotations = (13, 15, 26, 6, 17, 29, 16, 24)
    keys = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    x, y = (counter[0] + keys[0]) % 2**32, (counter[1] + keys[1]) % 2**32
    for i in range(20):
        x = (x + y) % 2**32
        r = rotations[i % 8]
        y = ((y << r | y >> (32 - r)) % 2**32) ^ x
        if i % 4 == 3:
            k = i // 4 + 1
            x = (x + keys[k % 3]) % 2**32
            y = (y + keys[(k + 1) % 3] + k) % 2**32
    return x, y


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
    assert threefry_in_python(key, counter) == expected


def test_bits_are_the_published_generators_on_every_backend():
    blocks = [threefry_in_python((7, 8), (9, i)) for i in range(3)]
    low, high = (np.array(word, np.uint64) for word in zip(*blocks, strict=True))
    bits = np.concatenate([low & 0xFFFF, low >> 16, high & 0xFFFF, high >> 16])[:10]
    for threshold in (1, 20_000, 32_768, *bits, *(bits + 1), 65_536):
        mask = ops.convert_to_numpy(random_bernoulli(7, 8, 9, int(threshold), (2, 5)))
        np.testing.assert_array_equal(mask.ravel(), bits < threshold)
    words = ops.convert_to_numpy(random_32_bits(7, 8, 9, (5,)))
    np.testing.assert_array_equal(words, np.concatenate([low, high])[:5])


@pytest.mark.parametrize("other", ["numpy", "tensorflow", "jax"])
def test_bits_are_the_same_on_every_backend_of_keras(other):
    code = (
        "import keras; from layers.masks import random_bernoulli\n"
        "bits = keras.ops.convert_to_numpy(random_bernoulli(7, 8, 9, 30_000, (40, 5)))\n"
        "print(keras.backend.backend(), bits.ravel().tolist())"
    )
    environment = {**os.environ, "KERAS_BACKEND": other}
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root
    )
    mine = ops.convert_to_numpy(random_bernoulli(7, 8, 9, 30_000, (40, 5))).ravel().tolist()
    assert done.stdout.strip() == f"{other} {mine}", done.stderr


def test_bits_are_the_same_eagerly_and_compiled():
    eager = array(random_bernoulli(1, 2, 3, 30_000, (33, 7)))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        for jit in (False, True):
            draw = tf.function(
                lambda: random_bernoulli(1, 2, 3, 30_000, (33, 7)), jit_compile=jit, autograph=False
            )
            np.testing.assert_array_equal(eager, array(draw()))
    else:
        import jax

        np.testing.assert_array_equal(
            eager, array(jax.jit(lambda: random_bernoulli(1, 2, 3, 30_000, (33, 7)))())
        )


def test_bits_are_uniform_and_change_with_seed_layer_and_call():
    base = array(random_bernoulli(1, 2, 3, 20_000, (100_000,)))
    # A mean lies within 5 standard errors, but once in two million draws.
    share = 20_000 / 65_536
    assert abs(base.mean(dtype=float) - share) < 5 * np.sqrt(share * (1 - share) / base.size)
    for other in ((2, 2, 3), (1, 3, 3), (1, 2, 4)):
        bits = array(random_bernoulli(*other, 20_000, (100_000,)))
        assert abs(np.corrcoef(base, bits)[0, 1]) < 5 / np.sqrt(base.size)


def test_neighbouring_units_are_uncorrelated():
    bits = array(random_bernoulli(5, 6, 7, 32_768, (4, 25_000)))
    correlations = np.corrcoef(bits)[np.triu_indices(4, 1)]
    assert np.abs(correlations).max() < 5 / np.sqrt(25_000)
    assert abs(np.corrcoef(bits.ravel()[:-1], bits.ravel()[1:])[0, 1]) < 5 / np.sqrt(bits.size)


def test_uniform_and_normal_have_their_moments():
    n = 200_001
    words = ops.convert_to_numpy(random_32_bits(1, 2, 3, (n,)))
    uniform = words.astype(float) * 2.0**-32
    assert abs(uniform.mean() - 0.5) < 5 / np.sqrt(12 * n)
    normal = array(random_normal(1, 2, 3, (n,))).astype(float)
    assert np.isfinite(normal).all()
    assert abs(normal.mean()) < 5 / np.sqrt(n)
    assert abs(normal.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((normal**4).mean() - 3) < 5 * np.sqrt(96 / n)


def test_a_draw_advances_the_call_and_nothing_else():
    stream = MaskStream(11, "layer", 0.5)
    first, second = array(stream.draw((50,))), array(stream.draw((50,)))
    assert (first != second).any()
    state = ops.convert_to_numpy(stream.state)
    assert state[0] == 11
    assert state[2] == 2


def test_no_seed_draws_one_that_keras_can_fix():
    seeds = []
    for _ in range(2):
        keras.utils.set_random_seed(3)
        seeds.append(int(check_seed(None)))
    keras.utils.set_random_seed(4)
    assert seeds[0] == seeds[1] != int(check_seed(None))
