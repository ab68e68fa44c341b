"""The strip chart: places are in proportion, marks do not hide each other, far ends are cut."""

import math

import pytest

from reproduce.judge import interval
from reproduce.report.page.strip import APART, EDGE, WIDTH, chart
from reproduce.spec import Claim

CLAIM = Claim(text="?", better="a", worse="b", smallest=0.1)


def made(*values, counted=None):
    by_seed = dict(enumerate(values, start=1))
    counted = {*by_seed} if counted is None else counted
    found = interval([value for seed, value in by_seed.items() if seed in counted])
    return chart(CLAIM, found, by_seed, counted)


def test_places_are_in_proportion_to_values():
    drawn = made(0.1, 0.3, 0.5, 0.2)
    scale = (drawn.margin[1] - drawn.zero) / 0.1
    values = {int(p.text.split()[1][:-1]): (p.x - drawn.zero) / scale for p in drawn.points}
    assert values == pytest.approx({1: 0.1, 2: 0.3, 3: 0.5, 4: 0.2}, abs=0.002)
    assert (drawn.mean - drawn.zero) / scale == pytest.approx(0.275, abs=0.002)
    low, high, *cut = drawn.interval
    expected = interval([0.1, 0.3, 0.5, 0.2])
    assert ((low - drawn.zero) / scale) == pytest.approx(expected.low, abs=0.002)
    assert ((high - drawn.zero) / scale) == pytest.approx(expected.high, abs=0.002)
    assert cut == [False, False]


def test_equal_values_stand_on_top_of_each_other():
    drawn = made(0.2, 0.2, 0.2, 0.9)
    places = [(p.x, p.lift) for p in drawn.points]
    assert len({*places}) == 4
    for i, (x, lift) in enumerate(places):
        others = [x0 for x0, lift0 in places[:i] if lift0 == lift]
        assert all(abs(x - x0) >= APART for x0 in others)
    assert drawn.lift == max(lift for _, lift in places)


def test_an_interval_far_wider_than_its_points_is_cut_off():
    drawn = made(-0.4, 0.4)
    assert drawn.interval[2:] == (True, True)
    assert all(EDGE <= place <= WIDTH - EDGE for place in drawn.interval[:2])


def test_one_seed_has_no_interval_and_labels_stay_inside():
    drawn = made(2.0)
    assert drawn.interval is None
    (point,) = drawn.points
    assert point.text == "Seed 1: 2.00 points"
    assert point.label_x + point.label_width / 2 <= WIDTH


def test_a_seed_beyond_the_last_look_says_so():
    points = made(0.1, 0.2, 0.3, counted={1, 2}).points
    assert [p.is_counted for p in points] == [True, True, False]
    assert points[2].text.endswith("waits for the next look")


@pytest.mark.parametrize("size", [1e-4, 0.1, 7, 300])
def test_ticks_are_few_and_include_zero(size):
    ticks = made(size, 2 * size, 1.5 * size).ticks
    assert 3 <= len(ticks) <= 7
    assert "0" in [label for _, label in ticks]
    assert all(math.isfinite(x) for x, _ in ticks)
