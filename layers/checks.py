"""Checks of arguments: what is wrong is a ValueError of one sentence that names what was given."""

import math
import numbers
import random

from .noise.masks import STEPS


def is_real(value):
    """Whether it is a number, which True and False are not."""
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def check_rate(rate, name="rate"):
    """Returns `rate` as a float, or raises a ValueError: the fraction dropped, in [0, 1)."""
    if not is_real(rate) or not 0 <= rate < 1 or math.isnan(rate):
        raise ValueError(
            f"`{name}` is the fraction of units dropped, a number in [0, 1); the dropout paper's p "
            f"is the probability to keep a unit, so rate = 1 - p. Received: {name}={rate!r}"
        )
    if round((1 - rate) * STEPS) == 0 or (rate > 0 and round((1 - rate) * STEPS) == STEPS):
        raise ValueError(
            f"`{name}` is 0, or between 1 and {STEPS - 1} parts in {STEPS}, the masks' resolution. "
            f"Received: {name}={rate!r}"
        )
    return float(rate)


class Fixed:
    """An attribute that a layer is given when it is made, and that no later value replaces.

    What is compiled, and what was computed from it, would go on with the first one.
    """

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, layer, owner=None):
        return self if layer is None else getattr(layer, f"_fixed_{self.name}")

    def __set__(self, layer, value):
        if f"_fixed_{self.name}" in layer.__dict__:
            raise AttributeError(
                f"`{self.name}` of a {type(layer).__name__} is fixed when it is made; make another "
                f"one. Received: {self.name}={value!r}"
            )
        layer.__dict__[f"_fixed_{self.name}"] = value


def computed_rate(rate):
    """`check_rate` of a rate that a formula gives: one that is finer than the masks are is 0."""
    if is_real(rate) and 0 < rate < 1 and round((1 - rate) * STEPS) == STEPS:
        return 0.0
    return check_rate(rate)


def check_flag(name, value):
    """Returns `value`, or raises a ValueError: a boolean."""
    if not isinstance(value, bool):
        raise ValueError(f"`{name}` is True or False. Received: {name}={value!r}")
    return value


def check_count(name, value, least=1):
    """Returns `value` as an integer, or raises a ValueError: a positive one, or from `least` up."""
    integer = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not integer or value < least:
        what = "a positive integer" if least == 1 else f"an integer from {least} up"
        raise ValueError(f"`{name}` is {what}. Received: {name}={value!r}")
    return int(value)


def check_built(layer):
    """Raises a ValueError where a layer has no weights yet."""
    if not layer.built:
        raise ValueError(
            f"a {type(layer).__name__} has weights once it is called or built; call it on an "
            f"input first. Received: {layer.name!r}, not built"
        )


def check_seed(seed):
    """Returns `seed` as an integer in [0, 2^32), or raises a ValueError.

    None becomes a number from Python's generator, which `keras.utils.set_random_seed` fixes.
    """
    if seed is None:
        return random.randrange(1 << 31)
    integer = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if not integer or not 0 <= int(seed) < 1 << 32:
        raise ValueError(f"`seed` is None or an integer in [0, 2^32). Received: seed={seed!r}")
    return int(seed)


def check_noise_shape(noise_shape):
    """Returns None or a tuple, or raises a ValueError: None and positive integers, one an axis."""
    if noise_shape is None:
        return None
    entries = noise_shape if isinstance(noise_shape, (tuple, list)) else (0,)
    for n in entries:
        integer = isinstance(n, numbers.Integral) and not isinstance(n, bool)
        if n is not None and not (integer and n > 0):
            raise ValueError(
                "`noise_shape` is None, or a tuple of None and positive integers. "
                f"Received: noise_shape={noise_shape!r}"
            )
    return tuple(entries)


def keep_from_quantization(layer, wrapper):
    """Has Keras's `quantize` leave a layer as it is, whose kernel the `wrapper` reads itself.

    By a NotImplementedError it knows such layers, and warns of them.
    """

    def refuse(*args, **kwargs):
        name = type(wrapper).__name__
        raise NotImplementedError(f"{name} reads kernels in floating point: it is not quantized")

    layer.quantize = refuse
