import pytest

from reproduce import Best, Budget, Claim, Experiment, View, arms


def experiment(run, **changes):
    budget = Budget(updates=1, seeds=1, update_ms=1)
    settings = {
        "title": "t",
        "source": "s",
        "cells": arms({"a": [run], "b": [run]}),
        "budgets": dict.fromkeys(("smoke", "quick", "cpu", "paper"), budget),
        "view": View(kind="arms"),
        "claims": (),
    }
    return Experiment(**settings | changes)


def test_arms_tuned_with_different_effort_are_refused(run):
    with pytest.raises(ValueError, match="same number of candidate"):
        experiment(run, cells=arms({"a": [run], "b": [run, run]}))


def test_a_claim_about_an_unknown_arm_and_an_unknown_profile_are_refused(run):
    with pytest.raises(ValueError, match="not declared"):
        experiment(run, claims=(Claim(text="?", better="a", worse="c", smallest=1.0),))
    budget = Budget(updates=1, seeds=1, update_ms=1)
    for budgets in ({"later": budget}, {"cpu": budget, "quick": budget}):
        with pytest.raises(ValueError, match="profiles, in the order smoke, quick, cpu, tenth"):
            experiment(run, budgets=budgets)
    assert list(experiment(run, budgets={"quick": budget}).budgets) == ["quick"]


def test_budgets_and_views_name_arms_of_the_experiment_and_each_cell_has_its_place(run):
    misspelt = Budget(updates=1, seeds=1, update_ms=1, arms=("a", "bb"))
    for wrong in ({"budgets": {"cpu": misspelt}}, {"view": View(kind="arms", arms=("bb",))}):
        with pytest.raises(ValueError, match=r"not declared: \['bb'\]"):
            experiment(run, **wrong)
    with pytest.raises(ValueError, match="Received twice"):
        experiment(run, cells=(*arms({"a": [run], "b": [run]}), *arms({"a": [run]})))


@pytest.mark.parametrize(
    ("wrong", "valid"),
    [
        ({"probes": ("masks", "feature")}, "the probes are activations, .* Received: 'feature'"),
        ({"measures": ("eror",)}, r"some of error_percent, .* Received: \['eror'\]"),
        ({"view": View(kind="arms", measures=("squared_error",))}, "'arms' needs .* nll, pass_mis"),
        (
            {"claims": (Claim(text="?", better="a", worse="b", smallest=1.0, measure="loss"),)},
            r"the claim '\?' needs .* Received: \['loss'\]",
        ),
    ],
)
def test_a_misspelt_probe_or_measure_is_refused(run, wrong, valid):
    with pytest.raises(ValueError, match=valid):
        experiment(run, **{"probes": ("masks",)} | wrong)


def test_the_best_of_unknown_arms_and_without_validation_images_is_refused(run):
    best = Best(among="arms", arms=("a", "b"), than="a")
    with pytest.raises(ValueError, match="set `hold_out`"):
        experiment(run, bests=(best,))
    assert experiment(run, bests=(best,), hold_out=True).bests == (best,)
    with pytest.raises(ValueError, match="not declared"):
        experiment(run, bests=(Best(among="arms", arms=("a", "b"), than="c"),), hold_out=True)


@pytest.mark.parametrize(
    "stated",
    [
        {},
        {"smallest": 0.0},
        {"smallest": -0.1},
        {"smallest": 0.1, "within": 0.1},
        {"within": 0.1, "or_equal": True},
    ],
)
def test_a_claim_states_one_difference_that_decides(stated):
    with pytest.raises(ValueError, match="smallest"):
        Claim(text="?", better="a", worse="b", **stated)


@pytest.mark.parametrize("seeds", [0, (), (3, 3), (6, 3), (0, 3)])
def test_looks_increase(seeds):
    with pytest.raises(ValueError, match="looks"):
        Budget(updates=1, seeds=seeds, update_ms=1)
