"""From the paper's convention (scaled at test time) to Keras's (inverted: scaled in training)."""

from typing import NamedTuple

import keras

from layers.dropout import Dropout, WeightScaledDropout


class InvertedFactors(NamedTuple):
    """What to multiply the paper's numbers by, for one weight matrix. Biases are unchanged."""

    weights: float
    learning_rate: float
    max_norm: float
    l2: float
    l1: float


def paper_to_inverted(keep):
    """Factors that turn a network in the paper's form into the same network in inverted form.

    With w' = keep * w both forms compute the same function, in training with the same masks and
    at test time. The chain rule then scales the gradient by 1 / keep, so that SGD (with momentum)
    follows the same path if the learning rate is multiplied by keep^2, a bound on the norm by
    keep, and penalty strengths by keep^-2 (L2) and keep^-1 (L1).

    Args:
        keep: Float in (0, 1], the probability to keep a unit of the layer that FEEDS the matrix:
            the paper's p.

    Returns:
        An `InvertedFactors`.

    Raises:
        ValueError: for a keep outside (0, 1].

    Reference: Srivastava et al., JMLR 15 (2014), section 10, says that the forms are equivalent
    with scaled learning rates and initial weights; the other factors follow from w' = keep * w.

    Example:

    >>> paper_to_inverted(0.5).learning_rate
    0.25
    """
    if isinstance(keep, bool) or not 0 < keep <= 1:
        raise ValueError(f"`keep` is a probability in (0, 1]. Received: keep={keep!r}")
    return InvertedFactors(
        weights=keep, learning_rate=keep**2, max_norm=keep, l2=keep**-2, l1=1 / keep
    )


# What may stand between a WeightScaledDropout and the kernel that takes its factor over: layers
# that commute with a positive factor.
_COMMUTING = (
    keras.layers.Flatten,
    keras.layers.Reshape,
    keras.layers.Permute,
    keras.layers.ZeroPadding1D,
    keras.layers.ZeroPadding2D,
    keras.layers.MaxPooling1D,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling1D,
    keras.layers.AveragePooling2D,
    keras.layers.GlobalAveragePooling1D,
    keras.layers.GlobalAveragePooling2D,
    Dropout,
)
_WEIGHTED = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


def fold_weight_scaling(model):
    """A plain network with the same inference outputs as one with `WeightScaledDropout`.

    Every dropout layer of this package becomes the identity, and the factor of each
    `WeightScaledDropout` is multiplied into the kernels that it feeds: the "scaled-down weights"
    of the paper's test-time network.

    Args:
        model: A functional or Sequential Keras model. It is left as it was.

    Returns:
        A new model of the same kind, with weights of its own.

    Raises:
        ValueError: where a scaled output reaches anything but a Dense or Conv kernel, directly or
            through reshaping, padding and pooling layers.

    Reference: Srivastava et al., JMLR 15 (2014), section 2 and Figure 2.

    Example:

    >>> inputs = keras.Input((3,))
    >>> model = keras.Model(inputs, keras.layers.Dense(2)(WeightScaledDropout(0.5)(inputs)))
    >>> len(fold_weight_scaling(model).weights)
    2
    """
    factors: dict[str, float] = {}
    for layer in model.layers:
        if isinstance(layer, WeightScaledDropout):
            for fed in _fed_kernels(layer, layer):
                factors[fed] = factors.get(fed, 1.0) * float(layer.stream.keep())

    def plain(layer):
        if isinstance(layer, Dropout):
            return keras.layers.Identity(name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    folded = keras.models.clone_model(model, clone_function=plain)
    folded.set_weights(model.get_weights())
    for name, factor in factors.items():
        kernel = folded.get_layer(name).kernel
        kernel.assign(kernel * factor)
    return folded


def _fed_kernels(layer, origin):
    """Names of the layers whose kernels the outputs of `layer` reach."""
    names = []
    for node in layer._outbound_nodes:
        following = node.operation
        if isinstance(following, _WEIGHTED):
            names.append(following.name)
        elif isinstance(following, _COMMUTING):
            names += _fed_kernels(following, origin)
        else:
            raise ValueError(
                f"the outputs of {origin.name!r} can be folded into Dense and Conv kernels only. "
                f"Received: {following.name!r} ({type(following).__name__}) after it"
            )
    if not names:
        raise ValueError(f"{origin.name!r} feeds no kernel to fold its factor into")
    return names
