"""Max-norm: a bound on the norm of each unit's incoming weights."""

import math
import numbers
from collections.abc import Sequence

import keras
from keras import ops

# Compilers reduce over rows slowly; added in so many slices, the rows take half the time.
SLICES = 8
# A squared norm: that of 1e-15, which no bound is near.
SMALLEST = 1e-30


@keras.saving.register_keras_serializable("dropout")
class MaxNorm(keras.constraints.Constraint):
    """Scales each unit's incoming weight vector back onto a ball of radius `bound` if outside.

    The vector runs over all axes but the last, which is right for Dense (inputs, units) and Conv
    (height, width, inputs, filters) kernels alike; Keras's own MaxNorm takes axis 0, a row of the
    filter for a Conv kernel. Vectors inside the ball are left bit-identical.

    Args:
        bound: Positive float, the largest L2 norm allowed; the paper's c. For a network with
            inverted dropout the paper's c becomes keep * c (see `paper_to_inverted`).
        axis: Axis or axes that the norm sums over; None for all but the last. Name it for kernels
            laid out otherwise: (0, 1, 3) for Conv2DTranspose's, (0, 2) for Conv1DTranspose's,
            (0, 1, 2, 4) for Conv3DTranspose's, (0, 1) for DepthwiseConv2D's, 0 for
            DepthwiseConv1D's, -1 for the vectors of an Embedding, and for an EinsumDense kernel the
            axes that its equation sums over: 0 for "abc,cde->abde". MultiHeadAttention gives one
            constraint to kernels of different layouts, so no axis is right for all of them.

    Raises:
        ValueError: for a bound that is not positive, an axis that is no integer, a weight of rank 1
            without `axis`, or an axis that the weight has not.

    Reference: Srivastava et al., JMLR 15 (2014), section 5.1 and appendix A.3.

    Example:

    >>> float(MaxNorm(1.0)(keras.ops.array([[3.0], [4.0]]))[0, 0])
    0.6...
    """

    def __init__(self, bound: float, axis: int | Sequence[int] | None = None) -> None:
        number = isinstance(bound, numbers.Real) and not isinstance(bound, bool)
        if not number or not bound > 0:
            raise ValueError(f"`bound` is a norm, a positive number. Received: bound={bound!r}")
        self.bound = float(bound)
        self.axis = _integers(axis)

    def __call__(self, weight):
        if self.axis is None and len(weight.shape) < 2:
            raise ValueError(
                "MaxNorm bounds kernels of rank 2 or more; name `axis` for another weight. "
                f"Received: shape {tuple(weight.shape)}"
            )
        weight = ops.convert_to_tensor(weight)
        rank = len(weight.shape)
        axis = tuple(range(rank - 1)) if self.axis is None else self.axis
        named = [axis] if isinstance(axis, int) else axis
        if not all(-rank <= n < rank for n in named) or len({n % rank for n in named}) < len(named):
            raise ValueError(
                f"`axis` is of the weight's {rank} axes, each named once. Received: axis={axis!r}"
            )
        # Squares overflow float16 from 256 on.
        precise = keras.backend.result_type(weight.dtype, "float32")
        squares = ops.square(ops.cast(weight, precise))
        if self.axis is None:
            squares, axis = _added_up(squares), 0
        total = ops.sum(squares, axis=axis, keepdims=True)
        bound = ops.convert_to_tensor(self.bound, dtype=precise)
        # Above 0, where the root's slope is infinite: else the gradient of a zero vector is NaN.
        norm = ops.sqrt(ops.maximum(total, SMALLEST))
        outside = norm > bound
        factor = ops.where(outside, bound / norm, 1)
        return weight * ops.cast(factor, weight.dtype)

    def get_config(self):
        return {"bound": float(self.bound), "axis": self.axis}


def _integers(axis):
    """Returns None, an integer or a tuple of them, or raises a ValueError."""
    several = isinstance(axis, (tuple, list))
    for n in axis if several else [axis]:
        if (isinstance(n, bool) or not isinstance(n, numbers.Integral)) and axis is not None:
            raise ValueError(
                f"`axis` is None, an integer, or a tuple of integers. Received: axis={axis!r}"
            )
    if several and not axis:
        raise ValueError("`axis` names one axis or more. Received: axis=()")
    return tuple(int(n) for n in axis) if several else axis if axis is None else int(axis)


def _added_up(squares):
    """Sums over some rows of a kernel's squares: shape (fewer rows, units)."""
    rows, units = math.prod(squares.shape[:-1]), squares.shape[-1]
    flat = ops.reshape(squares, (rows, units))
    if rows % SLICES:
        return flat
    part = rows // SLICES
    return sum(flat[i * part : (i + 1) * part] for i in range(SLICES))
