"""Does linear regression trained with dropout equal the ridge regression of section 9.1?

Dropout of the inputs, kept with probability p, minimises ||y - X w||^2 + ((1 - p) / p) ||G w||^2 in
the scaled weights w, where G^2 is the diagonal of X'X. The bias is not dropped, so not penalised.
"""

from collections.abc import Iterator

import numpy as np

from reproduce.probes.trained import Trained
from reproduce.training import Measured


def find(trained: Trained) -> Iterator[Measured]:
    training = trained.training
    ids = training.splits["train"]
    inputs = training.dataset.images[ids].reshape(len(ids), -1).astype(np.float64)
    wanted = np.eye(training.dataset.classes)[training.dataset.labels[ids]]
    keep = training.run.keep_input
    kernel, bias = (np.array(v, np.float64) for v in trained.model.trainable_variables)
    tests = trained.images.reshape(len(trained.images), -1)
    ours = tests @ kernel + bias
    dropping = (1 - keep) / keep
    moments = normal_equations(inputs, wanted)
    solutions = {
        "closed_form": solution(*moments, dropping),
        "least_squares": solution(*moments, 0.0),
    }
    constant = (np.zeros_like(kernel), wanted.mean(axis=0))
    spread, loss, least = (
        expected_loss(inputs, wanted, weights, offset, dropping)
        for weights, offset in (constant, (kernel, bias), solutions["closed_form"])
    )
    yield trained.row("expected_loss_percent", 100 * loss / spread, split="train")
    yield trained.row("closed_form_expected_loss_percent", 100 * least / spread, split="train")
    for name, (weights, offset) in solutions.items():
        theirs = tests @ weights + offset
        distance = np.linalg.norm(ours - theirs) / np.linalg.norm(theirs)
        yield trained.row(f"distance_to_{name}_percent", 100 * distance)
        error = np.mean(theirs.argmax(axis=1) != trained.labels)
        yield trained.row(f"{name}_error_percent", 100 * error)


def expected_loss(
    inputs: np.ndarray, wanted: np.ndarray, kernel: np.ndarray, bias: np.ndarray, penalty: float
) -> float:
    """The sum of squares over examples and targets, averaged over all masks: the penalised squares
    of section 9.1, computed without sampling."""
    fit = np.sum((wanted - inputs @ kernel - bias) ** 2)
    return float(fit + penalty * np.sum(np.sum(inputs**2, axis=0)[:, None] * kernel**2))


def normal_equations(inputs: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """X'X and X'y, for inputs with a column of ones for the bias."""
    with_bias = np.column_stack([inputs, np.ones(len(inputs))])
    return with_bias.T @ with_bias, with_bias.T @ wanted


def solution(
    gram: np.ndarray, moments: np.ndarray, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """The weights and bias that minimise the penalised squares; if many do, those of least norm."""
    penalties = penalty * np.diag(gram).copy()
    penalties[-1] = 0
    solved = np.linalg.lstsq(gram + np.diag(penalties), moments, rcond=1e-10)[0]
    return solved[:-1], solved[-1]
