"""A search's report says what its trials and tests can support, and no more."""

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from reproduce import experiments
from reproduce.report.search_report import SearchEvidence, draw, finding, picture, tables
from reproduce.report.search_report.sensitivity import can_tell, explained_percent

SPACE = experiments.load("dropout_rate").search
POINT = {name: values[0] for name, values in SPACE.axes.items()}


def searched(trials, seeds, gains=None):
    """Of as many trials, whose error follows `keep`; tests in which the best point is better by as
    much, seed by seed."""
    rng = np.random.default_rng(1)
    rows = []
    for i in range(trials):
        point = {name: values[rng.integers(len(values))] for name, values in SPACE.axes.items()}
        error = 2 + 3 * point["keep"] + 0.1 * rng.normal()
        rows.append(point | {"trial": f"trial {i}", "mean": error, "sem": 0.1, "count": seeds})
    rows[0]["mean"] = 100.0  # it diverged
    table = pd.DataFrame(rows).sort_values("mean")
    tests = [
        POINT | {"arm": arm, "seed": seed, "error": 2.0 + (arm != "Best found") * gain}
        for arm in ("Best found", "No dropout")
        for seed, gain in enumerate(gains or ())
    ]
    budget = "10 updates"
    frame = pd.DataFrame(tests)
    return SearchEvidence("toy", "cpu", SPACE, "error_percent", budget, budget, table, frame)


def test_the_interval_of_a_share_holds_the_truth_as_often_as_it_says():
    rng, values = np.random.default_rng(1), pd.Series(np.arange(24) % 4)
    for size in (0.0, 0.7):
        means = size * np.array([-1.0, -1.0, 1.0, 1.0])
        truth = 100 * size**2 / (size**2 + 1)
        held = []
        for _ in range(200):
            low, high = explained_percent(values, pd.Series(means[values] + rng.normal(size=24)))
            assert 0 <= low <= high <= 100
            held.append(low <= truth <= high)
        # Of 200, 190 are expected, give or take 3; at a share of 0 only the low end can miss.
        assert 0.9 < np.mean(held) < 0.995, size


def test_a_setting_that_decides_all_has_all_and_equal_errors_have_none():
    values = pd.Series(np.arange(24) % 4)
    assert explained_percent(values, 2.0 * values) == (100, 100)
    assert explained_percent(values, 0.0 * values) == (0, 0)


@pytest.mark.parametrize(
    ("trials", "kinds", "expected"),
    [(6, 2, False), (19, 2, False), (20, 2, True), (20, 8, False), (24, 8, True), (40, 1, False)],
)
def test_few_trials_tell_nothing(trials, kinds, expected):
    assert can_tell(pd.Series(np.arange(trials) % kinds)) is expected


def test_six_trials_of_one_seed_say_that_they_cannot_tell():
    _, sensitivity, _ = tables(searched(6, 1))
    assert "6 trials of one seed each cannot tell the settings apart" in sensitivity.title
    assert not any("%" in cell or " to " in cell for row in sensitivity.rows for cell in row[1:])
    assert all(row[1].startswith("not told: ") and not row[2] for row in sensitivity.rows)


def test_many_trials_give_each_setting_an_interval_and_a_best_value_only_where_it_matters():
    _, sensitivity, _ = tables(searched(60, 2))
    assert "60 trials of 2 seeds each" in sensitivity.title
    said = {row[0]: row[1:] for row in sensitivity.rows}
    low, high = map(int, said["keep"][0].split(" to "))
    assert 50 < low < high <= 100 and said["keep"][1].startswith("0.3 (")
    assert said["learning rate"][0].endswith(": maybe none") and not said["learning rate"][1]


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        (None, "not tested yet"),
        ([0.5], "one seed cannot compare it with No dropout"),
        ([0.4, 0.5, 0.6], "errs 0.50 points less than No dropout"),
        ([-0.4, -0.5, -0.6], "errs 0.50 points more than No dropout"),
        ([-0.4, 0.5, 0.6], "cannot be told from No dropout"),
    ],
)
def test_the_finding_is_what_the_tests_support(gains, said):
    assert said in finding(searched(6, 1, gains))


@pytest.mark.parametrize("trials", [6, 60])
def test_the_figure_can_be_read_at_800_pixels_and_says_how_many_trials_stand_behind_it(trials):
    found = searched(trials, 2, [0.4, 0.5, 0.6])
    assert float(draw(found).split(b'width="')[1].split(b"pt")[0]) <= 600  # 800 pixels
    with matplotlib.rc_context():
        figure = Figure(figsize=(8, 8))
        picture._fill(found, (4.0, 3.0), figure)
        texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert min(text.get_fontsize() for text in texts) >= 9
    title = figure.get_suptitle()
    assert title.startswith("Best found") and f"{trials} trials of 2 seeds each" in title
    cells = [text.get_text() for text in texts if "n = " in text.get_text()]
    assert sum(int(cell.split("n = ")[1].strip(")")) for cell in cells) == trials
