"""The last screen: findings with intervals, counts of verdicts, paths."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from reproduce import Budget, Claim, Experiment, View, arms
from reproduce.record import COLUMNS
from reproduce.report import screen

GAINS = {"reproduced": (1.0, 1.1, 1.2), "opposite": (-1.0, -1.1, -1.2), "open": (0.3, -0.3, 1.0)}


@pytest.fixture
def evidence(made, run):
    """A function of (name, gains by seed, data) that returns an experiment's evidence."""

    def of(name, gains, data=None):
        claim = Claim(text="B is better", better="B", worse="A", smallest=0.1)
        experiment = Experiment(
            title="Toy",
            source="?",
            cells=arms({"A": [run], "B": [replace(run, keep=0.5)]}),
            budgets={"quick": Budget(updates=10, seeds=3, update_ms=1, data=data)},
            view=View(kind="arms"),
            claims=(claim,),
        )
        rows = [
            (arm, arm, None, seed, "test", "error_percent", 10, value)
            for seed, gain in enumerate(gains, start=1)
            for arm, value in (("A", 20.0), ("B", 20.0 - gain))
        ]
        final = pd.DataFrame(rows, columns=list(COLUMNS))
        found = made(experiment, [(cell, None) for cell in experiment.cells], final, "quick")
        return replace(found, name=name, runs={"A": {"seconds": 90.0}, "B": {"seconds": 30.0}})

    return of


def screen_of(found, width=120):
    return screen.summary(found, "quick", Path("results/quick"), width)


def test_each_experiment_has_its_gain_interval_and_verdict(evidence):
    found = [evidence(f"exp_{verdict}", gains) for verdict, gains in GAINS.items()]
    lines = screen_of(found)
    assert lines[0] == "quick profile: 2 of 3 claims decided (3 experiments, 6 runs, 6 minutes)"
    for verdict, gains in GAINS.items():
        (line,) = (line for line in lines if line.startswith(f"exp_{verdict}"))
        assert f"{sum(gains) / 3:.2f} [" in line
        opposite = "the opposite of “B is better”"
        assert line.endswith(opposite if verdict == "opposite" else f"{verdict}: B is better")
    assert "Verdicts: 1 reproduced, 1 opposite, 1 open" in lines
    paths = " ".join(lines[-6:])
    assert "results/quick/report.html" in paths and "results/quick/figures/" in paths
    assert "make tensorboard" in paths


@pytest.mark.parametrize("width", [80, 140])
def test_it_fits_on_a_terminal_however_many_experiments_there_are(width, evidence):
    lines = screen_of([evidence(f"exp_{i}", GAINS["open"]) for i in range(30)], width)
    assert len(lines) <= screen.MOST_LINES
    assert all(len(line) <= width for line in lines)
    assert f"... and {30 - screen.MOST_FINDINGS} more in the report" in lines


def test_what_is_not_judged_shows_no_gain(evidence):
    lines = screen_of([evidence("exp", GAINS["opposite"], data="digits")])
    assert not any(line.startswith("exp") for line in lines)
    assert "-1.1" not in " ".join(lines)
    assert "Verdicts: 1 not judged" in lines
