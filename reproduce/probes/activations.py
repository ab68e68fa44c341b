"""Histograms of the first hidden layer's activations on test images, as in Figures 8 and 13."""

from collections.abc import Iterator

import numpy as np

from reproduce.probes.trained import Trained
from reproduce.training import Measured

# The paper uses one minibatch of 100; we use all test images, but at most this many.
EXAMPLES = 2_000
BIN_WIDTH, BINS = 0.1, 80
# Of probabilities. Of Figure 13's bins, its text compares the first.
PROBABILITY_BINS = 100
# A unit is dead if no test image moves its probability by more than this.
DEAD_RANGE = 0.05


def find(trained: Trained) -> Iterator[Measured]:
    values = trained.activations(trained.images[:EXAMPLES])[0]
    yield trained.row("activation_mean", values.mean())
    yield trained.row("active_percent", 100 * np.mean(values >= BIN_WIDTH))
    for name, each in (("activation", values), ("unit_mean", values.mean(axis=0))):
        # The last bin also holds all larger values.
        bins = np.minimum((each.ravel() / BIN_WIDTH).astype(int), BINS - 1)
        shares = 100 * np.bincount(bins, minlength=BINS) / bins.size
        # For units, the mode leaves out the first bin: those that are hardly ever active.
        first = 1 if name == "unit_mean" else 0
        yield trained.row(f"{name}_mode", (first + shares[first:].argmax() + 0.5) * BIN_WIDTH)
        for i, share in enumerate(shares):
            yield trained.row(f"{name}_share_percent", share, x=round((i + 0.5) * BIN_WIDTH, 3))


def find_probabilities(trained: Trained) -> Iterator[Measured]:
    """Of the hidden units of an RBM, on all test images."""
    values = trained.activations(trained.images)[0]
    shares = 100 * np.histogram(values, PROBABILITY_BINS, (0.0, 1.0))[0] / values.size
    yield trained.row("hidden_probability_mean", values.mean())
    yield trained.row("above_first_bin_percent", 100 - shares[0])
    yield trained.row("dead_units_percent", 100 * np.mean(np.ptp(values, axis=0) < DEAD_RANGE))
    for i, share in enumerate(shares):
        x = round((i + 0.5) / PROBABILITY_BINS, 3)
        yield trained.row("probability_share_percent", share, x=x)
