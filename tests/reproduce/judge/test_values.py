import pytest

from reproduce import Cell, Claim
from reproduce.judge import Values, cells_of
from reproduce.record import Row


def row(arm, x, seed, value, step=10, split="test", measure="error_percent"):
    return Row("k", arm, x, seed, split, measure, step, value)


CELLS = (Cell("A", 0.5, ()), Cell("A", 1.0, ()), Cell("B", None, ()))


def values(*rows):
    return Values(rows, CELLS)


def test_the_last_value_of_each_seed_counts_and_one_without_x_counts_everywhere():
    found = values(
        row("A", 0.5, 2, 7.0),
        row("A", 0.5, 1, 9.0, step=5),
        row("A", 0.5, 1, 8.0),
        row("B", None, 1, 3.0),
    )
    assert found.values("A", 0.5, "test", "error_percent") == {1: 8.0, 2: 7.0}
    assert found.values("A", 1.0, "test", "error_percent") == {}
    for x in (None, 0.5):
        assert found.values("B", x, "test", "error_percent") == {1: 3.0}


def test_a_claim_may_compare_two_places_two_splits_or_two_measures():
    found = values(
        *(row("A", 0.5, seed, 1.0 + seed) for seed in (1, 2)),
        *(row("A", 1.0, seed, 4.0 + seed) for seed in (2, 3)),
        row("A", 0.5, 1, 7.0, split="photographs"),
        row("A", 0.5, 2, 0.5, measure="nll"),
    )
    sides = {"text": "", "better": "A", "worse": "A", "x": 0.5, "smallest": 1.0}
    assert found.difference(Claim(**sides, worse_x=1.0)) == {2: 3.0}
    assert found.difference(Claim(**sides, worse_split="photographs")) == {1: 5.0}
    assert found.difference(Claim(**sides, worse_measure="nll")) == {2: -2.5}
    assert found.difference(Claim(**sides, worse_x=0.7)) is None


def test_relative_gains_are_compared_in_percent():
    gains = {0.5: (10.0, 8.0), 1.0: (4.0, 3.0)}  # 20 % and 25 %
    cells = tuple(Cell(arm, x, ()) for arm in "AB" for x in gains)
    rows = [
        row(arm, x, 1, v) for x, pair in gains.items() for arm, v in zip("AB", pair, strict=True)
    ]
    claim = Claim(text="", better="B", worse="A", x=1.0, than_x=0.5, smallest=1.0)
    assert Values(rows, cells).difference(claim) == {1: pytest.approx(5.0)}
    # On training images too A errs more at 0.5, by 1 of its 10 %, and at 1.0 less, by 2 of its 4.
    fits = {0.5: (1.0, 0.0), 1.0: (0.0, 2.0)}
    trained = [
        row(arm, x, 1, v, split="train")
        for x, pair in fits.items()
        for arm, v in zip("AB", pair, strict=True)
    ]
    assert Values(rows, cells).fit(claim) == {}
    assert Values(rows + trained, cells).fit(claim) == {1: pytest.approx(-50.0 - 10.0)}


def test_a_mean_over_arms_takes_the_seeds_that_all_of_them_have():
    found = values(row("A", 0.5, 1, 1.0), row("A", 0.5, 2, 2.0), row("B", None, 1, 4.0))
    both = Claim(text="", better="A", worse=("A", "B"), x=0.5, smallest=1.0)
    assert found.difference(both) == {1: 1.5}


def test_the_seeds_that_ended_are_those_of_all_cells():
    rows = [row("A", 0.5, s, 1.0) for s in (1, 2, 3)] + [row("B", 7.0, s, 1.0) for s in (3, 2, 5)]
    assert values(*rows).ended([CELLS[0], CELLS[2]]) == [2, 3]
    assert values(*rows).ended([CELLS[1]]) == []


def test_the_cells_of_a_claim_are_all_that_it_compares():
    claim = Claim(text="", better="A", worse="B", x=0.5, than_x=1.0, smallest=1.0)
    assert cells_of(claim, CELLS) == list(CELLS)
    claim = Claim(text="", better="A", worse="A", x=0.5, worse_x=1.0, smallest=1.0)
    assert cells_of(claim, CELLS) == list(CELLS[:2])


def test_rows_with_an_old_name_of_a_measure_count():
    assert values(row("B", None, 1, 2.0, measure="doubt")).values(
        "B", None, "test", "predictive_entropy"
    ) == {1: 2.0}
