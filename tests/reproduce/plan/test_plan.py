import math
from dataclasses import replace

import pytest

from reproduce import Bracket, experiments, plan
from reproduce.errors import UserError
from reproduce.plan import overview

NAME = "table9"


def finals(experiment, profile, errors, seeds):
    """The final runs of all cells whose settings are chosen, with so many seeds each."""
    decided = [
        (cell, plan.chosen(cell, experiment, profile, errors))
        for cell in plan.budgeted_cells(experiment, profile)
    ]
    counts = {
        (cell.arm, cell.x): 1 if plan.is_deterministic(cell) else seeds for cell, _ in decided
    }
    return plan.final_runs(experiment, decided, counts)


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
    final = finals(experiment, "smoke", errors, 1)
    assert cell.arm not in {p.arm for p in final}
    assert len(final) == len(plan.budgeted_cells(experiment, "smoke")) - 1


def test_final_and_choice_runs_share_no_seed(experiment):
    choice = plan.choice_runs(experiment, "cpu")
    final = finals(experiment, "cpu", {p.run.key: 1.0 for p in choice}, 899)
    assert not {p.run.seed for p in choice} & {p.run.seed for p in final}


def test_choice_holds_the_validation_split_out_and_final_runs_train_on_all(experiment):
    choice = plan.choice_runs(experiment, "cpu")
    final = finals(experiment, "cpu", {p.run.key: 1.0 for p in choice}, 1)
    assert all(p.run.hold_out for p in choice)
    assert not any(p.run.hold_out for p in final)


def test_a_machine_that_draws_nothing_is_run_with_one_seed():
    seeds: dict[str, list[int]] = {}
    table2 = experiments.load("table2")
    errors = {p.run.key: 1.0 for p in plan.choice_runs(table2, "smoke")}
    for planned in finals(table2, "smoke", errors, 2):
        seeds.setdefault(planned.arm, []).append(planned.run.seed)
    assert seeds.pop("SVM Gaussian kernel") == [1]
    choosing = plan.choice_runs(table2, "paper")  # which has two choice seeds
    assert len({p.run.seed for p in choosing if p.arm != "SVM Gaussian kernel"}) == 2
    assert len({p.run.seed for p in choosing if p.arm == "SVM Gaussian kernel"}) == 1
    errors = {p.run.key: 1.0 for p in choosing}
    final = finals(table2, "paper", errors, 5)
    assert overview._first_look(table2, "paper")[0] == len(choosing) + len(final)
    assert all(each == [1, 2] for each in seeds.values())


def test_labels_tell_candidates_apart(experiment):
    labels = [p.label for p in plan.choice_runs(experiment, "cpu")]
    assert len(set(labels)) == len(labels)


def test_settings_may_be_chosen_with_fewer_updates_and_that_is_said(experiment):
    budget = experiment.budgets["cpu"]
    choice = plan.choice_runs(experiment, "cpu")
    final = finals(experiment, "cpu", {p.run.key: 1.0 for p in choice}, 3)
    assert {p.run.updates for p in choice} == {budget.choice_updates} == {10_000}
    assert {p.run.updates for p in final} == {budget.updates} == {24_000}
    assert "chosen after 10,000" in plan.describe_budget(experiment, budget)
    updates = sum(p.run.updates for p in [*choice, *final])
    assert overview._first_look(experiment, "cpu") == (len(choice) + len(final), updates)


def test_a_budget_says_how_many_images_there_are_whoever_limits_them():
    def described(name, profile):
        experiment = experiments.load(name)
        return plan.describe_budget(experiment, experiment.budgets[profile])

    printed = {p: described("overfitting", p) for p in ("quick", "cpu")}
    assert printed["quick"].endswith("1,000 examples") and printed["cpu"].endswith("5,000 examples")
    # Of no one number where it is what is varied, and of none where nothing is left out.
    for name in ("fig10", "table9"):
        assert "examples" not in described(name, "cpu")


def measured(cell, experiment, error_of):
    """Validation errors by key of all candidates of a cell, as a function of the rate."""
    runs = plan.choice_runs(experiment, "cpu", [cell])
    return {planned.run.key: error_of(planned.run.learning_rate) for planned in runs}


@pytest.mark.parametrize(
    ("added", "error_of", "rates"),
    [
        # The best one is inside: nothing is added.
        (2, lambda rate: abs(rate - 0.05), [0.02, 0.05, 0.1]),
        # At the upper end: one more, which is not better.
        (2, lambda rate: abs(rate - 0.12), [0.02, 0.05, 0.1, 0.2]),
        # Better and better: as many as the budget allows, or up to the bracket's limit.
        (2, lambda rate: -rate, [0.02, 0.05, 0.1, 0.2, 0.4]),
        (9, lambda rate: -rate, [0.02, 0.05, 0.1, 0.2, 0.4, 0.8]),
        (2, lambda rate: rate, [0.02, 0.05, 0.1, 0.01, 0.005]),
        (0, lambda rate: -rate, [0.02, 0.05, 0.1]),
    ],
)
def test_a_best_value_at_an_end_adds_the_next_one(added, error_of, rates):
    experiment = experiments.load("fig9a")
    budgets = {"cpu": replace(experiment.budgets["cpu"], added=added)}
    experiment = replace(experiment, budgets=budgets)
    declared, errors = plan.budgeted_cells(experiment, "cpu")[0], {}
    cell = declared
    for _ in range(9):  # each pass measures what is there
        errors |= measured(cell, experiment, error_of)
        cell, best = plan.extended(declared, experiment, "cpu", errors)
    assert [run.learning_rate for run in cell.candidates] == rates
    assert best.learning_rate == min(rates, key=error_of)


def test_each_setting_may_be_widened_as_often_as_the_budget_says():
    """A rate that is better and better leaves the other setting's end its own candidates."""
    experiment = experiments.load("table9")
    (declared,) = (c for c in plan.budgeted_cells(experiment, "cpu") if c.arm == "L2")
    cell, errors = declared, {}
    for _ in range(9):
        errors |= {
            planned.run.key: -planned.run.learning_rate - planned.run.l2
            for planned in plan.choice_runs(experiment, "cpu", [cell])
        }
        cell, best = plan.extended(declared, experiment, "cpu", errors)
    assert experiment.budgets["cpu"].added == 2
    assert (best.learning_rate, best.l2) == (0.2, 9e-4)


def test_while_an_added_candidate_is_not_measured_the_best_so_far_stands():
    experiment = experiments.load("keep_input")
    cell = plan.budgeted_cells(experiment, "cpu")[0]
    assert plan.extended(cell, experiment, "cpu", {}) == (cell, None)
    errors = measured(cell, experiment, lambda rate: -rate)
    wider, best = plan.extended(cell, experiment, "cpu", errors)
    assert (len(wider.candidates), best.learning_rate) == (len(cell.candidates) + 1, 0.2)
    assert wider.candidates[-1] == replace(best, learning_rate=0.4)


def test_table_9_may_grow_in_rate_and_strength_and_never_in_what_an_arm_does_without():
    experiment = experiments.load("table9")
    for cell in plan.budgeted_cells(experiment, "tenth"):
        varied = {
            each.setting
            for each in experiment.brackets
            if len({getattr(run, each.setting) for run in cell.candidates}) > 1
        }
        for best in cell.candidates:
            for each in experiment.brackets:
                further = each.beyond(best, cell.candidates)
                assert further is None or each.setting in varied
                if further is not None:
                    changed = {each.setting: getattr(best, each.setting)}
                    assert replace(further, **changed) == best and further not in cell.candidates


def test_a_setting_is_widened_at_a_value_that_another_bracket_added(run):
    """At the added rate only one strength was tried, and that is still an end of its grid."""
    grid = [replace(run, learning_rate=rate, l2=l2) for rate in (0.02, 0.05) for l2 in (1e-5, 1e-4)]
    best = replace(run, learning_rate=0.1, l2=1e-4)
    wider = Bracket(setting="l2", factor=3.0, low=1e-8, high=1.0)
    assert wider.beyond(best, [*grid, best]) == replace(best, l2=3e-4)
    inside = replace(best, l2=3e-5)
    assert wider.beyond(inside, [*grid, best, inside]) is None


@pytest.mark.parametrize("profile", ["smoke", "cpu"])
def test_what_a_choice_run_starts_from_has_not_seen_validation_images_either(profile):
    experiment = experiments.load("table2_pretrained")
    runs = [p.run for p in plan.choice_runs(experiment, profile)]
    started = [run for run in runs if run.start]
    assert len(started) > len(runs) / 2
    budget = experiment.budgets[profile]
    for run in started:
        below = run
        while below := below.start:
            assert below.hold_out and below.seed == run.seed and not below.test
            assert below.updates == budget.start_updates and below.data == run.data
