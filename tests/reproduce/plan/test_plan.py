import math

import pytest

from reproduce import experiments, plan
from reproduce.errors import UserError
from reproduce.plan import overview

NAME = "table9"


@pytest.fixture
def experiment():
    return experiments.load(NAME)


def test_an_unknown_name_lists_the_valid_ones():
    with pytest.raises(UserError, match="table9"):
        experiments.load("table99")


def test_the_candidate_with_the_lowest_mean_validation_error_is_chosen(experiment):
    cell = plan.budgeted_cells(experiment, "paper")[0]
    runs = [p.run for p in plan.choice_runs(experiment, "paper") if p.arm == cell.arm]
    # Two seeds a candidate: the third has the best single run, the second the best mean.
    errors = dict(zip([r.key for r in runs], [5, 5, 3, 3.5, 1, 9] + [8] * 6, strict=True))
    assert plan.chosen(cell, experiment, "paper", errors) == cell.candidates[1]
    errors[runs[2].key] = math.inf
    assert plan.chosen(cell, experiment, "paper", errors) == cell.candidates[0]


def test_nothing_is_chosen_while_a_candidate_is_missing(experiment):
    cell = plan.budgeted_cells(experiment, "smoke")[0]
    runs = plan.choice_runs(experiment, "smoke")
    errors = {p.run.key: 1.0 for p in runs[1:]}
    assert plan.chosen(cell, experiment, "smoke", errors) is None
    finals = plan.final_runs(experiment, "smoke", errors, [1])
    assert cell.arm not in {p.arm for p in finals}
    assert len(finals) == len(plan.budgeted_cells(experiment, "smoke")) - 1


def test_final_and_choice_runs_share_no_seed(experiment):
    choice = plan.choice_runs(experiment, "cpu")
    final = plan.final_runs(experiment, "cpu", {p.run.key: 1.0 for p in choice}, range(1, 900))
    assert not {p.run.seed for p in choice} & {p.run.seed for p in final}


def test_choice_holds_the_validation_split_out_and_final_runs_train_on_all(experiment):
    choice = plan.choice_runs(experiment, "cpu")
    final = plan.final_runs(experiment, "cpu", {p.run.key: 1.0 for p in choice}, [1])
    assert all(p.run.hold_out for p in choice)
    assert not any(p.run.hold_out for p in final)


def test_a_machine_that_draws_nothing_is_run_with_one_seed():
    seeds: dict[str, list[int]] = {}
    table2 = experiments.load("table2")
    errors = {p.run.key: 1.0 for p in plan.choice_runs(table2, "smoke")}
    for planned in plan.final_runs(table2, "smoke", errors, [1, 2]):
        seeds.setdefault(planned.arm, []).append(planned.run.seed)
    assert seeds.pop("SVM Gaussian kernel") == [1]
    choosing = plan.choice_runs(table2, "paper")  # which has two choice seeds
    assert len({p.run.seed for p in choosing if p.arm != "SVM Gaussian kernel"}) == 2
    assert len({p.run.seed for p in choosing if p.arm == "SVM Gaussian kernel"}) == 1
    errors = {p.run.key: 1.0 for p in choosing}
    final = plan.final_runs(table2, "paper", errors, [1, 2, 3, 4, 5])
    assert overview._total(table2, "paper")[0] == len(choosing) + len(final)
    assert all(each == [1, 2] for each in seeds.values())


def test_labels_tell_candidates_apart(experiment):
    labels = [p.label for p in plan.choice_runs(experiment, "cpu")]
    assert len(set(labels)) == len(labels)


def test_settings_may_be_chosen_with_fewer_updates_and_that_is_said(experiment):
    budget = experiment.budgets["cpu"]
    choice = plan.choice_runs(experiment, "cpu")
    final = plan.final_runs(experiment, "cpu", {p.run.key: 1.0 for p in choice}, [1, 2, 3])
    assert {p.run.updates for p in choice} == {budget.choice_updates} == {10_000}
    assert {p.run.updates for p in final} == {budget.updates} == {24_000}
    assert "chosen after 10,000" in plan.describe_budget(experiment, budget)
    updates = sum(p.run.updates for p in [*choice, *final])
    assert overview._total(experiment, "cpu") == (len(choice) + len(final), updates)


def test_a_budget_says_how_many_images_there_are_whoever_limits_them():
    def described(name, profile):
        experiment = experiments.load(name)
        return plan.describe_budget(experiment, experiment.budgets[profile])

    printed = {p: described("overfitting", p) for p in ("quick", "cpu")}
    assert printed["quick"].endswith("1,000 examples") and printed["cpu"].endswith("5,000 examples")
    # Of no one number where it is what is varied, and of none where nothing is left out.
    for name in ("fig10", "table9"):
        assert "examples" not in described(name, "cpu")
