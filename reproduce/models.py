"""Run and data shape -> an ordinary Keras model: the one place where `rate = 1 - keep`.

A run's numbers are the paper's (scaled at test time); the model uses inverted dropout, so each
kernel's numbers are multiplied by the factors of `paper_to_inverted` for the units that feed it.
"""

from typing import NamedTuple

import keras

from layers import Dropout, KLSparsity, MaxNorm, paper_to_inverted
from reproduce import Run, derived_seed


class Built(NamedTuple):
    """A model that returns logits, and what the inverted form asks of each trainable variable:
    the factor on its learning rate, and on an L1 penalty (0 for biases, which have none)."""

    model: keras.Model
    learning_rate_factors: list[float]
    l1_factors: list[float]


def build(run: Run, shape: tuple[int, ...], classes: int) -> Built:
    """The network of `run` for inputs of `shape`, weights and masks drawn from its seed."""
    factors = []
    inputs = keras.Input(shape, name="pixels")
    x = keras.layers.Flatten(name="flat")(inputs)
    for depth, units in enumerate(run.net.hidden):
        keep = run.keep if depth else run.keep_input
        x = _dropout(x, keep, run, depth)
        x = _dense(run, units, depth, keep)(x)
        x = keras.layers.Activation(
            run.net.activation, activity_regularizer=_sparsity(run), name=f"hidden_{depth + 1}"
        )(x)
        factors.append(paper_to_inverted(keep))
    x = _dropout(x, run.keep, run, len(run.net.hidden))
    logits = _dense(run, classes, len(run.net.hidden), run.keep)(x)
    factors.append(paper_to_inverted(run.keep))
    model = keras.Model(inputs, logits, name="mlp")
    return Built(
        model,
        [rate for factor in factors for rate in (factor.learning_rate, 1.0)],
        [l1 for factor in factors for l1 in (factor.l1, 0.0)],
    )


def _dropout(x, keep: float, run: Run, depth: int):
    if keep == 1:
        return x
    seed = derived_seed(run.seed, "masks")
    return Dropout(1 - keep, seed=seed, name=f"dropout_{depth}")(x)


def _dense(run: Run, units: int, depth: int, keep: float) -> keras.layers.Dense:
    factor = paper_to_inverted(keep)
    return keras.layers.Dense(
        units,
        # He initialisation in the paper's form, so standard deviation keep * sqrt(2 / fan_in) here.
        # Our guess: the paper gives no initialisation.
        kernel_initializer=keras.initializers.VarianceScaling(
            2.0 * factor.weights**2,
            mode="fan_in",
            distribution="untruncated_normal",
            seed=derived_seed(run.seed, "weights", depth),
        ),
        kernel_constraint=MaxNorm(run.max_norm * factor.max_norm) if run.max_norm else None,
        kernel_regularizer=keras.regularizers.L2(run.l2 * factor.l2) if run.l2 else None,
        name=f"dense_{depth + 1}",
    )


def _sparsity(run: Run) -> KLSparsity | None:
    if not run.sparsity_cost:
        return None
    family = "bernoulli" if run.net.activation == "sigmoid" else "poisson"
    return KLSparsity(run.sparsity_cost, run.sparsity_target, family)
