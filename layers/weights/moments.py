"""Activations averaged over normal inputs: the moments of DropConnect's inference."""

import math

import keras
import numpy as np
from keras import ops

# Activations that mix units: their mean does not follow from each unit's own distribution.
MIXING = tuple(
    getattr(keras.activations, name)
    for name in ("softmax", "log_softmax", "sparsemax", "glu")
    if hasattr(keras.activations, name)
)
# Nodes of the Gauss-Hermite rule that averages an activation over its normal input.
QUADRATURE_NODES = 32


def average(activation, mean, deviation):
    """The mean of an elementwise activation over normal inputs, unit by unit.

    Args:
        activation: A function, or None.
        mean, deviation: Tensors of one shape: the inputs' means and positive standard deviations.

    Returns:
        Tensor of that shape; exact for linear units and ReLU, by quadrature for others.
    """
    if activation is None or activation is keras.activations.linear:
        return mean
    if activation is keras.activations.relu:
        z = mean / deviation
        below = 0.5 * (1 + ops.erf(z / math.sqrt(2)))
        return mean * below + deviation * ops.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    nodes, weights = np.polynomial.hermite_e.hermegauss(QUADRATURE_NODES)
    weights = weights / weights.sum()
    pairs = zip(nodes, weights, strict=True)
    return sum(float(w) * activation(mean + float(x) * deviation) for x, w in pairs)
