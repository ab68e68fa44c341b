"""Dots and their intervals are what the rows and the verdicts say."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from reproduce import Claim, View
from reproduce.judge import interval


def test_an_interval_may_leave_the_picture_and_a_value_may_not(evidence, seen):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    two = at_one_x[at_one_x.seed < 3]
    axes, _ = seen(replace(evidence, final=two), View(kind="arms"))
    values = two.query("split == 'test'").value
    low, high = axes.get_xlim()
    assert low < values.min() < values.max() < high < values.max() + 1


def test_one_that_is_not_much_wider_than_the_values_stays_in_it(evidence, seen):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    axes, _ = seen(replace(evidence, final=at_one_x), View(kind="arms"))
    low, high = axes.get_xlim()
    ends = [end for bar in axes.collections for end in bar.get_segments()[0][:, 0]]
    values = at_one_x.query("split == 'test'").value
    assert low < min(ends) < values.min() < values.max() < max(ends) < high


def test_a_forest_plot_shows_the_claims_differences_with_their_intervals(evidence, altered, seen):
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
    axes, _ = seen(found, View(kind="claims"))
    # No direction favours an equality.
    assert [each.get_text() for each in axes.get_yticklabels()] == ["A below B", "B below A"]
    bars = [tuple(np.sort(c.get_segments()[0][:, 0])) for c in axes.collections]
    differences = interval([1.0, 1.3, 0.9])
    low, high = differences.low, differences.high
    assert bars == [pytest.approx((-high, -low)), pytest.approx((low, high))]
    assert not any(is_hollow(line) for line in axes.get_lines())
    hardly = found.final[found.final.split == "test"].assign(split="train", value=80.0)
    unjudged = altered(found, final=pd.concat([found.final, hardly]))
    axes, _ = seen(unjudged, View(kind="claims"))
    dots = [line for line in axes.get_lines() if line.get_marker() == "o"]
    assert len(dots) == 2 and all(map(is_hollow, dots))


def is_hollow(line):
    return line.get_marker() == "o" and to_rgba(line.get_markerfacecolor()) == to_rgba("white")


def test_combinations_are_sorted_and_dots_show_what_each_combines(evidence, altered, seen):
    errors = {"none": 4.0, "L2": 3.0, "shifts": 2.0, "L2 + shifts": 1.0}
    one = evidence.final[(evidence.final.x == 100) & (evidence.final.split == "test")]
    one = one[one.arm == "A"].assign(x=np.nan)
    final = pd.concat(one.assign(arm=arm, value=value) for arm, value in errors.items())
    cell = replace(evidence.chosen[0][0], x=None)
    chosen = [(replace(cell, arm=arm), None) for arm in errors]
    axes, _ = seen(altered(evidence, final=final, chosen=chosen), View(kind="combinations"))
    # By column: the rows where the factor is on, then those where it is off.
    dots = [list(line.get_ydata()) for line in axes.get_lines() if not line.get_clip_on()]
    assert dots == [[0, 2], [1, 3], [0, 1], [2, 3]]
    assert [text.get_text() for text in axes.texts] == ["L2", "shifts"]
    means = next(line for line in axes.get_lines() if line.get_clip_on())
    assert list(means.get_xdata()) == [1.0, 2.0, 3.0, 4.0]


def test_a_factor_that_a_profile_runs_alone_has_a_column(evidence, altered, seen):
    one = evidence.final[(evidence.final.x == 100) & (evidence.final.split == "test")]
    one = one[one.arm == "A"].assign(x=np.nan)
    names = ("A", "none", "B")
    final = pd.concat(one.assign(arm=arm) for arm in names)
    cell = replace(evidence.chosen[0][0], x=None)
    both = replace(evidence.experiment.cells[0], arm="A + B")
    experiment = replace(evidence.experiment, cells=(*evidence.experiment.cells, both))
    chosen = [(replace(cell, arm=arm), None) for arm in names]
    part = altered(evidence, experiment=experiment, final=final, chosen=chosen)
    axes, _ = seen(part, View(kind="combinations"))
    assert [text.get_text() for text in axes.texts] == ["A", "B"]


def test_an_arm_without_runs_says_so(evidence, seen):
    only_a = evidence.final[(evidence.final.arm == "A") & (evidence.final.x == 100)]
    axes, _ = seen(replace(evidence, final=only_a.assign(x=np.nan)), View(kind="arms"))
    assert [text.get_text() for text in axes.get_yticklabels()] == ["A", "B\n(no runs yet)"]
    assert [text.get_text() for text in axes.texts] == ["27.80"]
