"""Settings of a run: as text, and as the digest that names the run."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from types import NoneType
from typing import get_args


def format_settings(settings: Mapping) -> str:
    """Settings as tables, figures and progress lines show them."""
    return ", ".join(
        f"{name.replace('_', ' ')} {format_setting(settings[name])}" for name in settings
    )


def format_setting(value: object) -> str:
    """One setting: a short number, one number per layer separated by slashes, or a string."""
    if isinstance(value, list | tuple):
        return "/".join(map(format_setting, value))
    if value is None or value != value:  # NaN, as in pandas
        return "none"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


@cache
def defaults_of(kind: type) -> tuple[tuple[str, object], ...]:
    return tuple((field.name, field.default) for field in fields(kind))


def stated(value) -> dict:
    """The fields of a dataclass whose values differ from the defaults."""
    # mypy takes a class for something that cannot be hashed.
    defaults = defaults_of(type(value))  # type: ignore[arg-type]
    named = ((name, getattr(value, name), default) for name, default in defaults)
    return {name: each for name, each, default in named if default is MISSING or each != default}


@cache
def _floats_of(kind: type) -> frozenset[str]:
    """The fields that hold floats, or tuples of them."""

    def parts(of: object) -> set:
        return {of}.union(*map(parts, get_args(of)))

    return frozenset(field.name for field in fields(kind) if float in parts(field.type))


def _as_float(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_as_float, value))
    return float(value) if isinstance(value, int) else value


def key_of(settings: dict) -> str:
    """The key of the run with these `settings`, as the record of a run states them."""
    text = json.dumps(settings, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def derived_seed(seed: int, *purpose: str | int) -> int:
    """An independent seed in [0, 2^31) for one purpose ("order", "weights", ...) of a run."""
    text = json.dumps([seed, *purpose])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") >> 1


@cache
def numbers_of(kind: type) -> dict[str, tuple[type, ...]]:
    """The fields that hold a number, or None, with the types that they may have."""
    each = {field.name: set(get_args(field.type) or (field.type,)) for field in fields(kind)}
    return {
        name: tuple(kinds | ({int} if float in kinds else set()))
        for name, kinds in each.items()
        if kinds & {int, float} and kinds <= {int, float, NoneType}
    }


# The least and the largest value of a run's numbers; where none is the largest, it is finite.
RANGES: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("batch_size", "examples"), (1, math.inf)),
    **dict.fromkeys(("updates", "curve_points", "shift_pixels"), (0, math.inf)),
    **dict.fromkeys(("l2", "l1", "sparsity_cost"), (0.0, math.inf)),
    **dict.fromkeys(("momentum", "momentum_start", "sparsity_target"), (0.0, 1.0)),
    **dict.fromkeys(
        (
            "average_fraction",
            "l1_start_fraction",
            "momentum_ramp_fraction",
            "warm_up_fraction",
        ),
        (0.0, 1.0),
    ),
}


def check_numbers(value) -> None:
    """Raises ValueError where a dataclass has something else in place of a number, or one outside
    its range. Makes floats of whole numbers where floats are meant: 2 and 2.0 have one key."""
    for name, kinds in numbers_of(type(value)).items():  # type: ignore[arg-type]
        found = getattr(value, name)
        if not isinstance(found, kinds) or isinstance(found, bool):
            what = "a number" if float in kinds else "a whole number"
            raise ValueError(f"`{name}` is {what}. Received: {found!r}")
        if found is None or name not in RANGES:
            continue
        (low, high), number = RANGES[name], float(getattr(value, name))
        if not (low <= number <= high and math.isfinite(number)):
            valid = f"in [{low:g}, {high:g}]" if high < math.inf else f"{low:g} or more, and finite"
            raise ValueError(f"`{name}` is {valid}. Received: {found!r}")
    for name in _floats_of(type(value)):  # type: ignore[arg-type]
        object.__setattr__(value, name, _as_float(getattr(value, name)))
