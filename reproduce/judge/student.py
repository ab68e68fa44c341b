"""Quantiles of Student's t distribution, by the standard library alone: `list` needs them."""

import math
from functools import cache


@cache
def student_quantile(probability: float, freedom: int) -> float:
    """The value that a t variable exceeds with chance 1 - `probability`, for 0.5 <= p < 1.

    Bisection on the distribution function, whose density is integrated term by term for integer
    degrees of freedom (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4).
    """
    if not 0.5 <= probability < 1 or freedom < 1:
        raise ValueError(
            "the probability is in [0.5, 1) and the degrees of freedom at least 1. "
            f"Received: {probability}, {freedom}"
        )
    low, high = 0.0, 1.0
    while _central(high, freedom) < 2 * probability - 1:
        low, high = high, 2 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        if _central(middle, freedom) < 2 * probability - 1:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _central(t: float, freedom: int) -> float:
    """The chance that a t variable lies within t of zero."""
    angle = math.atan(t / math.sqrt(freedom))
    cosine, sine = math.cos(angle), math.sin(angle)
    odd = freedom % 2
    term = cosine if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(2 + odd, freedom - 1, 2):
        term *= cosine**2 * (k - 1) / k
        total += term
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
