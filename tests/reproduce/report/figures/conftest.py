"""Evidence of two arms, and a function that draws one view of it."""

import pandas as pd
import pytest

from reproduce import Budget, Cell, Experiment, View
from reproduce.record import COLUMNS
from reproduce.report.figures.figure import panel, plt


@pytest.fixture
def evidence(run, made):
    """Two arms at three places, two points of training, three seeds; B one point better."""
    xs, steps = (100.0, 1000.0, 5000.0), (5, 10)
    rows = [
        (f"{arm}{x}{seed}", arm, x, seed, split, "error_percent", step, error)
        for arm, better in (("A", 0), ("B", 1))
        for x in xs
        for seed in (1, 2, 3)
        for step in steps
        for split, more in (("train", -2), ("validation", 0), ("test", 0))
        if split != "test" or step == 10
        for error in [30 - x / 250 - better - step / 5 + 0.1 * seed + more]
    ]
    experiment = Experiment(
        title="Toy",
        source="Nowhere",
        cells=tuple(Cell(arm, x, (run,)) for arm in "AB" for x in xs),
        budgets=dict.fromkeys(
            ("smoke", "quick", "cpu", "paper"), Budget(updates=10, seeds=3, update_ms=1)
        ),
        view=View(kind="against_x", x_label="images"),
        claims=(),
    )
    chosen = [(cell, run) for cell in experiment.cells]
    final = pd.DataFrame(rows, columns=list(COLUMNS))
    return made(experiment, chosen, final)


@pytest.fixture(scope="session")
def seen():
    """A function of (evidence, view) that returns the axes drawn and the names in their legend."""

    def of(evidence, view):
        figure, axes = plt.subplots()
        entries = panel(evidence, view, axes)
        plt.close(figure)
        return axes, [entry.get_label() for entry in entries]

    return of
