import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from backend import BACKEND, ONCE, array
from keras import ops

from layers.checks import check_seed
from layers.noise.masks import random_32_bits, random_bernoulli, random_normal
from layers.noise.stream import MaskStream


def philox_in_python(key, counter):
    """The published algorithm in Python's integers: the independent oracle."""
    key, counter = list(key), list(counter)
    for _ in range(10):
        first, second = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [
            (second >> 32) ^ counter[1] ^ key[0],
            second % 2**32,
            (first >> 32) ^ counter[3] ^ key[1],
            first % 2**32,
        ]
        key = [(key[0] + 0x9E3779B9) % 2**32, (key[1] + 0xBB67AE85) % 2**32]
    return counter


# Known answers of the Random123 library for philox4x32, 10 rounds.
@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (
            (0xFFFFFFFF, 0xFFFFFFFF),
            (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
            (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
        ),
        (
            (0xA4093822, 0x299F31D0),
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_oracle_gives_the_published_answers(key, counter, expected):
    assert tuple(philox_in_python(key, counter)) == expected


SEEDS = ((7, 8, 9), (0, 0, 0), (2**32 - 1,) * 3, (2**31, 5, 2**31 + 1))


@pytest.mark.parametrize(("seed", "layer", "call"), SEEDS)
def test_bits_are_the_published_generators_on_every_backend(seed, layer, call):
    blocks = [philox_in_python((seed, layer), (i, call, seed, layer)) for i in range(3)]
    words = np.array(blocks, np.uint64).reshape(-1)
    found = ops.convert_to_numpy(random_32_bits(seed, layer, call, (11,)))
    np.testing.assert_array_equal(found, words[:11])
    bits = np.stack([words & 0xFFFF, words >> 16], axis=1).reshape(-1)[:10]
    for threshold in (1, 20_000, 32_768, *np.maximum(bits, 1), *(bits + 1), 65_536):
        mask = ops.convert_to_numpy(random_bernoulli(seed, layer, call, int(threshold), (2, 5)))
        np.testing.assert_array_equal(mask.ravel(), bits < threshold)


@ONCE
@pytest.mark.parametrize("other", ["numpy", "tensorflow", "jax", "torch"])
def test_bits_are_the_same_on_every_backend_of_keras(other):
    code = (
        "import keras; from layers.noise.masks import random_bernoulli\n"
        "bits = keras.ops.convert_to_numpy(random_bernoulli(7, 8, 9, 30_000, (40, 5)))\n"
        "print(keras.backend.backend(), bits.ravel().tolist())"
    )
    if other != "numpy":
        pytest.importorskip(other)
    environment = {**os.environ, "KERAS_BACKEND": other}
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=root
    )
    mine = ops.convert_to_numpy(random_bernoulli(7, 8, 9, 30_000, (40, 5))).ravel().tolist()
    assert done.stdout.strip() == f"{other} {mine}", done.stderr


@pytest.mark.parametrize("devices", [[], ["a GPU"]])  # each has a form of its own
def test_bits_are_the_same_eagerly_and_compiled(devices, monkeypatch):
    eager = array(random_bernoulli(1, 2, 3, 30_000, (33, 7)))
    if BACKEND == "tensorflow":
        import tensorflow as tf

        monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind: devices)
        for jit in (False, True):
            draw = tf.function(
                lambda: random_bernoulli(1, 2, 3, 30_000, (33, 7)), jit_compile=jit, autograph=False
            )
            np.testing.assert_array_equal(eager, array(draw()))
    elif BACKEND == "jax":
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


def test_an_advance_counts_the_call_and_nothing_else():
    stream = MaskStream(11, 5, 0.5)
    first = array(stream.kept((50,)))
    stream.advance()
    second = array(stream.kept((50,)))
    stream.advance()
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
