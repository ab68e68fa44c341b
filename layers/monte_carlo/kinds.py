"""What kinds of dropout layers there are, to one that makes them sample."""

import numbers

import keras

from ..units.alpha import AlphaDropout
from ..units.dropout import Dropout
from ..weights.dropconnect import DropConnect
from ..weights.slices import SliceDropout

# Layers of one factor a unit; only AlphaDropout's is not the whole of what it does.
MULTIPLYING = (
    Dropout,
    keras.layers.Dropout,
    keras.layers.SpatialDropout1D,
    keras.layers.SpatialDropout2D,
    keras.layers.SpatialDropout3D,
    keras.layers.GaussianDropout,
)


def drops(layer):
    """Whether the layer has masks, and a rate above 0."""
    if isinstance(layer, (*MULTIPLYING, DropConnect, SliceDropout, keras.layers.AlphaDropout)):
        return layer.rate > 0
    if isinstance(layer, keras.layers.Attention):  # AdditiveAttention is one
        return layer.dropout > 0
    # Keras's recurrent layers and cells drop with masks of their own.
    rates = [getattr(layer, name, 0) for name in ("dropout", "recurrent_dropout")]
    recurrent = isinstance(layer, keras.layers.RNN) or hasattr(layer, "recurrent_initializer")
    return recurrent and any(isinstance(rate, numbers.Real) and float(rate) > 0 for rate in rates)


def multiplies(layer):
    """Whether the layer multiplies its inputs, of one row an example, by a random factor."""
    return (
        isinstance(layer, MULTIPLYING)
        and not isinstance(layer, AlphaDropout)
        and not one_mask(layer)
    )


def one_mask(layer):
    """Whether the layer drops weights: each call has one mask then, or can."""
    weights = isinstance(layer, (DropConnect, SliceDropout))
    return weights or getattr(layer, "one_mask_a_batch", False)


def rows_differ(layer):
    """Whether each row of a batch has a mask of its own."""
    if one_mask(layer):
        return getattr(layer, "per_example", False)
    noise_shape = getattr(layer, "noise_shape", None)
    return noise_shape is None or noise_shape[0] != 1
