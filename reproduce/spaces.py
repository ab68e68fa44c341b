"""What a search looks through: a space of settings around one run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from reproduce.nets import ConvNet, Mlp
from reproduce.runs import Run


@dataclass(frozen=True, kw_only=True)
class Search:
    """A search space: `template` with, for each axis, one of its values.

    An axis is a field of a run; or "width" and "depth", the units and the number of an Mlp's hidden
    layers; or "keep_conv", one value for all convolutions. What is found is compared with the
    `baselines`. `heat` names the two axes of the heat map.
    """

    template: Run
    axes: Mapping[str, tuple]
    baselines: Mapping[str, Run]
    heat: tuple[str, str]

    def __post_init__(self) -> None:
        if not set(self.heat) <= set(self.axes):
            raise ValueError(f"`heat` names two of the axes {[*self.axes]}. Received: {self.heat}")

    def run(self, values: Mapping) -> Run:
        """The template at one point of the space."""
        settings, net = {name: values[name] for name in self.axes}, self.template.net
        if isinstance(net, Mlp) and {"width", "depth"} & set(settings):
            units = settings.pop("width", net.hidden[0])
            net = replace(net, hidden=(units,) * settings.pop("depth", len(net.hidden)))
        if isinstance(net, ConvNet) and "keep_conv" in settings:
            settings["keep_conv"] = (settings["keep_conv"],) * len(net.filters)
        return replace(self.template, net=net, **settings)
