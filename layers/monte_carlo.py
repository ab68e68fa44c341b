"""Monte-Carlo dropout: predictions averaged over random masks, with their uncertainty."""

import numbers
from typing import NamedTuple

import keras
import numpy as np

from layers.sampling import Sampler

OUTPUTS = ("probabilities", "logits", "values")


class MonteCarloPrediction(NamedTuple):
    """NumPy arrays; entropies are in nats.

    `mean` and `variance` have the model's output shape, `predictive_entropy` (of the mean: all
    uncertainty) and `mutual_information` (between prediction and masks: what the samples disagree
    about) that shape without its last axis. The latter two are None for a model of values.
    """

    mean: np.ndarray
    variance: np.ndarray
    predictive_entropy: np.ndarray | None
    mutual_information: np.ndarray | None


def monte_carlo_predict(
    model, x, *, samples, seed, batch_size=256, outputs="probabilities", fixed_masks=False
):
    """Predicts with dropout on, many times, and summarises.

    Only dropout layers behave as in training: this package's, Keras's own, and those inside
    recurrent and attention layers. BatchNormalization and all else stay in inference. The model is
    left as it was, its random state and the states of stateful recurrent layers included (every
    sample starts from those). Only functions that the model compiled itself, by `tf.function` or
    `jax.jit`, keep what they were traced with: give a copy of such a model.

    Several samples of one example share a batch, unless a layer has one mask a batch; in a
    Sequential or functional model of one input, what comes before dropout is computed once.

    Args:
        model: Any built Keras model with one output, such as a loaded one.
        x: The inputs, as for `model.predict`: an array of shape (examples, ...), or a list, tuple
            or dict of them.
        samples: Positive integer, the number of masks for each example.
        seed: Integer in [0, 2^32); equal seeds and batch sizes give equal predictions.
        batch_size: Positive integer, the rows of one call.
        outputs: What the model returns: "probabilities" of classes along the last axis, or of one
            class if that axis has length 1; "logits" of such; or any "values", as in regression.
        fixed_masks: Boolean; whether one mask is held for all examples in each sample, so that
            predictions differ by the inputs alone. Slower in models with AlphaDropout, or dropout
            inside Keras's recurrent and attention layers: there examples go one by one.

    Returns:
        A `MonteCarloPrediction`.

    Raises:
        ValueError: for a model without dropout, or that calls none of its dropout layers at
            inference; several outputs; outputs that are not probabilities where such are announced;
            arguments out of range.

    Reference: Srivastava et al., JMLR 15 (2014), section 7.5 (Figure 11); Gal and Ghahramani,
    "Dropout as a Bayesian approximation", ICML 2016.

    Example:

    >>> from layers import Dropout
    >>> model = keras.Sequential([keras.Input((3,)), Dropout(0.5), keras.layers.Dense(2)])
    >>> found = monte_carlo_predict(model, np.ones((4, 3)), samples=5, seed=1, outputs="logits")
    >>> found.mean.shape, found.mutual_information.shape
    ((4, 2), (4,))
    """
    for name, value, least, most in (
        ("samples", samples, 1, None),
        ("batch_size", batch_size, 1, None),
        ("seed", seed, 0, 2**32 - 1),
    ):
        integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
        if not integer or value < least or (most and value > most):
            limits = f"from {least} up" if most is None else f"in [{least}, {most}]"
            raise ValueError(f"`{name}` is an integer {limits}. Received: {name}={value!r}")
    if outputs not in OUTPUTS:
        raise ValueError(f"`outputs` is one of {OUTPUTS}. Received: outputs={outputs!r}")
    arrays = _examples(x)
    examples = len(arrays[0])
    total = _Total(examples, samples, outputs)
    with Sampler(model, x, fixed_masks) as sampler:
        known = sampler.before_dropout(arrays, _blocks(examples, batch_size))
        sampler.reseed(seed, 0)
        if not fixed_masks and sampler.rows_differ:
            for places, count in _blocks(examples * samples, batch_size):
                rows = places // samples
                total.add(rows[:count], sampler.draw(known, rows)[:count])
        else:
            size = 1 if fixed_masks and not sampler.can_share else batch_size
            for sample in range(samples):
                sampler.restart()
                for rows, count in _blocks(examples, size):
                    if fixed_masks:
                        sampler.reseed(seed, sample)
                    total.add(rows[:count], sampler.draw(known, rows)[:count])
    return total.prediction()


def _examples(x):
    """The arrays in x, which have one number of examples."""
    arrays = [np.asarray(a) for a in keras.tree.flatten(x)]
    lengths = {len(a) if a.ndim else 0 for a in arrays}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(
            "`x` is an array, or a structure of arrays, with one number of examples, at least 1. "
            f"Received: shapes {[a.shape for a in arrays]}"
        )
    return arrays


def _blocks(total, size):
    """Yields (indices, count): blocks of `size` indices, the last filled up; `count` are new."""
    size = min(size, total)
    for start in range(0, total, size):
        yield np.minimum(np.arange(start, start + size), total - 1), min(size, total - start)


class _Total:
    """Sums over samples, from which the prediction follows."""

    def __init__(self, examples, samples, outputs):
        self.examples, self.samples, self.outputs = examples, samples, outputs
        self.sums: list[np.ndarray] = []

    def add(self, examples, drawn):
        drawn = drawn.astype(np.float64)
        if self.outputs == "logits":
            single = drawn.shape[-1] == 1
            drawn = np.exp(-np.logaddexp(0, -drawn)) if single else _softmax(drawn)
        terms = [drawn, drawn**2]
        if self.outputs != "values":
            _check_probabilities(drawn)
            terms.append(_entropy(drawn))
        if not self.sums:
            self.sums = [np.zeros((self.examples, *term.shape[1:])) for term in terms]
        for total, term in zip(self.sums, terms, strict=True):
            np.add.at(total, examples, term)

    def prediction(self):
        mean, square, *entropy = (total / self.samples for total in self.sums)
        variance = np.maximum(square - mean**2, 0)
        if not entropy:
            return MonteCarloPrediction(mean, variance, None, None)
        predictive = _entropy(mean)
        information = np.maximum(predictive - entropy[0], 0)
        return MonteCarloPrediction(mean, variance, predictive, information)


def _softmax(logits):
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _check_probabilities(drawn):
    # Half precision rounds to 3 digits.
    single = drawn.shape[-1] == 1
    sums = drawn.sum(axis=-1)
    if drawn.min() < 0 or drawn.max() > 1.01 or not (single or np.allclose(sums, 1, atol=0.02)):
        raise ValueError(
            "the model's outputs are not probabilities of classes along the last axis; say what "
            "they are by outputs='logits' or outputs='values'. Received: outputs from "
            f"{drawn.min():.3g} to {drawn.max():.3g} that add up to {sums.min():.3g} or more"
        )


def _entropy(probabilities):
    """In nats, over the last axis; of one class and its complement if that has length 1."""
    if probabilities.shape[-1] == 1:
        probabilities = np.concatenate([probabilities, 1 - probabilities], axis=-1)
    floor = np.finfo(np.float64).tiny
    return -np.sum(probabilities * np.log(np.maximum(probabilities, floor)), axis=-1)
