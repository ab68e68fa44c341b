"""Outputs and targets -> the numbers in the rows. Lower is better for every one of them.

Outputs are logits of shape (examples, classes), and targets are the labels. For an autoencoder,
RBM or DBM, both have shape (examples, pixels): logits, and pixels in [0, 1].
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, logsumexp, softmax

from reproduce.data import Dataset
from reproduce.spec import Reconstructing, Run

CALIBRATION_BINS = 15
# Training error is measured on at most this many training examples.
MEASURED_EXAMPLES = 10_000


@dataclass(frozen=True)
class Measured:
    """One number of a run's history; `x` is its place on an x axis other than the experiment's."""

    split: str
    measure: str
    step: int
    value: float
    x: float | None = None


def error_percent(logits: np.ndarray, labels: np.ndarray) -> float:
    """Fraction of the examples classified wrongly, in percent."""
    return 100 * float(np.mean(np.argmax(logits, axis=1) != labels))


def nll(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the correct class, in nats."""
    right = logits[np.arange(len(labels)), labels]
    return float(np.mean(logsumexp(logits, axis=1) - right))


def calibration_percent(logits: np.ndarray, labels: np.ndarray) -> float:
    """Expected calibration error in percentage points (Guo et al., ICML 2017)."""
    counts, accuracies, confidences = reliability(softmax(logits, axis=1), labels)
    return 100 * float(np.sum(counts * np.abs(accuracies - confidences)) / counts.sum())


def reliability(
    probabilities: np.ndarray, labels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of 15 equal bins of confidence: number of examples, accuracy, mean confidence.

    The last two are 0 in an empty bin.
    """
    confidences = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidences * CALIBRATION_BINS).astype(int), CALIBRATION_BINS - 1)
    counts = np.bincount(bins, minlength=CALIBRATION_BINS)
    sums = (np.bincount(bins, each, CALIBRATION_BINS) for each in (right, confidences))
    accuracies, means = (each / np.maximum(counts, 1) for each in sums)
    return counts, accuracies, means


def squared_error(logits: np.ndarray, pixels: np.ndarray) -> float:
    """Half the squared difference between an image and its reconstruction, averaged over images."""
    return float(np.mean(np.sum((expit(logits) - pixels) ** 2, axis=1)) / 2)


def targets(run: Run, dataset: Dataset, ids: np.ndarray) -> np.ndarray:
    """What the outputs for these examples are compared with."""
    if isinstance(run.net, Reconstructing):
        return dataset.images[ids].reshape(len(ids), -1)
    return dataset.labels[ids]


def wrong_by(logits: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Of each example, (predicted - true class) modulo the number of classes, as uint8: 0 where
    the net is right."""
    return ((logits.argmax(axis=1) - labels) % classes).astype(np.uint8)


MEASURES = {
    function.__name__: function
    for function in (error_percent, nll, calibration_percent, squared_error)
}


def measured(
    run: Run, split: str, step: int, outputs: np.ndarray, wanted: np.ndarray
) -> Iterator[Measured]:
    """The run's measures of these outputs."""
    for name in run.measures:
        yield Measured(split, name, step, MEASURES[name](outputs, wanted))


def last(history: Sequence[Measured], split: str, measure: str) -> float | None:
    """The latest value of a measure; None without one."""
    wanted = split, measure
    found = (m.value for m in reversed(history) if (m.split, m.measure) == wanted)
    return next(found, None)
