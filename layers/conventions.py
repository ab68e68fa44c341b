"""From the paper's convention (scaled at test time) to Keras's (inverted: scaled in training)."""

from typing import NamedTuple


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
