import keras
import numpy as np
import pytest
from backend import array

from layers import AlphaDropout


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_mean_and_variance_of_standardised_inputs_are_kept(rate):
    x = np.random.default_rng(0).normal(size=(400, 500)).astype("float32")
    out = array(AlphaDropout(rate, seed=1)(x, training=True)).astype(float)
    # The mean's standard error is 1 / sqrt(n); that of the variance at most 3 times so much.
    assert abs(out.mean()) < 5 / np.sqrt(x.size) + 1e-3
    assert abs(out.var() - 1) < 15 / np.sqrt(x.size)


def test_kept_and_dropped_units_become_what_they_become_in_kerass_own():
    x = np.random.default_rng(0).normal(size=(50, 60)).astype("float32")
    lines = []
    for kind in (AlphaDropout, keras.layers.AlphaDropout):
        out = array(kind(0.3, seed=1)(x, training=True))
        values, counts = np.unique(out.round(4), return_counts=True)
        dropped = np.isclose(out, values[counts.argmax()], atol=1e-3)
        slope, shift = np.polyfit(x[~dropped], out[~dropped], 1)
        lines.append((values[counts.argmax()], slope, shift))
    np.testing.assert_allclose(*lines, atol=2e-3)
