"""What samples of a model's outputs say: mean, variance, entropies."""

from typing import NamedTuple

import keras
import numpy as np

OUTPUTS = ("probabilities", "logits", "values")


class MonteCarloPrediction(NamedTuple):
    """NumPy arrays; entropies are in nats.

    `mean` and `variance` have the model's output shape, `predictive_entropy` (of the mean: all
    uncertainty) and `mutual_information` (between prediction and masks: what the samples disagree
    about) that shape without its last axis. The latter two are None for a model of values. The
    variance is that of the samples, divided by their number.
    """

    mean: np.ndarray
    variance: np.ndarray
    predictive_entropy: np.ndarray | None
    mutual_information: np.ndarray | None


class Total:
    """Sums over samples of each output of a model, from which the predictions follow.

    `kinds` has one of `OUTPUTS` for all outputs, or one each in their structure.
    """

    def __init__(self, examples, samples, kinds):
        self.examples, self.samples, self.kinds = examples, samples, kinds
        self.parts: list[_OneOutput] = []

    def add(self, rows, drawn, count, like_outputs):
        """Counts the first `count` rows of each output in `drawn`, of the examples `rows`.

        `like_outputs` puts a list of one value an output into the structure of the outputs.
        """
        if not self.parts:
            kinds = self._kinds_of(drawn, like_outputs)
            self.parts = [_OneOutput(self.examples, self.samples, kind) for kind in kinds]
        for part, output in zip(self.parts, drawn, strict=True):
            part.add(rows, output[:count])

    def _kinds_of(self, drawn, like_outputs):
        """The list of one kind an output."""
        one = self.kinds[0] if _form(self.kinds) == [None] else self.kinds
        if isinstance(one, str):
            kinds = [one] * len(drawn)
        elif _form(one) == _form(like_outputs([None] * len(drawn))):
            kinds = keras.tree.flatten(one)
        else:
            raise ValueError(
                f"`outputs` names one kind, or one for each of the model's {len(drawn)} outputs, "
                f"as in {like_outputs(['values'] * len(drawn))}. Received: outputs={self.kinds!r}"
            )
        for kind, output in zip(kinds, drawn, strict=True):
            if kind != "values" and np.ndim(output) < 2:
                raise ValueError(
                    f"outputs that are {kind!r} have an axis of classes after the examples; those "
                    "of rank 1 can only be 'values': give the model's last layer an axis of "
                    f"length 1. Received: outputs of shape {np.shape(output)}"
                )
        return kinds

    def predictions(self):
        return [part.prediction() for part in self.parts]


def _form(structure):
    """The structure, with None for what it holds; a tuple counts as a list."""
    if isinstance(structure, dict):
        return {name: _form(each) for name, each in structure.items()}
    if isinstance(structure, (list, tuple)):
        return [_form(each) for each in structure]
    return None


class _OneOutput:
    def __init__(self, examples, samples, kind):
        self.examples, self.samples, self.kind = examples, samples, kind
        self.sums: list[np.ndarray] = []

    def add(self, examples, drawn):
        drawn = np.asarray(drawn).astype(np.float64)
        if self.kind == "logits":
            single = drawn.shape[-1] == 1
            drawn = np.exp(-np.logaddexp(0, -drawn)) if single else _softmax(drawn)
        terms = [drawn, drawn**2]
        if self.kind != "values":
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
