"""A title says what the verdicts say, and no more."""

from dataclasses import replace

import pandas as pd
import pytest

from reproduce import Budget, Claim, Experiment, View, arms
from reproduce.record import COLUMNS
from reproduce.report.figures import heading

WORSE, BETTER = "Net + L2, 2 x 8", "Net + dropout, 2 x 8"
LOW, HIGH = (1.2, 1.2, 1.21), (1.4, 1.41, 1.42)


def evidence(made, run, *claims, worse=HIGH, better=LOW, data=None, others=()):
    experiment = Experiment(
        title="Toy",
        source="Table 0",
        cells=arms({WORSE: [run], BETTER: [replace(run, keep=0.5)], **{x: [run] for x in others}}),
        budgets={"cpu": Budget(updates=10, seeds=3, update_ms=1, data=data)},
        view=View(kind="arms"),
        claims=claims,
    )
    rows = [
        ("k", arm, None, seed, "test", "error_percent", 10, value)
        for arm, values in ((WORSE, worse), (BETTER, better))
        for seed, value in enumerate(values, start=1)
    ]
    final = pd.DataFrame(rows, columns=list(COLUMNS))
    return made(experiment, [(cell, None) for cell in experiment.cells], final)


def claim(text="Dropout helps", **more):
    return Claim(**{"text": text, "better": BETTER, "worse": WORSE, "smallest": 0.1} | more)


@pytest.mark.parametrize(
    ("values", "title"),
    [
        ({}, "Dropout helps: test error 1.20 % against 1.41 %"),
        (
            {"worse": LOW, "better": HIGH},
            "The opposite of “Dropout helps”: test error 1.41 % against 1.20 %",
        ),
        (
            {"worse": LOW, "better": LOW[::-1]},
            "“Dropout helps”: no difference of 0.1 points or more at this budget",
        ),
        ({"worse": (1.2, 1.6, 1.4)}, "Whether dropout helps is open"),
        ({"worse": (1.4,), "better": (1.2,)}, "Whether dropout helps is open, one seed"),
        ({"data": "digits"}, "Whether dropout helps is not judged on digits"),
        ({"worse": (), "better": ()}, "No claim can be judged yet"),
    ],
)
def test_the_title_follows_the_verdict(made, run, values, title):
    assert heading.title(evidence(made, run, claim(), **values)) == title


def test_arms_are_named_without_what_they_share(made, run):
    named = claim(f"{BETTER} below {WORSE}")
    title = heading.title(evidence(made, run, named))
    assert title == "Dropout errs less than L2: 1.20 % against 1.41 %"
    is_open = evidence(made, run, named, worse=(1.2, 1.6, 1.4))
    assert heading.title(is_open) == "Whether Dropout errs less than L2 is open"


def test_arms_are_named_in_full_where_another_claim_would_read_the_same(made, run):
    worse, better = others = "Tree + L2, 2 x 8", "Tree + dropout, 2 x 8"
    other = claim(f"{better} below {worse}", better=better, worse=worse)
    both = evidence(made, run, claim(f"{BETTER} below {WORSE}"), other, others=others)
    assert heading.title(both).startswith("Net + dropout, 2 x 8 errs less than Net + L2, 2 x 8")


def test_names_and_abbreviations_keep_their_capitals_within_a_sentence(made, run):
    for text in ("Gaussian noise helps", "LSTM nets err less", "L2 helps", "p = 0.5 helps"):
        found = evidence(made, run, claim(text), worse=(1.2, 1.6, 1.4))
        assert heading.title(found) == f"Whether {text} is open"


def test_lines_are_no_wider_than_asked_and_lose_no_word():
    text = "Dropout in all layers errs less than dropout in fully connected layers"
    lines = heading.wrapped(text, 10, 150).split("\n")
    assert " ".join(lines) == text
    assert len(lines) == len(heading.wrapped(text, 20, 300).split("\n")) > 2
    assert heading.wrapped(text, 10, 1_000) == text
    # However narrow, a number keeps its unit.
    assert heading.wrapped("1.20 % against 1.41 %", 10, 1) == "1.20 %\nagainst\n1.41 %"
