"""Evidence -> SVG files that are byte-identical when redrawn."""

import io

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from reproduce.evidence import Evidence, interval

STYLE: dict = {
    "svg.hashsalt": "reproduce",
    "figure.figsize": (7.2, 4.0),
    "figure.constrained_layout.use": True,
}
PARTS = {"train": "training", "validation": "validation"}


def draw(evidence: Evidence) -> bytes | None:
    """The experiment's figure as SVG; None while there is nothing to draw."""
    if evidence.final[evidence.final.split == "test"].empty:
        return None
    # Whatever the user's own matplotlibrc says.
    matplotlib.rcdefaults()
    with sns.axes_style("whitegrid"), sns.plotting_context("notebook"), plt.rc_context(STYLE):
        figure, axes = plt.subplots()
        {"curve": _curve, "against_x": _against_x, "arms": _arms}[evidence.experiment.view.kind](
            evidence, axes
        )
        counts = evidence.final.groupby("arm").seed.nunique()
        n = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()}-{counts.max()}"
        title = f"{evidence.experiment.title}, {evidence.profile} profile"
        budget = f"{evidence.budget}; mean of {n} seeds with 95 % interval"
        figure.suptitle(f"{title}\n{budget}", x=0.01, ha="left", fontsize="medium")
        content = io.BytesIO()
        figure.savefig(content, format="svg", metadata={"Date": None})
        plt.close(figure)
    return content.getvalue()


def _limits(values: np.ndarray) -> tuple[float, float]:
    """An error bar: the 95 % t interval, or the value itself when there is but one."""
    found = interval(list(values))
    return (found.mean, found.mean) if found.n < 2 else (found.low, found.high)


def _curve(evidence: Evidence, axes: plt.Axes) -> None:
    rows = evidence.final
    rows = rows[(rows.measure == "error_percent") & rows.split.isin(list(PARTS))]
    # From the second point on: the untrained network's 90 % would flatten all the rest.
    rows = rows[rows.step > 0].assign(images=rows.split.map(PARTS))
    sns.lineplot(
        rows,
        x="step",
        y="value",
        hue="arm",
        style="images",
        style_order=["validation", "training"],
        errorbar=_limits,
        ax=axes,
    )
    axes.set(xlabel="weight updates", ylabel="error (%)", ylim=(0, _visible_top(rows)))
    axes.legend(title=None, frameon=True)


def _visible_top(rows) -> float:
    """2.5 times the worst final validation error: the first steep fall may leave the picture."""
    last = rows[(rows.step == rows.step.max()) & (rows.split == "validation")]
    return 2.5 * float(last.value.max())


def _against_x(evidence: Evidence, axes: plt.Axes) -> None:
    view = evidence.experiment.view
    rows = evidence.final
    rows = rows[(rows.measure == "error_percent") & (rows.split == "test")]
    arms = list(dict.fromkeys(cell.arm for cell, _ in evidence.chosen))
    sns.lineplot(
        rows,
        x="x",
        y="value",
        hue="arm",
        hue_order=arms,
        marker="o",
        errorbar=_limits,
        err_style="bars",
        ax=axes,
    )
    for arm, colour in zip(arms, sns.color_palette(), strict=False):
        points = sorted((x, *number) for (a, x), number in evidence.paper.items() if a == arm)
        if not points:
            continue
        xs, errors, bars = zip(*points, strict=True)
        axes.errorbar(
            xs,
            errors,
            bars,
            linestyle="--",
            marker="D",
            markersize=5,
            markerfacecolor="white",
            color=colour,
            alpha=0.7,
            label=f"{arm}, {view.paper} of the paper",
        )
    axes.set(xscale="log", yscale="log", xlabel=view.x_label, ylabel="test error (%)")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.0f}"))
    axes.yaxis.set_major_locator(FixedLocator([1, 2, 3, 5, 10, 20, 30, 50, 100]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.legend(title=None, frameon=True)


def _arms(evidence: Evidence, axes: plt.Axes) -> None:
    rows = evidence.final
    rows = rows[(rows.measure == "error_percent") & (rows.split == "test")]
    arms = [cell.arm for cell, _ in evidence.chosen]
    sns.stripplot(rows, x="value", y="arm", order=arms, color=".6", size=5, jitter=False, ax=axes)
    sns.pointplot(
        rows,
        x="value",
        y="arm",
        order=arms,
        errorbar=_limits,
        linestyle="none",
        label="mean of ours",
        capsize=0.2,
        ax=axes,
    )
    paper = evidence.paper
    points = [
        (paper[arm, None].error_percent, at) for at, arm in enumerate(arms) if (arm, None) in paper
    ]
    if points:
        label = f"{evidence.experiment.view.paper} of the paper"
        axes.scatter(
            *zip(*points, strict=True),
            marker="D",
            facecolor="white",
            edgecolor="C1",
            zorder=3,
            label=label,
        )
    axes.set(xlabel="test error (%)", ylabel="")
    axes.set_xlim(left=max(0.0, axes.get_xlim()[0]))
    axes.legend(title=None, frameon=True)
