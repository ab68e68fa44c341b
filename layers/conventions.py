"""From the paper's convention (scaled at test time) to Keras's (inverted: scaled in training)."""

import numbers
from typing import NamedTuple

import keras

from .monte_carlo.kinds import MULTIPLYING, drops
from .units.dropout import WeightScaledDropout
from .units.stochastic_depth import CompactedStochasticDepth


class InvertedFactors(NamedTuple):
    """What to multiply the paper's numbers by, for one weight matrix. Biases are unchanged."""

    weights: float
    learning_rate: float
    max_norm: float
    l2: float
    l1: float


def paper_to_inverted(keep: float) -> InvertedFactors:
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
    number = isinstance(keep, numbers.Real) and not isinstance(keep, bool)
    if not number or not 0 < keep <= 1:
        raise ValueError(f"`keep` is a probability in (0, 1]. Received: keep={keep!r}")
    return InvertedFactors(
        weights=keep, learning_rate=keep**2, max_norm=keep, l2=keep**-2, l1=1 / keep
    )


# Layers that drop units: at inference they are the identity, or a factor.
REPLACED = (*MULTIPLYING, keras.layers.AlphaDropout)
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
    *REPLACED,
)
_WEIGHTED = (
    keras.layers.Dense,
    keras.layers.Conv1D,
    keras.layers.Conv2D,
    keras.layers.Conv3D,
)


def fold_weight_scaling(model: keras.Model) -> keras.Model:
    """A plain network with the same inference outputs as one with `WeightScaledDropout`.

    Layers that drop units, Keras's own too, become the identity, and the factor of each
    `WeightScaledDropout` is multiplied into the kernels that it feeds: the "scaled-down weights" of
    the paper's test-time network.

    Args:
        model: A functional or Sequential Keras model. It is left as it was.

    Returns:
        A new model of the same kind, with weights of its own.

    Raises:
        ValueError: where that cannot be done: a scaled output that reaches anything but a Dense or
            Conv kernel (directly or through reshaping, padding and pooling layers) or is an output
            of the model; a dropout or fed layer that the model uses more than once; dropout of
            weights, or inside another layer or a nested model; a model without a graph of layers.

    Reference: Srivastava et al., JMLR 15 (2014), section 2 and Figure 2.

    Example:

    >>> inputs = keras.Input((3,))
    >>> model = keras.Model(inputs, keras.layers.Dense(2)(WeightScaledDropout(0.5)(inputs)))
    >>> len(fold_weight_scaling(model).weights)
    2
    """
    if not isinstance(model, keras.Sequential) and not hasattr(model, "_nodes_by_depth"):
        raise ValueError(
            "folding needs a functional or Sequential model. Received: "
            f"{getattr(model, 'name', model)!r} ({type(model).__name__})"
        )
    graph = model._functional if isinstance(model, keras.Sequential) else model
    if graph is None:
        raise ValueError(f"folding needs a built model. Received: {model.name!r}, not built yet")
    nodes = [node for level in graph._nodes_by_depth.values() for node in level]
    _check_reached(model)
    factors: dict[str, float] = {}
    for layer in model.layers:
        if isinstance(layer, WeightScaledDropout):
            for fed in _fed_kernels(layer, layer, model, nodes):
                factors[fed] = factors.get(fed, 1.0) * float(layer.stream.keep())

    def plain(layer):
        if isinstance(layer, REPLACED):
            return keras.layers.Identity(name=layer.name, dtype=layer.dtype_policy)
        return layer.__class__.from_config(layer.get_config())

    folded = keras.models.clone_model(model, clone_function=plain)
    folded.set_weights(model.get_weights())
    for name, factor in factors.items():
        kernel = folded.get_layer(name).kernel
        kernel.assign(kernel * factor)
    return folded


def _check_reached(model):
    for layer in model.layers:
        if isinstance(layer, REPLACED):
            continue
        for inner in layer._flatten_layers():
            if drops(inner) or isinstance(inner, CompactedStochasticDepth):
                place = "" if inner is layer else f" inside {layer.name!r}"
                raise ValueError(
                    "folding replaces the model's own layers that drop units, not dropout of "
                    "weights, or nested in another layer or model. Received: "
                    f"{inner.name!r} ({type(inner).__name__}){place}"
                )


def _fed_kernels(layer, origin, model, nodes):
    """Names of the layers whose kernels the outputs of `layer` reach in this model's graph."""
    _check_used_once(layer, origin, nodes)
    outputs = [t for node in nodes if node.operation is layer for t in node.output_tensors]
    if any(out is ours for out in model.outputs for ours in outputs):
        raise ValueError(
            f"the outputs of {origin.name!r} are scaled and cannot be folded where they are an "
            f"output of the model. Received: {layer.name!r} as an output"
        )
    names = []
    for node in nodes:
        if not any(given is ours for given in node.input_tensors for ours in outputs):
            continue
        following = node.operation
        if isinstance(following, _WEIGHTED):
            _check_used_once(following, origin, nodes)
            names.append(following.name)
        elif isinstance(following, _COMMUTING):
            names += _fed_kernels(following, origin, model, nodes)
        else:
            raise ValueError(
                f"the outputs of {origin.name!r} can be folded into Dense and Conv kernels only. "
                f"Received: {following.name!r} ({type(following).__name__}) after it"
            )
    return names


def _check_used_once(layer, origin, nodes):
    uses = sum(node.operation is layer for node in nodes)
    if uses != 1:
        raise ValueError(
            f"the factor of {origin.name!r} cannot be folded through a layer that the model uses "
            f"more than once. Received: {layer.name!r}, used {uses} times"
        )
