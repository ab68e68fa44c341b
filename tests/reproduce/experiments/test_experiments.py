"""Every experiment at every profile, and the paper's facts."""

import re
import subprocess
import sys
from dataclasses import fields
from itertools import pairwise

import pytest

from reproduce import Run, experiments, plan
from reproduce.paper import paper_numbers
from reproduce.training.nets import build

EACH = [(name, p) for name in experiments.names() for p in experiments.load(name).budgets]


@pytest.mark.parametrize(("name", "profile"), EACH)
def test_runs_are_distinct_and_of_the_profiles_budget(name, profile):
    experiment = experiments.load(name)
    choice = plan.choice_runs(experiment, profile)
    errors = {planned.run.key: 1.0 for planned in choice}
    cells = plan.budgeted_cells(experiment, profile)
    counts = {(cell.arm, cell.x): 1 if plan.is_deterministic(cell) else 2 for cell in cells}
    chosen = [(cell, plan.chosen(cell, experiment, profile, errors)) for cell in cells]
    final = plan.final_runs(experiment, chosen, counts)
    assert len(final) == sum(counts.values())
    keys = [planned.run.key for planned in choice + final]
    assert len(keys) == len(set(keys))
    budget = experiment.budgets[profile]
    assert {p.run.updates for p in final} <= {budget.updates}
    assert {p.run.updates for p in choice} <= {budget.choice_updates or budget.updates}
    assert not any(p.run.test for p in choice), "the choice never reads the test set"
    assert all(p.run.test for p in final)
    if profile == "smoke":
        assert {p.run.data for p in choice + final} == {"digits"}


@pytest.mark.parametrize("name", experiments.names())
def test_what_is_chosen_from_a_grid_may_lie_beyond_it(name):
    experiment = experiments.load(name)
    chosen = {
        field.name
        for cell in experiment.cells
        for field in fields(Run)
        if field.name != "net" and len({getattr(run, field.name) for run in cell.candidates}) > 1
    }
    assert chosen <= {bracket.setting for bracket in experiment.brackets}
    for profile, budget in experiment.budgets.items():
        # The tour, whose rows are no evidence, keeps to the grid for its 12 minutes.
        assert bool(budget.added) == bool(chosen) or profile in ("smoke", "quick")


@pytest.mark.parametrize("name", experiments.names())
def test_every_number_of_the_paper_has_its_cell(name):
    view = experiments.load(name).view
    cells = {(cell.arm, cell.x) for cell in experiments.load(name).cells}
    for split in view.splits if view.paper else ():
        numbers = set(paper_numbers(view.paper, split))
        assert numbers
        if view.kind == "curve":  # the paper does not say which of its curves is which net's
            assert all(any(cell.startswith(arm) for cell, _ in cells) for arm, _ in numbers)
        else:  # an arm of no x may be measured at any
            assert all((arm, x) in cells or (arm, None) in cells for arm, x in numbers)


def test_the_papers_network_has_its_parameter_count():
    run = experiments.load("table9").cells[0].candidates[0]
    model = build(run, (28, 28), 10).model
    sizes = (784, 1024, 1024, 2048, 10)
    expected = sum(a * b + b for a, b in pairwise(sizes))
    assert expected == 3_973_130
    assert (
        sum(v.shape[0] * (v.shape[1] if len(v.shape) > 1 else 1) for v in model.weights) == expected
    )


@pytest.mark.parametrize(
    ("name", "hidden", "parameters"),
    [
        ("fig7", (256,), 402_448),
        ("fig9a", (2048, 2048, 2048), 10_020_874),
        ("fig10", (1024, 1024, 2048), 3_973_130),
        ("fig11", (1024, 1024, 1024), 2_913_290),
        ("mc_dropout", (1024, 1024, 1024), 2_913_290),
        ("table9", (1024, 1024, 2048), 3_973_130),
        ("table10", (1024, 1024), 1_863_690),
    ],
)
def test_the_networks_of_other_figures_and_tables_have_the_papers_sizes(name, hidden, parameters):
    cells = experiments.load(name).cells
    assert {run.net.hidden for cell in cells for run in cell.candidates} == {hidden}
    assert build(cells[0].candidates[0], (28, 28), 10).model.count_params() == parameters


def test_figure_4_has_nets_of_2_to_4_layers_of_1024_and_2048_units_in_both_arms():
    for kind in ("With", "Without"):
        nets = {
            cell.arm: cell.candidates[0].net.hidden
            for cell in experiments.load("fig4").cells
            if cell.arm.startswith(f"{kind} ")
        }
        assert nets == {
            f"{kind} dropout, {depth} x {units}": (units,) * depth
            for depth in (2, 3, 4)
            for units in (1024, 2048)
        }


def test_the_widths_of_figure_9b_keep_the_number_of_retained_units():
    cells = experiments.load("fig9b").cells
    nets = {cell.x: cell.candidates[0].net.hidden for cell in cells}
    for cell in cells:
        wanted = tuple(round(retained / cell.x) for retained in (256, 256, 512))
        assert {run.net.hidden for run in cell.candidates} == {wanted}
    assert nets[0.1] == (2560, 2560, 5120)
    assert nets[0.5] == (512, 512, 1024)
    assert nets[1.0] == (256, 256, 512)


def test_the_largest_network_of_table_2_has_more_than_65_million_parameters():
    largest = [c for c in experiments.load("table2").cells if "2 x 8192" in c.arm]
    assert [cell.candidates[0].keep for cell in largest] == [1.0, 0.5]
    for cell in largest:
        assert {run.net.hidden for run in cell.candidates} == {(8192, 8192)}
    parameters = build(largest[1].candidates[0], (28, 28), 10).model.count_params()
    assert parameters == 785 * 8192 + 8193 * 8192 + 8193 * 10
    assert parameters > 65_000_000


def test_specs_and_list_import_little_but_the_standard_library():
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from reproduce.__main__ import main\n"
        "main(['list'])\n"
        "loaded = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "ours = {'reproduce', 'msgspec', 'typing_extensions', '__mp_main__'}\n"
        "foreign = loaded - sys.stdlib_module_names - ours\n"
        "sys.exit(str(foreign) if foreign else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_report_and_a_campaign_with_workers_import_neither_tensorflow_nor_keras():
    code = (
        "import sys, reproduce.campaign.workers.crew, reproduce.report\n"
        "heavy = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_network_of_table_2_has_the_layers_that_its_name_tells():
    named = {
        cell.arm: (found, cell.candidates)
        for cell in experiments.load("table2").cells
        if (found := re.search(r"(\d) x (\d+)$", cell.arm))
    }
    assert len(named) == 11  # all but the maxout net and the kernel machine
    for found, candidates in named.values():
        depth, units = map(int, found.groups())
        assert {run.net.hidden for run in candidates} == {(units,) * depth}


@pytest.mark.parametrize(
    ("arm", "parameters"),
    [
        ("Standard Neural Net, logistic, 2 x 800", 1_276_810),
        ("Dropout NN, logistic, 3 x 1024", 2_913_290),
        ("Dropout NN + max-norm, ReLU, 3 x 2048", 10_020_874),
        ("Dropout NN + max-norm, ReLU, 2 x 4096", 20_037_642),
        ("Dropout NN + max-norm, maxout, 2 x (5 x 240)", 1_233_610),
    ],
)
def test_the_networks_of_table_2_have_the_papers_sizes(arm, parameters):
    cell = next(c for c in experiments.load("table2").cells if c.arm == arm)
    model = build(cell.candidates[0], (28, 28), 10).model
    assert model.count_params() == parameters
