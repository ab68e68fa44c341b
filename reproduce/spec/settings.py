"""Settings of a run as text."""

from collections.abc import Mapping


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
