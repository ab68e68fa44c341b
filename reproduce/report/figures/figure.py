"""Evidence -> SVG files that are byte-identical when redrawn."""

import io
from collections.abc import Callable

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import seaborn as sns

from reproduce.report.evidence import Evidence
from reproduce.report.figures import panels

STYLE: dict = {"svg.hashsalt": "reproduce", "figure.constrained_layout.use": True}
SIZE, LINE = (9.0, 4.0), 0.3


def as_svg(fill: Callable[[plt.Figure], None], size: tuple[float, float]) -> bytes:
    """An SVG of what `fill` draws on a figure of this size in inches."""
    # Ignores the user's own matplotlibrc.
    matplotlib.rcdefaults()
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook"), plt.rc_context(STYLE):
        figure = plt.figure(figsize=size)
        fill(figure)
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
        plt.close(figure)
    return content.getvalue()


def draw(evidence: Evidence) -> bytes | None:
    """The experiment's figure as SVG; None while there is nothing to draw."""
    if evidence.final[evidence.final.split == "test"].empty:
        return None
    views = (evidence.experiment.view, *evidence.experiment.panels)
    columns = min(len(views), 2)
    rows = -(-len(views) // columns)

    def fill(figure: plt.Figure) -> None:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat[len(views) :]:
            axes.remove()
        for view, axes in zip(views, grid.flat, strict=False):
            panels.draw(evidence, view, axes)
        figure.suptitle(_title(evidence), x=0.01, ha="left", fontsize="medium")

    # Each arm needs a line of its own.
    height = max(SIZE[1], LINE * len(evidence.chosen)) if views[0].kind == "arms" else SIZE[1]
    return as_svg(fill, (SIZE[0] * columns, height * rows))


def _title(evidence: Evidence) -> str:
    """The experiment, its budget, the number of seeds, and what is drawn of them."""
    views = (evidence.experiment.view, *evidence.experiment.panels)
    # Counts the main measure only: a probe's places (confidence bins) may lack some seeds.
    main = evidence.final[evidence.final.measure == evidence.experiment.measures[0]]
    counts = main.groupby(["arm", "x"], dropna=False).seed.nunique()
    n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()}-{counts.max()}"
    seeds = "one seed" if n == "1" else f"{n} seeds, mean"
    # A curve shows every seed; a picture shows one.
    if n != "1" and any(view.kind in ("arms", "against_x") for view in views):
        seeds += " and 95 % interval"
    if all(view.kind == "pictures" for view in views):
        seeds = f"{n} seeds, the first one drawn"
    title = f"{evidence.experiment.title}, {evidence.profile} profile"
    return f"{title}\n{evidence.budget}; {seeds}"
