"""Logits and labels -> the numbers that rows hold. Lower is better for every one of them."""

import numpy as np
from scipy.special import logsumexp


def error_percent(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of the examples classified wrongly, in percent."""
    return 100 * float(np.mean(np.argmax(logits, axis=1) != labels))


def nll(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the right class, in nats."""
    right = logits[np.arange(len(labels)), labels]
    return float(np.mean(logsumexp(logits, axis=1) - right))


MEASURES = {"error_percent": error_percent, "nll": nll}
