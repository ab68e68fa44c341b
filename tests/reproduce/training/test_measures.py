import numpy as np
import pytest

from reproduce.training.measures import error_percent, nll


def test_error_is_the_share_of_wrong_classes():
    logits = np.array([[2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [1.0, 0.0]])
    assert error_percent(logits, np.array([0, 1, 1, 1])) == 50


def test_nll_is_that_of_the_softmax_and_survives_large_logits():
    logits = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    expected = -np.log(softmax[[0, 1], [2, 1]]).mean()
    assert nll(logits, np.array([2, 1])) == pytest.approx(expected)
    assert nll(np.array([[1000.0, 0.0]]), np.array([1])) == pytest.approx(1000)
