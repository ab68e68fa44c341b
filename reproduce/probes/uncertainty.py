"""Uncertainty by Monte-Carlo dropout, on test images, rotated test images and photographs.

Predictive entropy and mutual information, AUROC of detecting errors, the risk-coverage curve, and
the reliability diagram.
"""

from collections.abc import Iterator

import numpy as np
from scipy import ndimage
from scipy.special import softmax

from reproduce.data import obtain
from reproduce.probes.trained import Trained
from reproduce.training import CALIBRATION_BINS, MEASURES, Measured, reliability

SAMPLES = 50
EXAMPLES = 2_000
# Bins with fewer images are left out.
SMALLEST_BIN = 20
ANGLES = (0, 15, 30, 45, 60, 75, 90)
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)


def find(trained: Trained) -> Iterator[Measured]:
    images, labels = trained.images, trained.labels
    drawn, entropy, information = _summary(trained, images)
    logits = np.log(np.maximum(drawn, np.finfo(np.float32).tiny))
    for name in ("error_percent", "nll", "calibration_percent"):
        yield trained.row(f"monte_carlo_{name}", MEASURES[name](logits, labels))
    plain = softmax(trained.logits, axis=1)
    for name, probabilities, entropies in (
        ("monte_carlo", drawn, entropy),
        ("weight_scaling", plain, _entropy(plain)),
    ):
        wrong = probabilities.argmax(axis=1) != labels
        yield trained.row(f"{name}_predictive_entropy_when_wrong", entropies[wrong].mean())
        yield trained.row(f"{name}_predictive_entropy_when_right", entropies[~wrong].mean())
        yield trained.row(
            f"{name}_one_minus_auroc_percent", 100 * _one_minus_auroc(entropies, wrong)
        )
        by_entropy = wrong[np.argsort(entropies, kind="stable")]
        for coverage in COVERAGES:
            risk = by_entropy[: round(coverage * len(by_entropy))].mean()
            yield trained.row(f"{name}_selective_risk_percent", 100 * risk, x=coverage)
        counts, accuracies, confidences = reliability(probabilities, labels)
        for i in np.flatnonzero(counts >= SMALLEST_BIN):
            # From the bin's own mean confidence: most images are close to the last bin's upper end.
            gap = 100 * (accuracies[i] - confidences[i])
            place = round((i + 0.5) / CALIBRATION_BINS, 4)
            yield trained.row(f"{name}_accuracy_above_confidence_percent", gap, x=place)
    yield trained.row("predictive_entropy", entropy.mean(), split="test")
    yield trained.row("mutual_information", information.mean(), split="test")
    turned = images[:EXAMPLES]
    for angle in ANGLES:
        rotated = ndimage.rotate(turned, angle, axes=(1, 2), reshape=False, order=1)
        drawn, entropy, information = _summary(trained, np.clip(rotated, 0, 1))
        error = 100 * np.mean(drawn.argmax(axis=1) != labels[:EXAMPLES])
        yield trained.row("monte_carlo_error_percent", error, angle, "rotated")
        yield trained.row("predictive_entropy", entropy.mean(), angle, "rotated")
        yield trained.row("mutual_information", information.mean(), angle, "rotated")
    _, entropy, information = _summary(trained, _photographs(trained))
    yield trained.row("predictive_entropy", entropy.mean(), split="photographs")
    yield trained.row("mutual_information", information.mean(), split="photographs")


def _summary(trained: Trained, images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean probabilities, predictive entropy, and mutual information of prediction and masks."""
    drawn = np.zeros((len(images), trained.training.dataset.classes))
    entropies = np.zeros(len(images))
    for probabilities in trained.samples(images.astype(np.float32), SAMPLES):
        drawn += probabilities / SAMPLES
        entropies += _entropy(probabilities) / SAMPLES
    entropy = _entropy(drawn)
    return drawn, entropy, np.maximum(entropy - entropies, 0)


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy in nats."""
    from scipy import stats  # takes a second, and no other probe needs it

    return stats.entropy(np.maximum(probabilities, 1e-30), axis=1)


def _one_minus_auroc(entropies: np.ndarray, wrong: np.ndarray) -> float:
    """1 - area under the ROC curve of detecting wrong predictions by their entropy: the probability
    that a wrong prediction has lower entropy than a correct one."""
    if wrong.all() or not wrong.any():
        return 0.0
    from scipy import stats

    return 1 - stats.mannwhitneyu(entropies[wrong], entropies[~wrong]).statistic / (
        wrong.sum() * (~wrong).sum()
    )


def _photographs(trained: Trained) -> np.ndarray:
    """Grey images of none of the classes, in the data set's shape: the centres of CIFAR-10's test
    images or, for scikit-learn's digits, which need no download, patches of its photographs.
    """
    height, width = trained.training.dataset.shape[:2]
    if trained.training.dataset.name == "digits":
        return _patches(trained.generator("photographs"), height, width)
    images = obtain("cifar10", trained.data_dir)["x_test"][:EXAMPLES]
    top, left = (images.shape[1] - height) // 2, (images.shape[2] - width) // 2
    return _grey(images[:, top : top + height, left : left + width])


def _patches(generator: np.random.Generator, height: int, width: int) -> np.ndarray:
    from sklearn.datasets import load_sample_images

    photographs = _grey(np.stack(load_sample_images().images))
    tops = generator.integers(photographs.shape[1] - height, size=EXAMPLES)
    lefts = generator.integers(photographs.shape[2] - width, size=EXAMPLES)
    return np.stack(
        [
            photographs[i % len(photographs), top : top + height, left : left + width]
            for i, (top, left) in enumerate(zip(tops, lefts, strict=True))
        ]
    )


def _grey(images: np.ndarray) -> np.ndarray:
    return images.mean(axis=-1, dtype=np.float32) / 255
