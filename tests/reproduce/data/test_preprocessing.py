import numpy as np
import pytest

from reproduce.data import preprocessing
from reproduce.data.preprocessing import EPSILON_SHARE, Whitening, standardised, whitened


@pytest.fixture
def images():
    """Small colour images with correlated pixels, more of them than pixels."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(600, 5, 5, 3))
    smooth = (
        noise + np.roll(noise, 1, 1) + np.roll(noise, 1, 2) + 0.3 * rng.normal(size=(600, 1, 1, 1))
    )
    return smooth.astype(np.float32)


def test_the_covariance_becomes_the_identity_off_epsilons_effect(images, monkeypatch):
    monkeypatch.setattr(preprocessing, "AT_ONCE", 128)
    centred = preprocessing.without_channel_means(images)
    whitening = Whitening.of(centred)
    covariance = np.cov(whitening(centred).reshape(len(images), -1).T, bias=True)
    before = np.cov(centred.reshape(len(images), -1).T, bias=True)
    values, vectors = np.linalg.eigh(before)
    # In exact arithmetic each axis has variance value / (value + epsilon).
    expected = vectors * (values / (values + whitening.epsilon)) @ vectors.T
    np.testing.assert_allclose(covariance, expected, atol=1e-4)
    monkeypatch.setattr(preprocessing, "EPSILON_SHARE", 1e-9)
    covariance = np.cov(Whitening.of(images)(images).reshape(len(images), -1).T, bias=True)
    np.testing.assert_allclose(covariance, np.eye(75), atol=1e-2)


def test_whitening_is_symmetric_and_scales_with_epsilon(images):
    whitening = Whitening.of(images)
    np.testing.assert_allclose(whitening.matrix, whitening.matrix.T, atol=1e-5)
    variance = images.reshape(len(images), -1).var(axis=0).mean()
    assert whitening.epsilon == pytest.approx(EPSILON_SHARE * variance, rel=1e-3)


def test_channel_means_go_and_nothing_is_divided(images):
    centred = preprocessing.without_channel_means(images)
    np.testing.assert_allclose(centred.mean(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(np.diff(centred, axis=1), np.diff(images, axis=1), atol=1e-6)


@pytest.mark.parametrize("prepare", [whitened, standardised])
def test_images_that_it_is_not_fitted_on_change_nothing(images, prepare):
    fitted = np.arange(400)
    changed = images.copy()
    changed[400:] = 9.0
    np.testing.assert_array_equal(prepare(changed, fitted)[:400], prepare(images, fitted)[:400])


def test_standardised_colours_have_mean_0_and_variance_1(images, monkeypatch):
    monkeypatch.setattr(preprocessing, "AT_ONCE", 128)
    found = standardised(images, np.arange(500))[:500]
    np.testing.assert_allclose(found.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(axis=(0, 1, 2)), 1, atol=1e-4)
