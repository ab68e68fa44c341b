"""The search space: settings around one run."""

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace

from reproduce.spec.nets import Mlp
from reproduce.spec.run import Run
from reproduce.spec.settings import format_settings

DEFAULTS = {field.name: field.default for field in fields(Run) if field.default is not MISSING}
# "keep_2", "keep_conv_1": the field, and the layer counted from 1.
LAYER = re.compile(r"(keep|keep_conv)_(\d)")


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search space: `template`, with one value chosen for each axis.

    An axis is a field of a run; or "width" or "depth", the units (before a profile's budget scales
    them) or the number of an Mlp's hidden layers; or "keep_1", "keep_2", ... (fully connected
    hidden layers) or "keep_conv_1", ... (convolutions), the probability to keep a unit in that
    layer, with one axis for each layer of that kind. The best point found is compared with the
    `baselines`. `heat` names the two axes of the heat map.
    """

    template: Run
    axes: Mapping[str, tuple]
    baselines: Mapping[str, Run]
    heat: tuple[str, str]

    def __post_init__(self) -> None:
        if not set(self.heat) <= set(self.axes):
            raise ValueError(f"`heat` names two of the axes {[*self.axes]}. Received: {self.heat}")
        for name, values in self.axes.items():
            kinds = {float if isinstance(value, int) else type(value) for value in values}
            if kinds not in ({float}, {str}):
                raise ValueError(
                    f"an axis has one or more values, all numbers or all texts. Received: {name} = "
                    f"{values}"
                )
        # Impossible settings are rejected here, not later by a trial that uses them.
        first = {name: values[0] for name, values in self.axes.items()}
        for name, values in self.axes.items():
            for value in values:
                self.run(first | {name: value})

    def run(self, values: Mapping) -> Run:
        """The template at one point of the space."""
        settings, net = {name: values[name] for name in self.axes}, self.template.net
        if isinstance(net, Mlp) and {"width", "depth"} & set(settings):
            units = settings.pop("width", net.hidden[0])
            net = replace(net, hidden=(units,) * settings.pop("depth", len(net.hidden)))
        for axis in sorted(filter(LAYER.fullmatch, settings)):
            name = LAYER.sub(r"\1", axis)
            settings[name] = (*settings.get(name, ()), settings.pop(axis))
        return replace(self.template, net=net, **settings)

    def describe(self, values: Mapping) -> str:
        """A point of the space as tables and progress lines show it."""
        return format_settings({name: values[name] for name in self.axes})

    def point(self, settings: Mapping, width: float) -> dict:
        """The value of each axis for a run, from its settings as JSON values and the factor that
        scaled its net's widths."""
        point = {axis: _value(axis, settings) for axis in self.axes}
        if units := point.get("width"):
            declared = (
                n for n in self.axes["width"] if Mlp((n,), "relu").scaled(width).hidden == (units,)
            )
            point["width"] = next(declared, round(units / width))
        return point


def _value(axis: str, settings: Mapping):
    net = settings["net"]
    if axis == "width":
        return net["hidden"][0]
    if axis == "depth":
        return len(net["hidden"])
    if layer := LAYER.fullmatch(axis):
        # One value may apply to all layers; an empty tuple means that no layer has dropout.
        each = settings.get(layer[1], DEFAULTS[layer[1]]) or 1.0
        return each[int(layer[2]) - 1] if isinstance(each, list) else each
    return settings.get(axis, DEFAULTS.get(axis))
