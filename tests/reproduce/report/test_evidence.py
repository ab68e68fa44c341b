import re
from dataclasses import replace

import pandas as pd
import pytest
from entries import entry

from reproduce import Budget, Claim, Experiment, View, arms, experiments, plan
from reproduce.judge import OPPOSITE, REPRODUCED, Interval
from reproduce.record import Row
from reproduce.report.claims import (
    claims_table,
    measured_difference,
    reasons,
    verdicts_table,
)
from reproduce.report.evidence import gather
from reproduce.report.pages import provenance
from reproduce.report.tables import measured_table


@pytest.fixture
def toy(run, monkeypatch):
    """An experiment with two arms, two candidates each, and two claims."""
    template = replace(run, updates=0, seed=-1, measures=())
    slow, fast = replace(template, learning_rate=0.01), replace(template, learning_rate=0.1)
    budget = Budget(updates=10, seeds=3, update_ms=1)
    experiment = Experiment(
        title="Toy",
        source="Nowhere",
        cells=arms({"A": [slow, fast], "B": [replace(r, keep=0.5) for r in (slow, fast)]}),
        budgets=dict.fromkeys(("smoke", "quick", "cpu", "paper"), budget),
        view=View(kind="arms"),
        claims=(
            Claim(text="B below A", better="B", worse="A", smallest=0.1),
            Claim(text="A below B", better="A", worse="B", smallest=0.1),
        ),
        measures=("error_percent",),
    )
    monkeypatch.setattr(experiments, "load", lambda name: experiment)
    monkeypatch.setattr(experiments, "names", lambda: ["toy"])
    return experiment


def stage_of(name, kind, results_dir):
    return next(s for s in plan.stages_of(name, "cpu", results_dir) if s.kind == kind)


def record(planned, stage, results_dir, value, status="done", name="toy"):
    split = "validation" if stage == "choice" else "test"
    rows = [
        Row(planned.run.key, planned.arm, None, planned.run.seed, split, "error_percent", 10, value)
    ]
    if status == "diverged":
        rows = [replace(rows[0], split="train", measure="diverged", value=1.0)]
    made = entry(status=status, run=planned.run.settings())
    stage_of(name, stage, results_dir).results.append(rows, planned.run.key, made)


def fill(results_dir, finals):
    for planned in stage_of("toy", "choice", results_dir).runs():
        record(planned, "choice", results_dir, 5.0 if planned.run.learning_rate == 0.1 else 6.0)
    for planned in stage_of("toy", "final", results_dir).runs():
        assert planned.run.learning_rate == 0.1
        values = finals[planned.arm]
        status = "done" if values[planned.run.seed - 1] is not None else "diverged"
        record(planned, "final", results_dir, values[planned.run.seed - 1], status)


def test_the_verdicts_are_those_of_the_rows(toy, tmp_path):
    fill(tmp_path, {"A": (2.0, 12.0, 22.0), "B": (1.0, 11.1, 20.9)})
    (_, one), (_, other) = gather("toy", "cpu", tmp_path).verdicts
    assert (one.verdict, other.verdict) == (REPRODUCED, OPPOSITE)
    assert one.found.mean == -other.found.mean == pytest.approx(1.0)


def test_the_papers_claims_come_first(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    one, other = toy.claims
    claims = (one, replace(other, paper="section 9"))
    found = altered(gather("toy", "cpu", tmp_path), experiment=replace(toy, claims=claims))
    rows = claims_table(found).rows
    assert [row[:2] for row in rows] == [("A below B", "paper, section 9"), ("B below A", "ours")]
    assert [row[4:7] for row in rows] == [("0.1 points", "3", "1 of 1")] * 2


def test_a_diverged_seed_is_counted_and_leaves_its_pair_out(toy, tmp_path):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, None, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    assert found.diverged("B", None) == 1
    assert found.verdicts[0][1].found.n == 2


def test_runs_that_are_no_longer_declared_are_left_out(toy, tmp_path, run):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    old = plan.Planned("A", None, "", replace(run, learning_rate=9.0, test=True))
    record(old, "final", tmp_path, 99.0)
    found = gather("toy", "cpu", tmp_path)
    assert found.standing.superseded == 1
    assert found.values("A", None, "test", "error_percent").max() == 4.0


def test_without_runs_there_is_no_evidence(toy, tmp_path):
    assert gather("toy", "cpu", tmp_path) is None


def test_a_verdict_names_its_budget_and_other_data_is_not_judged(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    assert found.qualified("reproduced") == "reproduced at this budget"
    assert altered(found, profile="paper").qualified("reproduced") == "reproduced"
    on_digits = replace(toy.budgets["cpu"], data="digits")
    other = replace(
        toy, budgets={**toy.budgets, "cpu": on_digits}, view=View(kind="arms", paper="Table 9")
    )
    found = altered(found, experiment=other)
    assert found.qualified("reproduced") == "not judged on digits"
    assert found.paper(found.experiment.view) == {}


def test_a_choice_at_a_grid_edge_is_marked(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    two = measured_table(found).rows
    assert all("learning rate 0.1 (grid edge: learning rate)" in row for row in two)
    chosen = [
        (replace(c, candidates=(*c.candidates, replace(c.candidates[0], learning_rate=0.001))), run)
        for c, run in found.chosen
    ]
    # One that is still to be measured does not move the edge.
    for (cell, _), (wider, _) in zip(found.chosen, chosen, strict=True):
        assert found.standing.measured(wider) == list(cell.candidates)
    rows = measured_table(altered(found, chosen=chosen)).rows
    assert all("learning rate 0.1 (grid edge: learning rate)" in row for row in rows)


@pytest.mark.parametrize(("value", "verdict"), [(1.43, "reproduced"), (1.6, "above the paper's")])
def test_one_result_is_enough_of_what_draws_nothing(value, verdict, tmp_path):
    arm = "SVM Gaussian kernel"
    for stage in ("choice", "final"):
        for planned in stage_of("table2", stage, tmp_path).runs():
            if planned.arm == arm:
                record(planned, stage, tmp_path, value, name="table2")
    table = measured_table(gather("table2", "cpu", tmp_path))
    stated = dict(zip(table.columns, next(row for row in table.rows if row[0] == arm), strict=True))
    assert stated["n"] == "1"
    assert stated["budget"] == "no updates"
    assert stated["verdict"] == verdict


@pytest.mark.parametrize(
    ("best", "verdict"),
    [(0.05, "reproduced at this budget, look 1 of 3"), (0.02, "not judged: a candidate beyond")],
)
def test_a_level_is_not_judged_before_the_candidates_beyond_its_grid(best, verdict, tmp_path):
    arm = "Dropout NN, ReLU, 3 x 1024"
    value_of = {
        "choice": lambda run: abs(run.learning_rate - best),
        "final": lambda run: 1.25 + run.seed / 1000,
    }
    for stage, value in value_of.items():
        for planned in stage_of("table2", stage, tmp_path).runs():
            if planned.arm == arm:
                record(planned, stage, tmp_path, value(planned.run), name="table2")
    table = measured_table(gather("table2", "cpu", tmp_path))
    stated = dict(zip(table.columns, next(row for row in table.rows if row[0] == arm), strict=True))
    assert stated["n"] == "3" and stated["verdict"].startswith(verdict)


def test_a_difference_tells_its_unit_and_enough_digits_for_its_interval(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    for scale, difference in (
        (1, "1.00 nats [0.75, 1.25]"),
        (0.01, "0.0100 nats [0.0075, 0.0125]"),
    ):
        values = scale * (
            found.final.value + 0.1 * (found.final.seed - 2) * (found.final.arm == "A")
        )
        claims = tuple(replace(claim, measure="nll") for claim in toy.claims)
        stated = altered(
            found,
            experiment=replace(toy, claims=claims, measures=("error_percent", "nll")),
            final=found.final.assign(measure="nll", value=values),
        )
        assert claims_table(stated).rows[0][2] == difference
    assert claims_table(found).rows[0][2].startswith("1.00 points [")


def test_where_only_superseded_runs_ended_the_provenance_says_so(toy, tmp_path, run):
    old = plan.Planned("A", None, "", replace(run, learning_rate=9.0, test=True))
    record(old, "final", tmp_path, 99.0)
    assert provenance(gather("toy", "cpu", tmp_path)) == (
        "No run of the current settings has ended. "
        "Left out, of settings no longer declared or chosen: 1 run(s). "
        "Tested with other settings before these were chosen: A."
    )


def test_arms_that_err_on_most_of_their_training_images_are_not_judged(toy, tmp_path, altered):
    fill(tmp_path, {"A": (62.0, 63.0, 64.0), "B": (81.0, 82.1, 83.0)})
    found = gather("toy", "cpu", tmp_path)
    assert claims_table(found).rows[1][-1] == "reproduced at this budget"
    for error, verdict in ((49.0, "reproduced at"), (51.0, "not judged: undertrained")):
        trained = found.final.assign(split="train", value=error)
        stated = claims_table(altered(found, final=pd.concat([found.final, trained]))).rows[1][-1]
        assert stated.startswith(verdict)


def test_an_arm_that_is_as_far_ahead_or_behind_on_its_training_images_is_not_judged(
    toy, tmp_path, altered
):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.1, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    assert claims_table(found).rows[1][-1] == "opposite at this budget"
    for gap, verdicts in (
        (0.5, ("reproduced", "opposite")),
        # Less than the gains of 1.0, 0.9 and 1.0, but what is left of them may be nothing.
        (0.94, ("not judged: the training error",) * 2),
        (1.1, ("not judged: the training error",) * 2),
    ):
        error = 0.5 + gap * (found.final.arm == "A")
        trained = found.final.assign(split="train", value=error)
        at = altered(found, final=pd.concat([found.final, trained]))
        for row, verdict in zip(claims_table(at).rows, verdicts, strict=True):
            assert row[-1].startswith(verdict)
        at_the_papers = claims_table(altered(at, profile="paper"))
        assert [row[-1] for row in at_the_papers.rows] == ["reproduced", "opposite"]
        # To fit the training images less well may be what is claimed, of the paper's updates.
        claims = tuple(replace(claim, underfits=True) for claim in toy.claims)
        fitting = replace(toy, claims=claims)
        (said, *_) = claims_table(altered(at, experiment=fitting)).rows
        assert said[-1] == "not judged: at this budget an arm may only learn more slowly"
        (said, *_) = claims_table(altered(at, experiment=fitting, profile="paper")).rows
        assert said[-1] == "reproduced"


@pytest.mark.parametrize(
    ("errors", "verdict"),
    [
        ((1.0, 2.1, 3.0), "reproduced at this budget"),
        ((2.0, 3.01, 4.0), "no difference of 0.1 points or more at this budget"),
        ((3.0, 4.1, 5.0), "opposite at this budget"),
        ((1.0, 3.5, 3.9), "open after the last look (about 58 seeds would be needed)"),
        ((-4.05, 9.0, 3.9), "open after the last look (over 1,000 seeds would be needed)"),
    ],
)
def test_a_verdict_in_words(errors, verdict, toy, tmp_path):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": errors})
    assert claims_table(gather("toy", "cpu", tmp_path)).rows[0][-1] == verdict


@pytest.mark.parametrize(("last", "said"), [(100, ""), (6, ", the last look is at 6")])
def test_an_open_verdict_says_whether_the_looks_left_have_the_seeds_needed(
    last, said, toy, tmp_path, altered
):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 3.5, 3.9)})
    budgets = {name: replace(each, seeds=(3, last)) for name, each in toy.budgets.items()}
    found = altered(gather("toy", "cpu", tmp_path), experiment=replace(toy, budgets=budgets))
    words = claims_table(found).rows[0][-1]
    assert re.fullmatch(rf"open: about \d\d seeds needed{said}", words), words


def test_an_end_of_an_interval_near_zero_shows_its_side():
    claim = Claim(text="?", better="B", worse="A", smallest=0.1)
    near = Interval(5, 0.116, 0.03, 0.003, 0.229)
    assert measured_difference(claim, near) == "0.116 points [0.003, 0.229]"
    assert measured_difference(claim, replace(near, low=0.013)) == "0.12 points [0.01, 0.23]"


def test_what_is_not_reproduced_has_its_reason(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (3.0, 4.1, 5.0)})
    found = gather("toy", "cpu", tmp_path)
    lower, higher = (
        Claim(text=text, better=b, worse=w, smallest=0.1, why=f"because of {text}")
        for text, b, w in (("lower", "B", "A"), ("higher", "A", "B"))
    )
    both = altered(found, experiment=replace(toy, claims=(lower, higher)))
    assert reasons(both) == ["Not reproduced: “lower”. Why, we think: because of lower"]
    assert reasons(altered(both, final=found.final[found.final.seed < 3])) == []
    unsure = altered(both, final=found.final.assign(value=found.final.value * found.final.seed % 5))
    assert [said.split(":")[0] for said in reasons(unsure)] == ["Not decided"] * 2


def test_one_seed_is_said_and_judged_nothing_by(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.0, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    alone = altered(found, final=found.final[found.final.seed == 1])
    assert [row[-1] for row in claims_table(alone).rows] == ["open, one seed"] * 2
    two = altered(found, final=found.final[found.final.seed < 3])
    assert claims_table(two).rows[0][-1] == "open: judged from 3 seeds on"


def test_the_report_says_which_claims_could_be_judged_and_which_could_not(toy, tmp_path, altered):
    fill(tmp_path, {"A": (2.0, 3.0, 4.0), "B": (1.0, 2.1, 3.0)})
    found = gather("toy", "cpu", tmp_path)
    unsure = Claim(text="Above all", better="B", worse="A", smallest=0.98, or_equal=True)
    unsure = replace(unsure, better="A", worse="B", smallest=1.0, paper="section 9")
    elsewhere = Claim(text="Elsewhere", better="B", worse="A", x=0.5, smallest=1.0)
    both = replace(toy, claims=(*toy.claims, unsure))
    table = verdicts_table([altered(found, experiment=both)], "cpu")
    assert [row[1:] for row in table.rows] == [
        ("1", "0", "toy: B below A"),
        ("1", "0", "toy: A below B"),
        ("1", "1", "toy: Above all"),
    ]
    assert [row[0].split()[0] for row in table.rows] == ["reproduced", "opposite", "open"]
    cells = tuple(replace(cell, x=1.0) for cell in toy.cells)
    placed = replace(toy, claims=(elsewhere,))
    placed = altered(found, experiment=placed, chosen=[(cell, None) for cell in cells])
    assert verdicts_table([placed], "cpu").rows == [
        ("not run at this profile", "1", "0", "toy: Elsewhere")
    ]
    waiting = altered(found, final=found.final.iloc[:0])
    assert verdicts_table([waiting], "cpu").rows[0][:3] == ("no rows yet", "2", "0")
