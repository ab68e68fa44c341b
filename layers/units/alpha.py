"""AlphaDropout: dropout for self-normalising networks."""

import keras
from keras import ops

from ..noise.inputs import shape_of
from .dropout import Dropout

# What SELU tends to for very negative inputs: -scale * alpha.
SELU_FLOOR = -1.7580993408473766


@keras.saving.register_keras_serializable("dropout")
class AlphaDropout(Dropout):
    """Sets dropped units to SELU's lowest value, and keeps mean 0 and variance 1.

    Outputs are a * u + b, where u is the input where kept and -1.7581 where dropped, with a and b
    such that inputs of mean 0 and variance 1 have outputs of mean 0 and variance 1. Inference is
    the identity.

    Args, call arguments and output shape: those of `Dropout`.

    Reference: Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017, section
    "New dropout technique".

    Example:

    >>> layer = AlphaDropout(0.1, seed=1)
    >>> tuple(layer(keras.ops.ones((2, 3)), training=True).shape)
    (2, 3)
    """

    def _drawn(self, inputs, precise):
        keep = self.stream.keep(precise)
        scale = ops.rsqrt(keep * (1 + (1 - keep) * SELU_FLOOR**2))
        shift = -scale * (1 - keep) * SELU_FLOOR
        scaled = ops.cast(ops.cast(inputs, precise) * scale + shift, inputs.dtype)
        floor = ops.cast(SELU_FLOOR * scale + shift, inputs.dtype)
        kept = self.stream.kept(self._mask_shape(shape_of(inputs)))
        return ops.where(kept, scaled, floor)
