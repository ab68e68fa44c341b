"""Tables of text: what they leave out, and the errors on training images beside the others."""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from reproduce import Budget, Claim, Experiment, View, arms
from reproduce.record import COLUMNS
from reproduce.report.claims import claims_table, tried
from reproduce.report.evidence import gather
from reproduce.report.tables import OURS, TRAINED, Table, measured_table

# The profile runs the first two.
KEEPS = {"A": 1.0, "B": 0.5, "C": 0.3}


def test_trimmed_leaves_out_columns_that_are_empty_in_every_row():
    table = Table("t", ("a", "b", "c"), [("1", "", ""), ("2", "", "x")])
    assert table.trimmed() == Table("t", ("a", "c"), [("1", ""), ("2", "x")])
    assert table.trimmed().trimmed() == table.trimmed()
    assert table.columns == ("a", "b", "c")


def evidence(made, run, splits):
    claims = (
        Claim(text="here", better="B", worse="A", smallest=0.1),
        Claim(text="elsewhere", better="C", worse="A", smallest=0.1),
    )
    experiment = Experiment(
        title="Toy",
        source="?",
        cells=arms({arm: [replace(run, keep=keep)] for arm, keep in KEEPS.items()}),
        budgets={"cpu": Budget(updates=10, seeds=3, update_ms=1)},
        view=View(kind="arms"),
        claims=claims,
    )
    rows = [
        ("k", arm, None, seed, split, "error_percent", 10, value + seed)
        for arm, value in (("A", 5.0), ("B", 3.0))
        for split in splits
        for seed in (1, 2, 3)
    ]
    final = pd.DataFrame(rows, columns=list(COLUMNS))
    return made(experiment, [(cell, None) for cell in experiment.cells[:2]], final)


def test_the_error_on_training_images_stands_beside_that_on_test_images(made, run):
    table = measured_table(evidence(made, run, ("test", "train")))
    row = dict(zip(table.columns, table.rows[0], strict=True))
    assert row[OURS] == row[TRAINED] == "7.00 ± 0.58"
    without = measured_table(evidence(made, run, ("test",)))
    assert TRAINED in without.columns and TRAINED not in without.trimmed().columns


def test_claims_that_a_profile_does_not_run_are_no_part_of_what_was_tried(made, run):
    found = evidence(made, run, ("test", "train"))
    assert [row[0] for row in claims_table(found).rows] == ["here", "elsewhere"]
    assert [row[0] for row in tried(claims_table(found)).rows] == ["here"]
    waiting = evidence(made, run, ())
    assert [row[0] for row in tried(claims_table(waiting)).rows] == ["here"]


def test_the_budget_of_nets_that_begin_with_no_machine_names_none():
    e = gather("table2_pretrained", "cpu", Path(__file__).parents[3] / "results")
    budgets = {cell.arm: e.budget_of(cell) for cell, _ in e.chosen}
    with_machines = {arm for arm, budget in budgets.items() if "each RBM and DBM" in budget}
    assert with_machines == {arm for arm in budgets if "Random weights" not in arm} != set(budgets)
