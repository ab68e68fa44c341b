"""Penalties on hidden activations."""

import numbers

import keras
from keras import ops

_FAMILIES = ("bernoulli", "poisson")


def _surprise(target, mean):
    """target x log(target / mean), and its tangent where `mean` is below a hundredth of target."""
    floored = ops.maximum(mean, target / 100)
    return target * (ops.log(target / floored) + (floored - mean) / floored)


@keras.saving.register_keras_serializable("dropout")
class KLSparsity(keras.regularizers.Regularizer):
    """Penalises hidden units whose mean activation over the batch strays from a small target.

    Use it as a layer's `activity_regularizer`. The penalty is `cost` times the sum over units of
    the Kullback-Leibler divergence from the target to the unit's mean activation, between two
    Bernoulli distributions (units in (0, 1): logistic) or two Poisson distributions (units of any
    non-negative mean: ReLU, for which the Bernoulli form is undefined).

    The paper names the method (Table 9) without target, cost or a form for ReLU; the Poisson form
    is our choice: it has the same minimum and is finite above 1. Where a unit is all but dead (or
    saturated), below a hundredth of the target, the divergence goes on as a straight line: its
    slope, unbounded at 0, would throw the network off at the first image that wakes the unit.

    Args:
        cost: Non-negative float.
        target: Positive float, the wanted mean activation; below 1 for "bernoulli".
        family: "bernoulli" or "poisson".

    Raises:
        ValueError: for values outside these ranges.

    Reference: Srivastava et al., JMLR 15 (2014), section 6.5, Table 9.

    Example:

    >>> layer = keras.layers.Dense(8, "relu", activity_regularizer=KLSparsity(1e-3, 0.1, "poisson"))
    """

    def __init__(self, cost: float, target: float, family: str) -> None:
        if family not in _FAMILIES:
            raise ValueError(f"`family` is one of {_FAMILIES}. Received: family={family!r}")
        for name, value in (("cost", cost), ("target", target)):
            if isinstance(value, bool) or not isinstance(value, numbers.Real):
                raise ValueError(f"`{name}` is a number. Received: {name}={value!r}")
        if not 0 <= cost < float("inf"):
            raise ValueError(f"`cost` is a number from 0 up. Received: cost={cost!r}")
        if not 0 < target < (1 if family == "bernoulli" else float("inf")):
            raise ValueError(
                "`target` is a positive mean activation, below 1 for 'bernoulli'. "
                f"Received: target={target!r}"
            )
        self.cost, self.target, self.family = float(cost), float(target), family

    def __call__(self, activations):
        target = ops.cast(self.target, "float32")
        mean = ops.mean(ops.cast(activations, "float32"), axis=0)
        divergence = _surprise(target, mean)
        if self.family == "bernoulli":
            divergence += _surprise(1 - target, 1 - mean)
        else:
            divergence += mean - target
        # Keras divides activity penalties by the batch size; this one is of the batch's mean.
        batch = ops.cast(ops.shape(activations)[0], "float32")
        return ops.cast(self.cost, "float32") * batch * ops.sum(divergence)

    def get_config(self):
        return {"cost": float(self.cost), "target": float(self.target), "family": self.family}
