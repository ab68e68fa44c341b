"""Are the features redundant? Removal of units, effective rank, correlations."""

from collections.abc import Iterator

import numpy as np

from reproduce.probes.trained import AT_ONCE, Trained
from reproduce.training import Measured, error_percent

FRACTIONS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
REPETITIONS = 5
EXAMPLES = 3_000


def find(trained: Trained) -> Iterator[Measured]:
    images, labels = trained.images[:EXAMPLES], trained.labels[:EXAMPLES]
    generator = trained.generator("removed units")
    for fraction in FRACTIONS:
        errors = [
            error_percent(_without(trained, images, fraction, generator), labels)
            for _ in range(REPETITIONS if fraction else 1)
        ]
        yield trained.row("lesion_error_percent", np.mean(errors), x=fraction)
    for depth, values in enumerate(trained.activations(images), start=1):
        active = values[:, values.std(axis=0) > 1e-6]
        correlations = np.abs(np.corrcoef(active.T))
        units = len(correlations)
        yield trained.row("correlation", (correlations.sum() - units) / (units**2 - units), depth)
        yield trained.row("effective_rank_percent", effective_rank_percent(values), depth)


def effective_rank_percent(values: np.ndarray) -> float:
    """Exponential of the entropy of the covariance's normalised eigenvalues, in percent of the
    units (Roy and Vetterli, EUSIPCO 2007)."""
    spectrum = np.clip(np.linalg.eigvalsh(np.cov(values.T)), 1e-12, None)
    shares = spectrum / spectrum.sum()
    return 100 * float(np.exp(-np.sum(shares * np.log(shares)))) / len(shares)


def _without(
    trained: Trained, images: np.ndarray, fraction: float, generator: np.random.Generator
) -> np.ndarray:
    """Logits with this fraction of each hidden layer's units set to 0, the same in all images."""
    values = images
    hidden = trained.hidden_layers()
    for layer in trained.model.layers[1:]:
        parts = np.array_split(values, -(-len(values) // AT_ONCE))
        values = np.concatenate([np.asarray(layer(part, training=False)) for part in parts])
        if layer in hidden:
            units = values.shape[-1]
            removed = generator.choice(units, round(fraction * units), replace=False)
            values[..., removed] = 0
    return values
