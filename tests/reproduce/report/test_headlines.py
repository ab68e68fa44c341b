"""The README's table: the paper's numbers beside ours, for one claim of each experiment."""

from dataclasses import replace

import pandas as pd

from reproduce import Budget, Claim, Experiment, View, arms
from reproduce.record import COLUMNS
from reproduce.report import headlines

# Both have numbers in the paper's Table 9.
WORSE, BETTER = "L2", "Dropout + Max-norm"


def evidence(made, run, *claims, errors=((1.4, 1.41, 1.42), (1.2, 1.2, 1.21))):
    experiment = Experiment(
        title="Toy",
        source="Table 9, section 6.5",
        cells=arms({WORSE: [run], BETTER: [replace(run, keep=0.5)]}),
        budgets={"cpu": Budget(updates=10, seeds=3, update_ms=1)},
        view=View(kind="arms", paper="Table 9"),
        claims=claims,
    )
    rows = [
        ("k", arm, None, seed, "test", "error_percent", 10, value)
        for arm, values in zip((WORSE, BETTER), errors, strict=True)
        for seed, value in enumerate(values, start=1)
    ]
    final = pd.DataFrame(rows, columns=list(COLUMNS))
    found = made(experiment, [(cell, None) for cell in experiment.cells], final)
    return replace(
        found, name="table9", runs={"k": {"device": "CPU", "seconds": 120.0}, "g": {"device": "H"}}
    )


def claim(**more):
    return Claim(**{"text": "?", "better": BETTER, "worse": WORSE, "smallest": 0.1} | more)


def test_both_numbers_of_the_first_claim_of_the_paper_are_shown(made, run):
    papers = claim(text="lower", paper="section 6.5"), claim(text="later", paper="Table 9")
    (row,) = headlines.headlines_table([evidence(made, run, claim(), *papers)]).rows
    shown = dict(zip(headlines.COLUMNS, row, strict=True))
    assert (shown["of"], shown["claim"]) == ("Table 9", "lower")
    assert (shown["paper"], shown["ours"]) == ("1.05 vs 1.62", "1.20 vs 1.41")
    assert shown["gain [interval]"].startswith("0.21 points [")
    assert shown["gain [interval]"].endswith("], margin 0.1 points")
    assert (shown["n"], shown["verdict"]) == ("3", "reproduced")
    assert (shown["budget"], shown["cost"]) == ("10 updates", "2 min, CPU and GPU")


def test_the_row_is_not_chosen_by_its_verdict(made, run):
    is_open = claim(text="open", paper="Table 9", smallest=None, within=0.2)
    decided = claim(text="lower", paper="Table 9")
    (row,) = headlines.headlines_table([evidence(made, run, is_open, decided)]).rows
    assert row[1] == "open"
    assert row[-2].startswith("open")


def test_what_is_declared_without_rows_is_said(made, run, monkeypatch):
    found = evidence(made, run, claim(paper="Table 9"))
    other = replace(found.experiment, title="Another")
    elsewhere = replace(other, budgets={"paper": other.budgets["cpu"]})
    declared = {"table9": found.experiment, "new": other, "later": elsewhere}
    monkeypatch.setattr(headlines.experiments, "names", lambda: [*declared])
    monkeypatch.setattr(headlines.experiments, "load", declared.get)
    assert headlines.leads([found])[-1] == "Declared, but without rows yet: `new` (Another)."
    monkeypatch.setattr(headlines.experiments, "names", lambda: ["table9"])
    assert len(headlines.leads([found])) == 2


def test_a_claim_of_ours_or_one_without_rows_has_no_row(made, run):
    assert headlines.headlines_table([evidence(made, run, claim())]).rows == []
    empty = evidence(made, run, claim(paper="Table 9"), errors=((), ()))
    assert headlines.headlines_table([empty]).rows == []


def test_the_largest_budget_with_rows_counts(made, run):
    small = evidence(made, run, claim(text="small", paper="Table 9"))
    large = evidence(made, run, claim(text="large", paper="Table 9"))
    (row,) = headlines.headlines_table([small, large]).rows
    assert row[1] == "large"


def test_another_measure_has_its_own_means_and_no_error_of_the_papers(made, run):
    nll = claim(measure="nll", paper="Table 9")
    found = evidence(made, run, nll)
    found = replace(found, final=found.final.assign(measure="nll"))
    rows = [replace(row, measure="nll") for row in found.standing.rows]
    found.standing.__dict__["rows"] = rows
    (row,) = headlines.headlines_table([found]).rows
    assert row[2:4] == ("", "negative log-likelihood (nats): 1.2 vs 1.41")


def test_the_outcome_counts_each_claim_of_the_paper_once_and_names_what_contradicts_it(made, run):
    papers = (
        claim(text="lower", paper="section 6.5"),
        claim(text="same", within=0.01, smallest=None),
    )
    small = evidence(made, run, *papers, errors=((1.4, 1.3, 1.5), (1.2, 1.4, 1.3)))
    opposite = claim(text="higher", better=WORSE, worse=BETTER, paper="Table 9")
    large = evidence(made, run, *papers, opposite)
    assert headlines.outcome([small, large]) == (
        "Of the paper's 2 claims with rows, each at the largest budget that has them (none is the "
        "paper's own yet): 1 reproduced, 1 opposite. The opposite holds of: Table 9: “higher”."
    )
    assert headlines.outcome([small]).endswith("own yet): 1 open.")
    assert headlines.outcome([evidence(made, run, claim())]) == ""
    unfit = evidence(made, run, claim(paper="section 7.3", underfits=True))
    assert headlines.outcome([unfit]).endswith(
        "1 not judged. Not judged: at this budget an arm may only learn more slowly (1)."
    )


def test_errors_of_other_sides_than_the_claims_are_not_shown(made, run):
    for other in ({"worse_measure": "nll"}, {"split": "train"}):
        found = evidence(made, run, claim(**other))
        assert headlines.means_of_sides(found, *found.verdicts[0]) == "", other
    found = evidence(made, run, claim())
    assert headlines.means_of_sides(found, *found.verdicts[0]) == "1.20 vs 1.41"
