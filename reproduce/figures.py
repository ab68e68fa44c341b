"""Evidence -> SVG files that are byte-identical when redrawn."""

import io

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import seaborn as sns

from reproduce import panels
from reproduce.evidence import Evidence

STYLE: dict = {"svg.hashsalt": "reproduce", "figure.constrained_layout.use": True}
SIZE, LINE = (9.0, 4.0), 0.3


def draw(evidence: Evidence) -> bytes | None:
    """The experiment's figure as SVG; None while there is nothing to draw."""
    if evidence.final[evidence.final.split == "test"].empty:
        return None
    views = (evidence.experiment.view, *evidence.experiment.panels)
    # Whatever the user's own matplotlibrc says.
    matplotlib.rcdefaults()
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook"), plt.rc_context(STYLE):
        columns = min(len(views), 2)
        rows = -(-len(views) // columns)
        # Arms side by side need a line each.
        height = max(SIZE[1], LINE * len(evidence.chosen)) if views[0].kind == "arms" else SIZE[1]
        size = (SIZE[0] * columns, height * rows)
        figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
        for axes in grid.flat[len(views) :]:
            axes.remove()
        for view, axes in zip(views, grid.flat, strict=False):
            panels.draw(evidence, view, axes)
        counts = evidence.final.groupby("arm").seed.nunique()
        n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()}-{counts.max()}"
        title = f"{evidence.experiment.title}, {evidence.profile} profile"
        seeds = "one seed" if n == "1" else f"{n} seeds, mean"
        # A curve shows its seeds themselves; a picture is of one.
        if n != "1" and any(view.kind in ("arms", "against_x") for view in views):
            seeds += " and 95 % interval"
        if all(view.kind == "pictures" for view in views):
            seeds = f"{n} seeds, the first one drawn"
        budget = f"{evidence.budget}; {seeds}"
        figure.suptitle(f"{title}\n{budget}", x=0.01, ha="left", fontsize="medium")
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
        plt.close(figure)
    return content.getvalue()
