"""Every experiment at every profile, and the paper's facts."""

import subprocess
import sys
from itertools import pairwise

import pytest

from reproduce import PROFILES, plan
from reproduce.evidence import paper_numbers
from reproduce.models import build

EACH = [(name, profile) for name in plan.names() for profile in PROFILES]


@pytest.mark.parametrize(("name", "profile"), EACH)
def test_runs_are_distinct_and_of_the_profiles_budget(name, profile):
    experiment = plan.load(name)
    choice = plan.choice_runs(experiment, profile)
    errors = {planned.run.key: 1.0 for planned in choice}
    final = plan.final_runs(experiment, profile, errors, [1, 2])
    assert len(final) == 2 * len(plan.cells(experiment, profile))
    keys = [planned.run.key for planned in choice + final]
    assert len(keys) == len(set(keys))
    assert {p.run.updates for p in choice + final} == {experiment.budgets[profile].updates}
    assert not any(p.run.test for p in choice), "the choice never reads the test set"
    assert all(p.run.test for p in final)
    if profile == "smoke":
        assert {p.run.data for p in choice + final} == {"digits"}


@pytest.mark.parametrize("name", plan.names())
def test_numbers_of_the_paper_exist_for_every_cell(name):
    experiment = plan.load(name)
    if experiment.view.paper:
        cells = {(cell.arm, cell.x) for cell in experiment.cells}
        assert cells == set(paper_numbers(experiment.view.paper))


def test_the_papers_network_has_its_parameter_count():
    run = plan.load("table9").cells[0].candidates[0]
    model = build(run, (28, 28), 10).model
    sizes = (784, 1024, 1024, 2048, 10)
    expected = sum(a * b + b for a, b in pairwise(sizes))
    assert expected == 3_973_130
    assert (
        sum(v.shape[0] * (v.shape[1] if len(v.shape) > 1 else 1) for v in model.weights) == expected
    )


def test_specs_and_list_import_the_standard_library_only():
    code = (
        "import sys\n"
        "from reproduce.__main__ import main\n"
        "main(['list'])\n"
        "heavy = {'numpy', 'tensorflow', 'keras', 'pandas', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_report_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, reproduce.report\n"
        "heavy = {'tensorflow', 'keras'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
