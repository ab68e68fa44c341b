"""The pictures that a probe made of each arm, as one panel of a figure."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D

from reproduce.report.evidence import Evidence
from reproduce.report.figures import shown
from reproduce.report.figures.heading import wrapped
from reproduce.spec import View

# In points: a line of an arm's name, the label below, the gap between pictures; the most that one
# picture takes.
LINE, LABEL, GAP, TALLEST = 12.5, 24.0, 8.0, 300.0
# The eye cannot tell more apart, and noise compresses badly: this halves the figure's size.
LEVELS = 16


def found(evidence: Evidence, view: View) -> dict[str, np.ndarray]:
    """Every arm's picture, for the one seed whose pictures were kept."""
    kept = {
        entry["arm"]: entry["pictures"][view.picture]
        for entry in evidence.runs.values()
        if view.picture in entry.get("pictures", {})
    }
    return {arm: _read(kept[arm]) for arm in shown.arms(evidence, view) if arm in kept}


def _read(text: str) -> np.ndarray:
    return np.rint(plt.imread(io.BytesIO(base64.b64decode(text))) * (LEVELS - 1)) / (LEVELS - 1)


def height(evidence: Evidence, view: View, width: float) -> float:
    """In points, at this width."""
    more = _about(evidence, view, width).count("\n")
    return _placed(_drawn(evidence, view), width)[1] + LABEL + LINE * more


def _drawn(evidence: Evidence, view: View) -> dict[str, np.ndarray]:
    return {arm: cropped(each, view.most_tiles)[0] for arm, each in found(evidence, view).items()}


def _placed(drawn: dict[str, np.ndarray], width: float) -> tuple[list[tuple], float]:
    """Of each picture its name and (left, top, width, height), in points; and the height of all.
    They are side by side, or stacked if they are wide."""
    is_wide = all(each.shape[1] > 2 * each.shape[0] for each in drawn.values())
    share = (width - GAP) / (1 if is_wide else max(len(drawn), 1))
    names = [wrapped(arm, 9.5, share - GAP) if len(drawn) > 1 else "" for arm in drawn]
    lines = [LINE * (name.count("\n") + 1) if name else 0.0 for name in names]
    places: list[tuple] = []
    bottom = GAP
    for i, each in enumerate(drawn.values()):
        ratio = each.shape[0] / each.shape[1]
        wide = min(share - GAP, TALLEST / ratio)
        left = GAP / 2 + (share - wide) / 2 + (0 if is_wide else i * share)
        top = bottom + lines[i] if is_wide else GAP + max(lines)
        places.append((names[i], (left, top, wide, wide * ratio)))
        if is_wide:
            bottom = top + wide * ratio + GAP
    return places, max((top + high for _, (_, top, _, high) in places), default=0.0)


def draw(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Every arm's picture under its name. There is no legend."""
    drawn = _drawn(evidence, view)
    part, grid = axes.get_figure(), axes.get_gridspec()
    assert part is not None
    width = part.bbox.width * 72 / part.dpi / (grid.ncols if grid else 1)
    places, total = _placed(drawn, width)
    axes.set(xticks=[], yticks=[], frame_on=False, xlabel=_about(evidence, view, width))
    for (name, (left, top, wide, high)), picture in zip(places, drawn.values(), strict=True):
        place = (left / width, 1 - (top + high) / total, wide / width, high / total)
        inset = axes.inset_axes(place)
        inset.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="none", aspect="auto")
        inset.set(xticks=[], yticks=[], title=name)
        inset.spines[:].set_visible(False)
    return []


def _about(evidence: Evidence, view: View, width: float) -> str:
    """The view's label in lines, with the number of tiles if not all are drawn."""
    each = {cropped(picture, view.most_tiles)[1:] for picture in found(evidence, view).values()}
    few, all_ = each.pop() if len(each) == 1 else (0, 0)
    text = f"{few} of {all_} {view.x_label}" if few < all_ else view.x_label
    return wrapped(text, 9.5, width - 2 * GAP)


def cropped(picture: np.ndarray, most: int | None) -> tuple[np.ndarray, int, int]:
    """The first rows and columns of tiles, how many tiles they are, and how many the picture has.
    White lines separate tiles."""
    if most is None:
        return picture, 1, 1
    is_white = picture.reshape(*picture.shape[:2], -1).min(axis=2) == 1
    ends = [[*np.flatnonzero(is_white.all(axis=1 - axis)), is_white.shape[axis]] for axis in (0, 1)]
    rows, columns = (len(each) for each in ends)
    bottom, right = (each[min(most, len(each)) - 1] for each in ends)
    return picture[:bottom, :right], min(most, rows) * min(most, columns), rows * columns
