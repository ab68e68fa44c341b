"""What is drawn is what the rows say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba_array

from reproduce import Budget, Cell, Claim, Experiment, View
from reproduce.judge import interval
from reproduce.probes import Picture
from reproduce.record import COLUMNS
from reproduce.report.figures import axes as frame
from reproduce.report.figures import draw, panels
from reproduce.report.figures.figure import plt
from reproduce.report.figures.forest import UNCERTAIN
from reproduce.report.labels import shared_label
from reproduce.report.tables import lowest_table

SEEDS = (1, 2, 3)
UNJUDGED = to_rgba_array(UNCERTAIN)


@pytest.fixture
def evidence(run, made):
    """Two arms at three places, two points of training, three seeds; B one point better."""
    xs, steps = (100.0, 1000.0, 5000.0), (5, 10)
    rows = [
        (f"{arm}{x}{seed}", arm, x, seed, split, "error_percent", step, error)
        for arm, better in (("A", 0), ("B", 1))
        for x in xs
        for seed in SEEDS
        for step in steps
        for split, more in (("train", -2), ("validation", 0), ("test", 0))
        if split != "test" or step == 10
        for error in [30 - x / 250 - better - step / 5 + 0.1 * seed + more]
    ]
    experiment = Experiment(
        title="Toy",
        source="Nowhere",
        cells=tuple(Cell(arm, x, (run,)) for arm in "AB" for x in xs),
        budgets=dict.fromkeys(
            ("smoke", "quick", "cpu", "paper"), Budget(updates=10, seeds=3, update_ms=1)
        ),
        view=View(kind="against_x", x_label="images"),
        claims=(),
    )
    chosen = [(cell, run) for cell in experiment.cells]
    final = pd.DataFrame(rows, columns=list(COLUMNS))
    return made(experiment, chosen, final)


def seen(evidence, view):
    """The axes of a view, drawn."""
    figure, axes = plt.subplots()
    panels.draw(evidence, view, axes)
    plt.close(figure)
    return axes


def test_lines_against_x_are_the_last_means_and_each_place_has_its_tick(evidence):
    view = evidence.experiment.view
    axes = seen(evidence, view)
    drawn = [list(line.get_ydata()) for line in axes.get_lines()]
    for better in (0, 1):
        assert pytest.approx([28 - x / 250 - better + 0.2 for x in (100, 1000, 5000)]) in drawn
    low, high = axes.get_ylim()
    assert low < evidence.final.query("split == 'test'").value.min()
    assert high > evidence.final.query("split == 'test'").value.max()
    assert axes.get_xlabel() == "images"


def test_what_lies_above_the_axis_is_told_at_its_edge(evidence):
    is_far = (evidence.final.arm == "A") & (evidence.final.x == 100)
    final = evidence.final.assign(value=evidence.final.value.mask(is_far, 60.0))
    view = View(kind="against_x", x_label="images", top=1.0)
    axes = seen(replace(evidence, final=final), view)
    top = axes.get_ylim()[1]
    assert 27.8 < top < 60
    assert [text.get_text() for text in axes.texts] == ["60"]
    triangles = [line for line in axes.get_lines() if line.get_marker() == "^"]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in triangles] == [(100, top)]
    assert not seen(evidence, evidence.experiment.view).texts


def test_a_number_at_the_right_edge_stands_left_of_its_mark_and_off_the_legend(evidence):
    axes = seen(evidence, View(kind="against_x", x_label="images"))
    left, right = axes.get_xlim()
    frame.mark_above(axes, [(left, 99.0, "k"), (right, 99.0, "k")])
    assert [text.get_ha() for text in axes.texts[-2:]] == ["left", "right"]


def test_the_papers_points_are_drawn_in_grey(evidence, altered):
    arms = {"A": "No dropout", "B": "Dropout"}
    renamed = evidence.final.assign(arm=evidence.final.arm.map(arms))
    chosen = [(replace(cell, arm=arms[cell.arm]), run) for cell, run in evidence.chosen]
    paper = replace(evidence.experiment.view, paper="Figure 10", log_x=True)
    experiment = replace(evidence.experiment, view=paper, cells=tuple(cell for cell, _ in chosen))
    found = altered(evidence, experiment=experiment, final=renamed, chosen=chosen)
    axes = seen(found, paper)
    labels = axes.get_legend_handles_labels()[1]
    assert labels == [*arms.values(), *(f"{arm}, Figure 10 of the paper" for arm in arms.values())]
    points = [list(line.get_ydata()) for line in axes.get_lines()]
    assert pytest.approx([26.62, 13.19, 10.6, 2.94, 2.39, 1.28]) in points
    assert axes.get_xscale() == "log"


def test_a_curve_shows_means_and_every_seed(evidence):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    axes = seen(replace(evidence, final=at_one_x), View(kind="curve"))
    drawn = [list(line.get_ydata()) for line in axes.get_lines() if len(line.get_xdata())]
    # Two arms, training and validation: means, then three seeds each.
    assert len(drawn) == 4 + 12
    validation = at_one_x.query("arm == 'A' and split == 'validation'")
    assert pytest.approx(list(validation.groupby("step").value.mean())) in drawn


def test_many_curves_are_told_by_a_colour_and_a_dash_each(evidence, altered):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    nets = [f"{units} units" for units in (8, 16, 32, 64)]
    many = [at_one_x.assign(arm=at_one_x.arm + f", {net}") for net in nets]
    arms = [(f"{kind}, {net}") for kind in "AB" for net in nets]
    chosen = [(replace(evidence.chosen[0][0], arm=arm), None) for arm in arms]
    axes = seen(altered(evidence, final=pd.concat(many), chosen=chosen), View(kind="curve"))
    stated = [text.get_text() for text in axes.get_legend().get_texts()]
    assert stated == ["kind", "A", "B", "net", *nets]
    assert axes.get_ylabel() == "validation error (%)"


def test_what_lies_before_the_axis_is_left_out(evidence):
    axes = seen(evidence, View(kind="against_x", x_label="images", from_x=1000))
    assert {x for line in axes.get_lines() for x in line.get_xdata()} == {1000, 5000}


def test_an_interval_may_leave_the_picture_and_a_value_may_not(evidence):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    two = at_one_x[at_one_x.seed < 3]
    axes = seen(replace(evidence, final=two), View(kind="arms"))
    values = two.query("split == 'test'").value
    low, high = axes.get_xlim()
    assert low < values.min() < values.max() < high < values.max() + 1


def test_a_forest_plot_shows_the_claims_differences_with_their_intervals(evidence, altered):
    claims = (
        Claim(text="B below A", better="B", worse="A", x=100.0, smallest=0.1),
        Claim(text="A equals B", better="A", worse="B", x=100.0, within=0.1),
        Claim(text="A below B", better="A", worse="B", x=100.0, smallest=0.1, paper="s. 1"),
    )
    declared = replace(evidence.experiment, claims=claims)
    final = evidence.final
    noise = final.seed.map({1: 0.0, 2: 0.3, 3: -0.1}) * (final.arm == "A")
    # Both know their training images equally well.
    values = (final.value + noise).mask(final.split == "train", 10.0)
    found = altered(evidence, experiment=declared, final=final.assign(value=values))
    axes = seen(found, View(kind="claims"))
    # No direction favours an equality.
    assert [each.get_text() for each in axes.get_yticklabels()] == ["A below B", "B below A"]
    bars = [tuple(np.sort(c.get_segments()[0][:, 0])) for c in axes.collections]
    differences = interval([1.0, 1.3, 0.9])
    low, high = differences.low, differences.high
    assert bars == [pytest.approx((-high, -low)), pytest.approx((low, high))]
    assert not np.array_equal(axes.collections[0].get_color(), UNJUDGED)
    hardly = found.final[found.final.split == "test"].assign(split="train", value=80.0)
    axes = seen(altered(found, final=pd.concat([found.final, hardly])), View(kind="claims"))
    for bar in axes.collections:
        assert np.array_equal(bar.get_color(), UNJUDGED)


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


def test_places_that_the_paper_names_are_grey_lines(evidence):
    view = replace(evidence.experiment.view, paper_xs=(("A", 250.0), ("B", 700.0)))
    axes = seen(evidence, view)
    grey = [line for line in axes.get_lines() if line.get_color() == panels.PAPER]
    assert [line.get_xdata()[0] for line in grey] == [250.0, 700.0]
    assert "A, 250 in the paper's text" in axes.get_legend_handles_labels()[1]


def test_the_pictures_of_the_arms_are_drawn_as_they_were_kept(evidence):
    levels = np.random.default_rng(0).random((6, 5, 3))
    kept = {"arm": "A", "pictures": {"features": Picture("features", levels).text()}}
    axes = seen(replace(evidence, runs={"k": kept}), View(kind="pictures", picture="features"))
    (inset,) = axes.child_axes
    np.testing.assert_allclose(inset.images[0].get_array(), levels, atol=0.5 / 255 + 1e-6)
    assert inset.get_title() == "A"


def test_a_figure_redrawn_is_the_same_to_the_byte_and_names_its_budget(evidence):
    first = draw(evidence)
    assert first == draw(evidence)
    assert b"10 updates; 3 seeds, mean and 95 % interval" in first


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


def test_the_legend_says_what_the_values_of_no_x_are(evidence):
    whole = evidence.final[evidence.final.x == 100].assign(x=np.nan, measure="nll")
    found = replace(evidence, final=pd.concat([evidence.final, whole]))
    view = View(kind="against_x", measures=("error_percent", "nll"), arms=("A",))
    for level, printed in (("", "A, negative log-likelihood (nats)"), ("weight scaling",) * 2):
        axes = seen(found, replace(view, level=level))
        labels = [text.get_text() for text in axes.get_legend().get_texts()]
        assert any(label.endswith(printed) for label in labels), labels
