"""A search space maps its axes to runs and back."""

from dataclasses import replace

import pytest

from reproduce import Mlp, experiments
from reproduce.training.nets import build

NAME = "dropout_rate"


@pytest.mark.parametrize("name", ["dropout_rate", "table9", "table4"])
def test_every_point_of_a_ready_space_is_a_run_that_tells_its_point(name):
    space = experiments.load(name).search
    for i in range(max(len(values) for values in space.axes.values())):
        point = {axis: values[i % len(values)] for axis, values in space.axes.items()}
        run = replace(space.run(point), updates=1, seed=1, measures=("nll",))
        assert space.point(run.settings(), 1.0) == point


def test_a_space_maps_axes_to_settings():
    space = experiments.load(NAME).search
    point = {name: values[0] for name, values in space.axes.items()}
    run = space.run(point)
    assert {name: getattr(run, name) for name in point} == point
    wide = replace(space, axes={**space.axes, "width": (8, 16), "depth": (1, 3)})
    assert wide.run(point | {"width": 16, "depth": 3}).net == Mlp((16, 16, 16), "relu")
    with pytest.raises(ValueError, match="heat"):
        replace(space, heat=("keep", "nothing"))


def test_each_layer_may_have_an_axis_of_its_own():
    space = experiments.load(NAME).search
    axes = {"keep_1": (0.5, 0.9), "keep_2": (0.4, 1.0)}
    each = replace(space, axes=axes, heat=("keep_1", "keep_2"))
    run = replace(each.run({"keep_1": 0.9, "keep_2": 0.4}), updates=1, seed=1, measures=("nll",))
    assert run.keeps == (0.9, 0.4)
    rates = [each.rate for each in build(run, (8, 8), 10).model.layers if hasattr(each, "rate")]
    assert rates == pytest.approx([0.1, 0.6])
    assert each.point(run.settings(), 1.0) == {"keep_1": 0.9, "keep_2": 0.4}
    assert each.point(replace(run, keep=0.5).settings(), 1.0) == {"keep_1": 0.5, "keep_2": 0.5}
    with pytest.raises(ValueError, match="numbers or all texts"):
        replace(space, axes={"max_norm": (None, 2.0)}, heat=("max_norm", "max_norm"))
    assert each.describe({"keep_1": float("nan"), "keep_2": None}) == "keep 1 none, keep 2 none"
    texts = replace(space, axes={"noise": ("bernoulli", "gaussian")}, heat=("noise", "noise"))
    assert texts.describe({"noise": "gaussian"}) == "noise gaussian"
    for impossible in ({"keep_1": (0.5,)}, axes | {"depth": (2, 3)}):
        with pytest.raises(ValueError, match="one for each"):
            replace(space, axes=impossible, heat=tuple(impossible)[:1] * 2)


def test_widths_are_told_as_declared_whatever_the_profile_scales_them_to(run):
    space = replace(
        experiments.load(NAME).search, axes={"width": (256, 512)}, heat=("width", "width")
    )
    settings = replace(run, net=Mlp((512, 512), "relu").scaled(1 / 32)).settings()
    assert space.point(settings, 1 / 32) == {"width": 512}
    # A baseline's need not be on the axis.
    other = replace(run, net=Mlp((1024,), "relu").scaled(1 / 32)).settings()
    assert space.point(other, 1 / 32) == {"width": 1024}
