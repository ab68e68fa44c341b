import itertools

import numpy as np
import pytest
from backend import ONCE, array, compiled_function, ones
from keras import ops

from layers import DropBlock2D
from layers.noise.masks import random_32_bits
from layers.units.dropblock import _window_sum


def drop(layer, shape):
    return array(layer(ones(shape), training=True)) == 0


@ONCE
@pytest.mark.parametrize("size", [(32, 8), (8, 32), (7, 7)])
@pytest.mark.parametrize("block", [1, 2, 5, (3, 4), 40])
def test_the_dropped_cells_are_the_union_of_blocks_around_the_seeds(size, block):
    """By brute force: dilate the seeds cell by cell, and compare with what is dropped."""
    height, width = (block, block) if isinstance(block, int) else block
    height, width = min(height, size[0]), min(width, size[1])
    seeds = np.random.default_rng(0).random((3, *size)) < 0.05
    expected = np.zeros_like(seeds)
    for n, i, j in np.argwhere(seeds):
        top, left = i - height // 2, j - width // 2
        rows = slice(max(top, 0), top + height)
        expected[n, rows, max(left, 0) : left + width] = True
    hits = seeds.astype("float32")
    for axis, length in ((1, height), (2, width)):
        hits = _window_sum(hits, length, axis)
    np.testing.assert_array_equal(array(hits) > 0.5, expected)


@ONCE
@pytest.mark.parametrize("size", [(32, 8), (8, 32)])
def test_every_cell_of_a_map_can_be_a_seed_and_can_be_dropped_alone(size):
    dropped = drop(DropBlock2D(0.05, block_size=1, seed=1), (2000, *size, 1))[..., 0]
    assert dropped.any(axis=0).all()
    # With larger blocks a corner is covered by fewer seeds, yet by some.
    dropped = drop(DropBlock2D(0.1, block_size=5, seed=1), (2000, *size, 1))[..., 0]
    assert dropped.any(axis=0).all()


@pytest.mark.parametrize("size", [(32, 8), (8, 32)])
@pytest.mark.parametrize("block", [2, 5, (4, 3)])
def test_every_cell_is_a_seed_of_some_map_and_its_block_is_dropped(size, block):
    layer = DropBlock2D(0.3, block_size=block, seed=1, name="block")
    shape = (600, *size, 1)
    layer.build(shape)
    state = layer.stream.state
    dropping = ops.convert_to_tensor(65536 - int(state[3]), "int32")
    threshold = layer._threshold(dropping, *layer._covering(*size))
    bits = random_32_bits(*layer.stream.words(), shape)
    seeds = ops.convert_to_numpy(bits < threshold)[..., 0]
    assert seeds.any(axis=0).all()
    stated = float(layer.realised_rate(*size))
    dropped = drop(layer, shape)[..., 0]
    assert dropped[seeds].all()
    height, width = layer.block_size
    for n, i, j in np.argwhere(seeds)[:500]:
        rows = slice(max(i - height // 2, 0), i - height // 2 + height)
        assert dropped[n, rows, max(j - width // 2, 0) : j - width // 2 + width].all()
    of_maps = dropped.mean(axis=(1, 2))
    assert abs(of_maps.mean() - stated) < 5 * of_maps.std() / np.sqrt(len(of_maps))


@pytest.mark.parametrize("calibrated", [True, False])
def test_the_seed_threshold_is_the_same_integer_eagerly_and_compiled(calibrated):
    for size, block in itertools.product(((32, 8), (13, 28)), (2, 7)):
        layer = DropBlock2D(0.5, block_size=block, calibrated=calibrated)
        covering = layer._covering(*size)
        compiled = [compiled_function(layer._threshold, jit) for jit in (False, True)]
        for rate in (0.05, 0.3, 0.9):
            dropping = ops.convert_to_tensor(round(rate * 65536), "int32")
            eager = int(layer._threshold(dropping, *covering))
            assert [int(each(dropping, *covering)) for each in compiled] == [eager, eager]


@ONCE
@pytest.mark.parametrize("size", [(32, 8), (16, 16), (5, 9)])
@pytest.mark.parametrize("block", [2, 3, 5])
@pytest.mark.parametrize("rate", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("calibrated", [True, False])
def test_the_realised_rate_is_as_told(size, block, rate, calibrated):
    layer = DropBlock2D(rate, block_size=block, calibrated=calibrated, seed=3)
    stated = float(layer.realised_rate(*size))
    if calibrated:
        assert abs(stated - rate) < 0.01 * rate
    else:
        assert 0.6 * rate < stated < rate
    dropped = drop(layer, (600, *size, 4))
    independent = dropped.size / block**2
    assert abs(dropped.mean() - stated) < 5 * np.sqrt(stated * (1 - stated) / independent)


def test_the_documented_shortfall_of_the_published_formula():
    stated = [float(DropBlock2D(r, block_size=7).realised_rate(28, 28)) for r in (0.1, 0.25, 0.5)]
    assert stated == pytest.approx([0.095, 0.22, 0.39], abs=0.005)


@pytest.mark.parametrize("rate", [0.001, 0.003, 0.01])
@pytest.mark.parametrize(("block", "size"), [(31, (64, 64)), (3, (32, 8)), (7, (7, 7))])
def test_small_rates_are_calibrated_too(rate, block, size):
    stated = float(DropBlock2D(rate, block_size=block, calibrated=True).realised_rate(*size))
    realised = round(rate * 65536) / 65536  # the masks' resolution
    assert stated == pytest.approx(realised, rel=0.002)
    assert stated == pytest.approx(rate, rel=0.01)


def test_a_block_larger_than_the_map_is_clamped():
    layer = DropBlock2D(0.3, block_size=50, calibrated=True, seed=1)
    dropped = drop(layer, (4000, 3, 4, 1))
    assert abs(dropped.mean() - 0.3) < 0.05
    assert np.isfinite(array(layer(ones((10, 3, 4, 1)), training=True))).all()


def test_channels_share_blocks_when_told_to():
    shared = drop(DropBlock2D(0.3, block_size=3, shared_channels=True, seed=1), (9, 8, 8, 5))
    np.testing.assert_array_equal(shared, shared[..., :1].repeat(5, axis=-1))
    apart = drop(DropBlock2D(0.3, block_size=3, seed=1), (9, 8, 8, 5))
    assert (apart != apart[..., :1]).any()


@pytest.mark.parametrize("block", [0, -1, 2.5, True, (3,), (3, 0), "3", None])
def test_a_block_size_that_is_none_is_refused(block):
    with pytest.raises(ValueError, match="Received"):
        DropBlock2D(0.1, block_size=block)


@pytest.mark.parametrize("flag", ["calibrated", "shared_channels"])
def test_a_flag_that_is_none_is_refused(flag):
    with pytest.raises(ValueError, match=f"`{flag}` is True or False"):
        DropBlock2D(0.1, block_size=2, **{flag: "no"})
