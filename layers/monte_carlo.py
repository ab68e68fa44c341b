"""Monte-Carlo dropout: predictions averaged over random masks, with their uncertainty."""

import contextlib
import numbers
from typing import NamedTuple

import keras
import numpy as np
from keras import ops

from layers.dropconnect import DropConnect
from layers.dropout import Dropout
from layers.recurrent import VariationalCell

_KERAS_DROPOUT = (
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
    keras.layers.AlphaDropout,
)


class MonteCarloPrediction(NamedTuple):
    """NumPy arrays; entropies are in nats, over the last axis of the outputs.

    `mean` and `variance` have the model's output shape, `predictive_entropy` (of the mean: all
    uncertainty) and `mutual_information` (between prediction and masks: what the samples disagree
    about) that shape without its last axis.
    """

    mean: np.ndarray
    variance: np.ndarray
    predictive_entropy: np.ndarray
    mutual_information: np.ndarray


def monte_carlo_predict(
    model, x, *, samples, seed, batch_size=256, from_logits=False, fixed_masks=False
):
    """Predicts with dropout on, many times, and summarises.

    Only dropout layers behave as in training: this package's, Keras's own, and those inside
    recurrent and attention layers. BatchNormalization and all else stay in inference. The model is
    left as it was, its random state included; only the states of stateful recurrent layers move on.

    Args:
        model: Any built Keras model with one output, such as a loaded one; class probabilities
            along its last axis, or logits.
        x: The inputs, as for `model.predict`: an array of shape (examples, ...).
        samples: Positive integer, the number of masks for each example.
        seed: Non-negative integer; equal seeds and batch sizes give equal predictions.
        batch_size: Positive integer.
        from_logits: Boolean; whether to apply a softmax to the outputs.
        fixed_masks: Boolean; whether one mask is held for all examples in each sample, so that
            predictions differ by the inputs alone. Slow: examples go one by one.

    Returns:
        A `MonteCarloPrediction`.

    Raises:
        ValueError: for a model without dropout, several inputs, or samples, batch size or seed out
            of range.

    Reference: Srivastava et al., JMLR 15 (2014), section 7.5 (Figure 11); Gal and Ghahramani,
    "Dropout as a Bayesian approximation", ICML 2016.

    Example:

    >>> model = keras.Sequential([keras.Input((3,)), Dropout(0.5), keras.layers.Dense(2)])
    >>> found = monte_carlo_predict(model, np.ones((4, 3)), samples=5, seed=1, from_logits=True)
    >>> found.mean.shape, found.mutual_information.shape
    ((4, 2), (4,))
    """
    for name, value, least in (
        ("samples", samples, 1),
        ("batch_size", batch_size, 1),
        ("seed", seed, 0),
    ):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
            raise ValueError(f"`{name}` is an integer from {least} up. Received: {name}={value!r}")
    if isinstance(x, (list, tuple, dict)) or len(x) == 0:
        raise ValueError(
            "`x` is one array with at least one example. Received: "
            f"{type(x).__name__} of length {len(x)}"
        )
    layers = _dropout_layers(model)
    if not layers:
        raise ValueError(
            "the model has nothing to sample: it needs a dropout layer with a rate above 0. "
            f"Received: {model.name!r} with {[type(layer).__name__ for layer in model.layers]}"
        )
    block = 1 if fixed_masks else batch_size
    mean = square = entropy = np.zeros(())
    with _sampling(layers), _seeded(model) as reseed:
        for sample in range(samples):
            reseed(seed, sample)
            parts = []
            for start in range(0, len(x), block):
                if fixed_masks:
                    reseed(seed, sample)
                outputs = model(x[start : start + block], training=False)
                outputs = ops.cast(outputs, "float32")
                parts.append(ops.convert_to_numpy(ops.softmax(outputs) if from_logits else outputs))
            drawn = np.concatenate(parts).astype(np.float64)
            mean = mean + drawn / samples
            square = square + drawn**2 / samples
            entropy = entropy + _entropy(drawn) / samples
    predictive = _entropy(mean)
    variance = np.maximum(square - mean**2, 0)
    return MonteCarloPrediction(mean, variance, predictive, np.maximum(predictive - entropy, 0))


def _entropy(probabilities):
    floor = np.finfo(np.float64).tiny
    return -np.sum(probabilities * np.log(np.maximum(probabilities, floor)), axis=-1)


def _dropout_layers(model):
    """Every layer in the model that drops anything, at any depth."""
    return [layer for layer in model._flatten_layers() if _drops(layer)]


def _drops(layer):
    if isinstance(layer, (Dropout, DropConnect, *_KERAS_DROPOUT)):
        return layer.rate > 0
    if isinstance(layer, VariationalCell):
        return max(layer.rate, layer.recurrent_rate) > 0
    if isinstance(layer, keras.layers.Attention):  # AdditiveAttention is one
        return layer.dropout > 0
    # Keras's recurrent layers and cells drop with masks of their own.
    rates = [getattr(layer, name, 0) for name in ("dropout", "recurrent_dropout")]
    recurrent = isinstance(layer, keras.layers.RNN) or hasattr(layer, "recurrent_initializer")
    return recurrent and any(isinstance(rate, float) and rate > 0 for rate in rates)


@contextlib.contextmanager
def _sampling(layers):
    """Makes each of the layers behave as in training, whatever `training` it is called with."""

    def forced(call):
        def training_call(*args, **kwargs):
            return call(*args, **{**kwargs, "training": True})

        return training_call

    before = [vars(layer).get("call") for layer in layers]
    for layer in layers:
        layer.call = forced(layer.call)
    try:
        yield
    finally:
        for layer, call in zip(layers, before, strict=True):
            del layer.call
            if call is not None:
                layer.call = call


@contextlib.contextmanager
def _seeded(model):
    """Yields a function that sets all random state from (seed, sample); restores it afterwards."""
    generators: list[keras.random.SeedGenerator] = []
    for layer in model._flatten_layers():
        found = (
            value for value in vars(layer).values() if isinstance(value, keras.random.SeedGenerator)
        )
        generators += [g for g in found if all(g is not other for other in generators)]
    before = [ops.convert_to_numpy(g.state).copy() for g in generators]

    def reseed(seed, sample):
        for place, (generator, state) in enumerate(zip(generators, before, strict=True)):
            drawn = np.random.SeedSequence([seed, sample, place]).generate_state(1)[0] >> 1
            fresh = state.copy()
            fresh[0] = drawn
            # Keras's generators count their calls in the second word, this package's in the third.
            fresh[1 if len(state) == 2 else 2] = 0
            generator.state.assign(fresh)

    try:
        yield reseed
    finally:
        for generator, state in zip(generators, before, strict=True):
            generator.state.assign(state)
