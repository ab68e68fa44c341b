"""Shifts move whole images, by every amount alike, and are undone by none."""

import numpy as np
import pytest
import tensorflow as tf

from reproduce.training.nets.augmentation import RandomFlip, RandomShift


@pytest.mark.parametrize("channels", [(), (3,)])
def test_every_shift_is_a_shift_and_all_are_equally_likely(channels):
    image = np.zeros((9, 9, *channels), np.float32)
    image[4, 4] = 1
    batch = tf.constant(np.repeat(image[None], 5_000, axis=0))
    layer = RandomShift(2, seed=1)
    shifted = tf.function(lambda x: layer(x, training=True), jit_compile=True)(batch).numpy()
    places = np.argwhere(shifted.reshape(5_000, 9, 9, -1)[..., 0] == 1)
    assert len(places) == 5_000
    counts = np.unique(places[:, 1:], axis=0, return_counts=True)[1]
    # 25 places; 5 standard deviations of a binomial count.
    assert len(counts) == 25
    assert np.abs(counts - 200).max() < 5 * np.sqrt(200 * 24 / 25)


def test_content_moves_with_its_neighbours_and_black_moves_in():
    generator = np.random.default_rng(1)
    batch = generator.random((20, 6, 7)).astype("float32") + 1
    shifted = np.asarray(RandomShift(1, seed=3)(batch, training=True))
    padded = np.pad(batch, ((0, 0), (1, 1), (1, 1)))
    for before, after in zip(padded, shifted, strict=True):
        windows = [before[i : i + 6, j : j + 7] for i in range(3) for j in range(3)]
        assert any(np.array_equal(after, window) for window in windows)


def test_inference_is_the_identity_and_two_calls_differ():
    batch = np.random.default_rng(1).random((20, 6, 7)).astype("float32")
    layer = RandomShift(1, seed=3)
    np.testing.assert_array_equal(layer(batch), batch)
    first, second = (np.asarray(layer(batch, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("shape", [(6, 7), (6, 7, 3)])
def test_half_of_the_images_are_mirrored_left_to_right(shape):
    batch = np.random.default_rng(1).random((4_000, *shape)).astype("float32")
    layer = RandomFlip(seed=3)
    np.testing.assert_array_equal(layer(batch), batch)
    flipped = np.asarray(layer(batch, training=True))
    is_mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(flipped, batch, strict=True)]
    is_same = [np.array_equal(a, b) for a, b in zip(flipped, batch, strict=True)]
    assert np.logical_xor(is_mirrored, is_same).all()
    assert abs(np.mean(is_mirrored) - 0.5) < 5 * 0.5 / np.sqrt(4_000)
