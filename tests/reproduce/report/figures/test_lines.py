"""Lines are what the rows say, against x and over the updates."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from reproduce import View
from reproduce.report.figures import axes as frame
from reproduce.report.figures import shown
from reproduce.report.labels import shared_label
from reproduce.report.tables import lowest_table


def test_lines_against_x_are_the_last_means_and_each_place_has_its_tick(evidence, seen):
    view = evidence.experiment.view
    axes, _ = seen(evidence, view)
    drawn = [list(line.get_ydata()) for line in axes.get_lines()]
    for better in (0, 1):
        assert pytest.approx([28 - x / 250 - better + 0.2 for x in (100, 1000, 5000)]) in drawn
    low, high = axes.get_ylim()
    assert low < evidence.final.query("split == 'test'").value.min()
    assert high > evidence.final.query("split == 'test'").value.max()
    assert axes.get_xlabel() == "images"


def test_what_lies_above_the_axis_is_told_at_its_edge(evidence, seen):
    is_far = (evidence.final.arm == "A") & (evidence.final.x == 100)
    final = evidence.final.assign(value=evidence.final.value.mask(is_far, 60.0))
    view = View(kind="against_x", x_label="images", top=1.0)
    axes, _ = seen(replace(evidence, final=final), view)
    top = axes.get_ylim()[1]
    assert 27.8 < top < 60
    assert [text.get_text() for text in axes.texts] == ["above: 60"]
    triangles = [line for line in axes.get_lines() if line.get_marker() == "^"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in triangles] == [(100, top)]
    assert not seen(evidence, evidence.experiment.view)[0].texts


def test_a_number_at_the_right_edge_stands_left_of_its_mark(evidence, seen):
    axes, _ = seen(evidence, View(kind="against_x", x_label="images"))
    left, right = axes.get_xlim()
    frame.mark_above(axes, [(left, 99.0, "k"), (right, 99.0, "k")])
    assert [text.get_ha() for text in axes.texts[-2:]] == ["left", "right"]


def test_the_papers_points_are_drawn_in_grey(evidence, altered, seen):
    arms = {"A": "No dropout", "B": "Dropout"}
    renamed = evidence.final.assign(arm=evidence.final.arm.map(arms))
    chosen = [(replace(cell, arm=arms[cell.arm]), run) for cell, run in evidence.chosen]
    paper = replace(evidence.experiment.view, paper="Figure 10", log_x=True)
    experiment = replace(evidence.experiment, view=paper, cells=tuple(cell for cell, _ in chosen))
    found = altered(evidence, experiment=experiment, final=renamed, chosen=chosen)
    axes, names = seen(found, paper)
    theirs = [f"Figure 10 of the paper: {arm}" for arm in arms.values()]
    assert names == [*arms.values(), *theirs]
    points = {tuple(line.get_ydata()): line.get_color() for line in axes.get_lines()}
    assert points[26.62, 13.19, 10.6, 2.94, 2.39, 1.28] == shown.PAPER
    assert axes.get_xscale() == "log"


def test_a_curve_shows_means_and_every_seed(evidence, seen):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    axes, names = seen(replace(evidence, final=at_one_x), View(kind="curve"))
    drawn = [list(line.get_ydata()) for line in axes.get_lines() if len(line.get_xdata())]
    # Two arms, training and validation: means, then three seeds each.
    assert len(drawn) == 4 + 12
    validation = at_one_x.query("arm == 'A' and split == 'validation'")
    assert pytest.approx(list(validation.groupby("step").value.mean())) in drawn
    # Names at the ends of the lines, in the order of the lines, are the legend.
    assert not names
    order = ["B, training", "A, training", "B, validation", "A, validation"]
    assert sorted((text.get_text() for text in axes.texts), key=lambda n: axes_y(axes, n)) == order


def axes_y(axes, name):
    """How high a text at the end of a line is, in points."""
    (text,) = (each for each in axes.texts if each.get_text() == name)
    return axes.transData.transform(text.xy)[1] * 72 / axes.figure.dpi + text.xyann[1]


def test_names_of_lines_that_end_together_are_moved_apart(evidence, seen):
    same = evidence.final[evidence.final.x == 100].assign(x=np.nan, value=5.0)
    axes, _ = seen(replace(evidence, final=same), View(kind="curve"))
    heights = sorted(axes_y(axes, text.get_text()) for text in axes.texts)
    assert len(heights) == 4
    assert min(np.diff(heights)) >= frame.LINE - 0.01


def test_many_curves_are_told_by_a_colour_and_a_dash_each(evidence, altered, seen):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    nets = [f"{units} units" for units in (8, 16, 32, 64)]
    many = [at_one_x.assign(arm=at_one_x.arm + f", {net}") for net in nets]
    arms = [(f"{kind}, {net}") for kind in "AB" for net in nets]
    chosen = [(replace(evidence.chosen[0][0], arm=arm), None) for arm in arms]
    found = altered(evidence, final=pd.concat(many), chosen=chosen)
    axes, names = seen(found, View(kind="curve"))
    assert names == ["A", "B", *nets]
    thick = [line for line in axes.get_lines() if line.get_linewidth() > 1]
    assert len({(line.get_color(), line.get_linestyle()) for line in thick}) == len(arms)
    assert axes.get_ylabel() == "validation error (%)"


def test_what_lies_before_the_axis_is_left_out(evidence, seen):
    axes, _ = seen(evidence, View(kind="against_x", x_label="images", from_x=1000))
    assert {x for line in axes.get_lines() for x in line.get_xdata()} == {1000, 5000}


def test_places_that_the_paper_names_are_grey_lines(evidence, seen):
    view = replace(evidence.experiment.view, paper_xs=(("A", 250.0), ("B", 700.0)))
    axes, names = seen(evidence, view)
    grey = [line for line in axes.get_lines() if line.get_color() == shown.PAPER]
    assert [line.get_xdata()[0] for line in grey] == [250.0, 700.0]
    assert "A: 250 in the paper's text" in names


def test_the_legend_says_what_the_values_of_no_x_are(evidence, seen):
    whole = evidence.final[evidence.final.x == 100].assign(x=np.nan, measure="nll")
    found = replace(evidence, final=pd.concat([evidence.final, whole]))
    view = View(kind="against_x", measures=("error_percent", "nll"), arms=("A",))
    for level, printed in (("", "negative log-likelihood"), ("weight scaling",) * 2):
        _, names = seen(found, replace(view, level=level))
        assert names == ["error", printed]


def test_many_places_are_a_histogram_and_its_empty_end_is_left_out(evidence, altered, seen):
    shares = {**{x / 10: 20.0 for x in range(10)}, **{x / 10: 0.0 for x in range(10, 60)}}
    one = evidence.final[(evidence.final.x == 100) & (evidence.final.split == "test")]
    final = pd.concat(one.assign(x=x, value=value) for x, value in shares.items())
    axes, _ = seen(altered(evidence, final=final), View(kind="against_x", x_label="activation"))
    assert 0.9 <= axes.get_xlim()[1] < 1.1
    assert all(line.get_marker() in ("", "None") for line in axes.get_lines())


def test_a_sweep_tells_where_each_arm_is_lowest(evidence, altered):
    view = replace(evidence.experiment.view, arms=("A", "B"), lowest=True)
    found = altered(evidence, experiment=replace(evidence.experiment, view=view))
    # One seed of A is best elsewhere.
    odd = (found.final.arm == "A") & (found.final.x == 1000) & (found.final.seed == 2)
    found = replace(found, final=found.final.assign(value=found.final.value - 20 * odd))
    assert lowest_table(found).rows == [
        ("A", "images", "5000", "5000, 1000, 5000"),
        ("B", "images", "5000", "5000, 5000, 5000"),
    ]
    assert not lowest_table(evidence).rows


@pytest.mark.parametrize(
    ("measures", "label"),
    [
        (("monte_carlo_error_percent", "error_percent"), "error (%)"),
        (("monte_carlo_nll", "nll"), "negative log-likelihood (nats)"),
        (("distance_to_closed_form_percent", "distance_to_least_squares_percent"), "%"),
        (("error_percent", "unit_mean_mode"), "value"),
        (("error_percent",), "error (%)"),
    ],
)
def test_an_axis_is_named_by_what_its_measures_have_in_common(measures, label):
    assert shared_label(measures) == label
