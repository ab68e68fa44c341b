"""The best arm is picked on validation images, and its gain is that on test images."""

from dataclasses import replace

import pandas as pd
import pytest

from reproduce import Best, Budget, Experiment, View, arms
from reproduce.record import COLUMNS
from reproduce.report.best import beside_the_papers, sentences

# Arm -> validation error, test errors by seed.
ERRORS = {
    "none": (6.0, (5.0, 5.2, 5.4)),
    "weak": (3.0, (2.0, 2.2, 2.4)),
    "strong": (2.9, (4.0, 4.1, 4.5)),
}


@pytest.fixture
def evidence(made, run):
    """A function of (errors, budget's data, arms at the profile) that returns evidence."""

    def of(errors=ERRORS, data=None, here=tuple(ERRORS)):
        experiment = Experiment(
            title="Toy",
            source="?",
            cells=arms({arm: [replace(run, keep=0.5)] for arm in ERRORS}),
            budgets={"cpu": Budget(updates=10, seeds=3, update_ms=1, data=data)},
            view=View(kind="arms"),
            claims=(),
            bests=(Best(among="arms", arms=("weak", "strong"), than="none"),),
            hold_out=True,
        )
        rows = [
            (arm, arm, None, seed, split, "error_percent", 10, value)
            for arm, (validation, tests) in errors.items()
            for seed, test in enumerate(tests, start=1)
            for split, value in (("validation", validation), ("test", test))
        ]
        chosen = [(cell, cell.candidates[0]) for cell in experiment.cells if cell.arm in here]
        return made(experiment, chosen, pd.DataFrame(rows, columns=list(COLUMNS)))

    return of


def test_validation_images_pick_though_another_arm_is_better_on_test_images(evidence):
    (said,) = sentences(evidence())
    assert said.startswith("Best of the arms on validation images: strong. Its gain over none on")
    assert "is 1.00 points [0.75, 1.25] (test error in percent: 4.20 vs 5.20; 3 seeds)" in said


def test_a_gain_that_may_be_none_is_called_so(evidence):
    (said,) = sentences(evidence(ERRORS | {"strong": (2.9, (5.1, 5.0, 5.6))}))
    assert "so that these seeds do not tell them apart" in said


def test_later_seeds_of_one_arm_do_not_count(evidence):
    more = ERRORS | {"weak": (3.0, (2.0, 2.2, 2.4, 90.0))}
    assert sentences(evidence(more)) == sentences(evidence())


@pytest.mark.parametrize(
    "settings",
    [
        {"errors": ERRORS | {"weak": (3.0, (2.0, 2.2))}},
        {"errors": {arm: ERRORS[arm] for arm in ("none", "weak")}},
        {"here": ("none", "weak")},
        {"here": ("weak", "strong")},
        {"data": "digits"},
    ],
    ids=["a seed lacks", "an arm lacks", "one arm", "nothing to compare with", "other data"],
)
def test_nothing_is_said_of_less(evidence, settings):
    assert sentences(evidence(**settings)) == ()


def test_the_best_net_of_table_2_stands_beside_the_papers_at_the_largest_budget(evidence):
    # Of the paper's nets, this one errs least; another of ours may err less.
    best, other = "Dropout NN + max-norm, ReLU, 3 x 1024", "Dropout NN, ReLU, 3 x 1024"

    def of(errors, updates):
        found = evidence({best: (0.0, errors), other: (0.0, (0.5, 0.6, 0.7))}, here=())
        budgets = {"cpu": Budget(updates=updates, seeds=3, update_ms=1)}
        view = View(kind="arms", paper="Table 2")
        stated = replace(found.experiment, budgets=budgets, view=view)
        standing = replace(found.standing, experiment=stated)
        return replace(found, name="table2", standing=standing)

    (said,) = beside_the_papers([of((1.4, 1.4, 1.4), 10), of((1.1, 1.2, 1.3), 1_000)])
    assert said == (
        f"The best net of Table 2 without pretraining that has rows ({best}): **1.20 ± 0.06 %** "
        "test error (3 seeds, 1,000 updates); the paper's: **1.06 %**."
    )
    assert beside_the_papers([of((), 10)])[0].count(other) == 1
    assert beside_the_papers([evidence()]) == []
