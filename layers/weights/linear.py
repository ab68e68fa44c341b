"""The linear map of a Keras layer, by a kernel that is not its own."""

import math
import re
import string

import keras
from keras import ops

_CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
_DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)
KNOWN = (keras.layers.Dense, keras.layers.EinsumDense, *_CONVOLUTIONS, *_DEPTHWISE)


def check_plain(layer):
    """Raises a ValueError for a layer whose outputs do not follow from its kernel as it stands."""
    if getattr(layer, "quantization_mode", None) is not None:
        raise ValueError(
            "`layer` is wrapped before it is quantized, or not at all: kernels are read in "
            f"floating point. Received: {layer.name}, quantized to {layer.quantization_mode}"
        )
    kind = next(known for known in KNOWN if isinstance(layer, known))
    if type(layer).call is not kind.call:
        raise ValueError(
            f"`layer` computes as {kind.__name__} does: its `call` would not be used. "
            f"Received: {type(layer).__name__}, with a `call` of its own"
        )


def linear(layer, inputs, kernel):
    """What the layer makes of the inputs with this kernel, without bias and activation."""
    inputs = ops.cast(inputs, kernel.dtype)
    if isinstance(layer, keras.layers.Dense):
        return ops.matmul(inputs, kernel)
    if isinstance(layer, keras.layers.EinsumDense):
        return ops.einsum(layer.equation, inputs, kernel)
    causal = layer.padding == "causal"
    convolve = ops.depthwise_conv if isinstance(layer, _DEPTHWISE) else ops.conv
    return convolve(
        ops.pad(inputs, layer._compute_causal_padding()) if causal else inputs,
        kernel,
        strides=tuple(layer.strides),
        padding="valid" if causal else layer.padding,
        dilation_rate=layer.dilation_rate,
        data_format=layer.data_format,
    )


def linear_each(layer, inputs, kernels):
    """The linear map of each example with its own kernel, of shape (batch, *kernel)."""
    inputs = ops.cast(inputs, kernels.dtype)
    if isinstance(layer, keras.layers.Dense):
        return ops.einsum("b...i,bio->b...o", inputs, kernels)
    if isinstance(layer, keras.layers.EinsumDense):
        equation = _equation_of_each(layer.equation, len(inputs.shape))
        return ops.einsum(equation, inputs, kernels)
    # A convolution is a matrix product of patches; the patches are one themselves.
    first = layer.data_format == "channels_first"
    if isinstance(layer, _DEPTHWISE):
        return _depthwise_each(layer, inputs, kernels, first)
    size = math.prod(layer.kernel.shape[:-1])
    unit = ops.reshape(ops.eye(size, dtype=kernels.dtype), (*layer.kernel.shape[:-1], size))
    patches = linear(layer, inputs, unit)
    flat = ops.reshape(kernels, (-1, size, layer.filters))
    return ops.einsum("bi...,bio->bo..." if first else "b...i,bio->b...o", patches, flat)


def _depthwise_each(layer, inputs, kernels, first):
    *window, channels, multiplier = layer.kernel.shape
    taps = math.prod(window)
    unit = ops.reshape(ops.eye(taps, dtype=kernels.dtype), (*window, 1, taps))
    patches = linear(layer, inputs, ops.tile(unit, (*(1 for _ in window), channels, 1)))
    flat = ops.reshape(kernels, (-1, taps, channels, multiplier))
    shape = ops.shape(patches)
    if first:
        patches = ops.reshape(patches, (-1, channels, taps, *shape[2:]))
        out = ops.einsum("bck...,bkcm->bcm...", patches, flat)
        return ops.reshape(out, (-1, channels * multiplier, *shape[2:]))
    patches = ops.reshape(patches, (-1, *shape[1:-1], channels, taps))
    out = ops.einsum("b...ck,bkcm->b...cm", patches, flat)
    return ops.reshape(out, (-1, *shape[1:-1], channels * multiplier))


def check_per_example(layer):
    """Raises a ValueError where a mask for each example has no meaning, or no code here."""
    if getattr(layer, "groups", 1) != 1:
        raise ValueError(
            f"`per_example` masks are for layers with groups=1. Received: {layer.groups}"
        )
    if isinstance(layer, keras.layers.EinsumDense):
        inputs, kernel, outputs = _parts(layer.equation)
        batch = inputs[0]
        if batch != "." and (batch in kernel or outputs[0] != batch):
            raise ValueError(
                "`per_example` masks are for equations whose inputs and outputs start with the "
                f"same letter, the batch, that the kernel has not. Received: {layer.equation}"
            )


def check_moments(layer):
    """Raises a ValueError where a weight is used more than once in one output, so that the
    variance of a sum is not the sum of variances."""
    if isinstance(layer, keras.layers.EinsumDense):
        inputs, kernel, outputs = _parts(layer.equation)
        if set(inputs) - set(kernel) - set(outputs):
            raise ValueError(
                "'moments' needs an equation that sums over letters of the kernel only. "
                f"Received: {layer.equation}"
            )


def _parts(equation):
    return re.split(",|->", equation.replace(" ", ""))


def _equation_of_each(equation, rank):
    """The equation with the batch's letter before the kernel's, an ellipsis written out."""
    inputs, kernel, outputs = _parts(equation)
    free = [letter for letter in string.ascii_letters if letter not in equation]
    letters = "".join(free[: rank - len(inputs.replace("...", ""))])
    inputs, outputs = (part.replace("...", letters) for part in (inputs, outputs))
    return f"{inputs},{inputs[0]}{kernel}->{outputs}"


def spread_bias(layer, bias, rank, batched):
    """The bias, of shape (units,) or (batch, units), in the shape that adds to outputs of `rank`.

    That of an EinsumDense may have more axes than one.
    """
    lead = (-1,) if batched else (1,)
    if isinstance(layer, keras.layers.EinsumDense):
        units = bias.shape[1:] if batched else bias.shape
        return ops.reshape(bias, (*lead, *(1 for _ in range(rank - 1 - len(units))), *units))
    first = getattr(layer, "data_format", "channels_last") == "channels_first"
    ones, units = (1,) * (rank - 2), (bias.shape[-1],)
    return ops.reshape(bias, (*lead, *units, *ones) if first else (*lead, *ones, *units))
