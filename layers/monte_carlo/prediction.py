"""Monte-Carlo dropout: predictions averaged over random masks, with their uncertainty."""

import numbers
import threading
from typing import Any

import keras
import numpy as np

from ..checks import check_flag
from .inputs import read
from .sampling import Sampler
from .summary import OUTPUTS, Total

# The layers of a model are changed for the time of a prediction.
_ONE_AT_A_TIME = threading.RLock()


def monte_carlo_predict(
    model: keras.Model,
    x: Any,
    *,
    samples: int,
    seed: int,
    batch_size: int = 256,
    outputs: Any = "probabilities",
    fixed_masks: bool = False,
) -> Any:
    """Predicts with dropout on, many times, and summarises.

    Only dropout layers behave as in training: this package's, Keras's own, and those inside
    recurrent and attention layers. BatchNormalization and all else stay in inference. The model is
    left as it was, its random state and the states of stateful recurrent layers included (every
    sample starts from those); other threads may predict with it meanwhile, but not train it, and
    their own Monte-Carlo predictions wait for this one. Only
    functions that the model compiled itself, by `tf.function` or `jax.jit`, keep what they were
    traced with: give a copy of such a model.

    A dropout layer that the model calls in training only is not sampled.

    Several samples of one example share a batch, unless a layer has one mask a batch; in a
    Sequential or functional model of one input, what comes before dropout is computed once.

    Args:
        model: Any built Keras model, such as a loaded one.
        x: The inputs, as for `model.predict`: an array of shape (examples, ...), or a list, tuple
            or dict of them; or a finite `tf.data.Dataset`, `keras.utils.PyDataset`, PyTorch
            `DataLoader` or generator of batches of them, of (inputs, targets), or of (inputs,
            targets, weights), which is read into memory.
        samples: Positive integer, the number of masks for each example.
        seed: Integer in [0, 2^32); equal seeds and batch sizes give equal predictions of
            one model, and of its copies.
        batch_size: Positive integer, the rows of one call.
        outputs: What the model returns: "probabilities" of classes along the last axis, or of one
            class if that axis has length 1; "logits" of such; or any "values", as in regression.
            Outputs of one number an example, of shape (examples,), are "values".
            For a model of several outputs, one of these for all of them, or one each in a list,
            tuple or dict like the model's outputs.
        fixed_masks: Boolean; whether one mask is held for all examples in each sample, so that
            predictions differ by the inputs alone. Slower in models with AlphaDropout, or dropout
            inside Keras's recurrent and attention layers: there examples go one by one.

    Returns:
        A `MonteCarloPrediction`; for a model of several outputs, one each in a list, tuple or dict
        like the model's outputs.

    Raises:
        ValueError: for a model without dropout, with `CompactedStochasticDepth`, or that calls none
            of its dropout layers at inference; outputs that are not probabilities where such are
            announced, or of rank 1 that are announced as other than values; `outputs` in another
            structure than the model's; arguments out of range.

    Reference: Srivastava et al., JMLR 15 (2014), section 7.5 (Figure 11); Gal and Ghahramani,
    "Dropout as a Bayesian approximation", ICML 2016.

    Example:

    >>> from dropout_layers import Dropout
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
    kinds = keras.tree.flatten(outputs)
    if not kinds or any(kind not in OUTPUTS for kind in kinds):
        raise ValueError(f"`outputs` is one of {OUTPUTS}. Received: outputs={outputs!r}")
    check_flag("fixed_masks", fixed_masks)
    x = read(x)
    with _ONE_AT_A_TIME:
        return _predicted(model, x, samples, seed, batch_size, outputs, fixed_masks)


def _predicted(model, x, samples, seed, batch_size, outputs, fixed_masks):
    arrays = _examples(x)
    examples = len(arrays[0])
    total = Total(examples, samples, outputs)
    with Sampler(model, x, fixed_masks) as sampler:
        known = sampler.before_dropout(arrays, _blocks(examples, batch_size))
        sampler.reseed(seed, 0)
        if not fixed_masks and sampler.rows_differ:
            for places, count in _blocks(examples * samples, batch_size):
                rows = places // samples
                total.add(rows[:count], sampler.draw(known, rows), count, sampler.like_outputs)
        else:
            size = 1 if fixed_masks and not sampler.can_share else batch_size
            for sample in range(samples):
                sampler.restart()
                for rows, count in _blocks(examples, size):
                    if fixed_masks:
                        sampler.reseed(seed, sample)
                    total.add(rows[:count], sampler.draw(known, rows), count, sampler.like_outputs)
        return sampler.like_outputs(total.predictions())


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
