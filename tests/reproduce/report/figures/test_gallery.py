"""Galleries draw the pictures that were kept, and as many of their tiles as the view says."""

from dataclasses import replace

import numpy as np

from reproduce import View
from reproduce.probes import Picture
from reproduce.probes.trained import mosaic
from reproduce.report.figures import gallery


def test_the_pictures_of_the_arms_are_drawn_as_they_were_kept(evidence, seen):
    levels = np.random.default_rng(0).random((6, 5, 3))
    kept = [
        {"arm": arm, "pictures": {"features": Picture("features", levels).text()}} for arm in "AB"
    ]
    found = replace(evidence, runs=dict(enumerate(kept)))
    axes, _ = seen(found, View(kind="pictures", picture="features"))
    half_a_step = 0.5 / (gallery.LEVELS - 1) + 0.5 / 255
    for inset, arm in zip(axes.child_axes, "AB", strict=True):
        np.testing.assert_allclose(inset.images[0].get_array(), levels, atol=half_a_step + 1e-6)
        assert inset.get_title() == arm


def test_only_the_first_tiles_are_drawn_and_the_label_counts_them(evidence, seen):
    tiles = np.random.default_rng(0).uniform(0, 0.9, (9, 4, 5))
    sheet = mosaic(tiles, 3)
    kept = {"arm": "A", "pictures": {"features": Picture("features", sheet).text()}}
    view = View(kind="pictures", picture="features", x_label="features", most_tiles=2)
    axes, _ = seen(replace(evidence, runs={"k": kept}), view)
    (inset,) = axes.child_axes
    assert inset.images[0].get_array().shape == (4 + 1 + 4, 5 + 1 + 5)
    assert axes.get_xlabel() == "4 of 9 features"
    assert gallery.cropped(sheet, None)[0] is sheet


def test_a_long_label_is_as_wide_as_the_figure_and_adds_to_its_height(evidence, seen):
    kept = {"arm": "A", "pictures": {"features": Picture("features", np.ones((6, 5, 3))).text()}}
    found = replace(evidence, runs={"k": kept})
    short, long = (View(kind="pictures", picture="features", x_label=t) for t in ("a", "a " * 200))
    axes, _ = seen(found, long)
    lines = axes.get_xlabel().split("\n")
    width = axes.get_figure().bbox.width * 72 / axes.get_figure().dpi
    assert all(gallery.wrapped(line, 9.5, width) == line for line in lines)
    heights = [gallery.height(found, view, width) for view in (short, long)]
    assert heights[1] - heights[0] == gallery.LINE * (len(lines) - 1) > 0
