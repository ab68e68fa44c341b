"""Evidence -> SVG files that are byte-identical when redrawn.

A figure is as wide as a README shows it: 600 points are 800 pixels. So a point here is a point on
the reader's screen.
"""

import base64
import io
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import groupby

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.lines import Line2D
from PIL import Image

from reproduce.report.evidence import Evidence
from reproduce.report.figures import axes as frame
from reproduce.report.figures import dots, gallery, heading, lines, shown
from reproduce.spec import View

# In points. No text is smaller than SMALLEST.
WIDTH, SMALLEST = 600.0, 9.0
STYLE: dict = {
    "svg.hashsalt": "reproduce",
    "figure.constrained_layout.use": True,
    "font.size": SMALLEST,
    **dict.fromkeys(("axes.labelsize", "axes.titlesize", "legend.fontsize"), SMALLEST + 0.5),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), SMALLEST),
    **dict.fromkeys(("axes.spines.top", "axes.spines.right"), False),
    "axes.edgecolor": ".6",
    "grid.color": ".9",
    "grid.linewidth": 0.8,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
}
# Places, in points, get two decimals; matplotlib writes six. Scales keep theirs.
PLACES = re.compile(rb' (?:d|x|y|points)="[^"]*"|translate\([^)]*\)')
LONG_NUMBER, DECIMALS = re.compile(rb"-?\d*\.\d{3,}"), 2
# Of one panel, in points: alone in its row, or one of two.
HEIGHT, HEIGHT_OF_HALF = 255.0, 215.0
# A curve of more arms has a panel for each split.
MOST_CURVES_TOGETHER = 2


def as_svg(
    fill: Callable[[plt.Figure], None], size: tuple[float, float], title: str | None = None
) -> bytes:
    """An SVG of what `fill` draws on a figure of this size in inches; `title` is its name for
    screen readers."""
    # Ignores the user's own matplotlibrc.
    matplotlib.rcdefaults()
    with sns.axes_style("whitegrid"), plt.rc_context(STYLE):
        figure = plt.figure(figsize=size)
        fill(figure)
        content = io.BytesIO()
        metadata = {"Date": None} | ({"Title": title} if title else {})
        figure.savefig(content, format="svg", metadata=metadata)
        plt.close(figure)
    packed = re.sub(rb'(?<=data:image/png;base64,)[^"]+', _packed, content.getvalue())
    unindented = re.sub(rb"\n +<", b"\n<", _with_steady_ids(packed))
    return PLACES.sub(_rounded, unindented)


def _rounded(found: re.Match[bytes]) -> bytes:
    return LONG_NUMBER.sub(lambda n: b"%g" % round(float(n[0]), DECIMALS), found[0])


def _with_steady_ids(svg: bytes) -> bytes:
    """Matplotlib names a clip path by its place in memory: here, by its number in the file."""
    for number, name in enumerate(re.findall(rb'<clipPath id="([^"]+)"', svg)):
        for around in (b'id="%s"', b"url(#%s)"):
            svg = svg.replace(around % name, around % b"clip%d" % number)
    return svg


def _packed(found: re.Match[bytes]) -> bytes:
    """The same picture, with a palette if it has few colours: a third of the bytes."""
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(found[0]))).convert("RGB"))
    palette, place = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True)
    image, bits = Image.fromarray(pixels), 8
    if len(palette) <= 256:
        bits = next(b for b in (1, 2, 4, 8) if len(palette) <= 2**b)
        image = Image.fromarray(place.reshape(pixels.shape[:2]).astype(np.uint8)).convert("P")
        image.putpalette(palette.ravel().tolist())
    packed = io.BytesIO()
    image.save(packed, format="PNG", optimize=True, bits=bits)
    return base64.b64encode(packed.getvalue())


def draw(evidence: Evidence) -> bytes | None:
    """The experiment's figure as SVG; None while there is nothing to draw, or nothing to compare:
    one of several arms."""
    tested = evidence.final[evidence.final.split == "test"]
    places = {(cell.arm, cell.x) for cell, _ in evidence.chosen}
    if tested.empty or len(places) > 1 == len(tested.groupby(["arm", "x"], dropna=False)):
        return None
    rows = _rows_of_panels(evidence)
    heights = [max(_height(evidence, view, len(row)) for view in row) for row in rows]
    title = heading.title(evidence)
    subtitle = heading.subtitle(evidence, {view.kind for row in rows for view in row})
    above = heading.height(title, subtitle, WIDTH)

    def fill(figure: plt.Figure) -> None:
        ratios = [above, *heights]
        parts = figure.subfigures(len(ratios), 1, squeeze=False, height_ratios=ratios).flat
        heading.draw(title, subtitle, parts[0])
        for row, part in zip(rows, parts[1:], strict=True):
            grid = part.subplots(1, len(row), squeeze=False)
            entries = [panel(evidence, v, axes) for v, axes in zip(row, grid.flat, strict=True)]
            frame.legends(part, list(grid.flat), entries)

    return as_svg(fill, (WIDTH / 72, (above + sum(heights)) / 72), title)


def panel(evidence: Evidence, view: View, axes: plt.Axes) -> list[Line2D]:
    """Draws the evidence as the view describes; returns the entries of its legend."""
    drawers: dict[str, Callable[[Evidence, View, plt.Axes], list[Line2D]]] = {
        "curve": lines.curve,
        "against_x": lines.against_x,
        "arms": dots.arms,
        "combinations": dots.combinations,
        "claims": dots.claims,
        "pictures": gallery.draw,
    }
    return drawers[view.kind](evidence, view, axes)


def _rows_of_panels(evidence: Evidence) -> list[list[View]]:
    """The views, row by row: two in a row if they are narrow; of an odd number the first alone."""
    views: list[View] = []
    for view in (evidence.experiment.view, *evidence.experiment.panels):
        if view.kind == "claims" and not dots.found_claims(evidence, view):
            continue
        number = len(shown.arms(evidence, view))
        if view.kind == "curve" and MOST_CURVES_TOGETHER < number <= lines.MOST_ARMS_IN_FULL:
            views += [replace(view, splits=(split,)) for split in lines.PARTS]
        else:
            views.append(view)
    rows: list[list[View]] = []
    for _, alike in groupby(views, key=lambda view: (view.kind, _is_narrow(evidence, view))):
        same = list(alike)
        if not _is_narrow(evidence, same[0]):
            rows += [[view] for view in same]
            continue
        odd = len(same) % 2
        rows += [same[:1]] * odd
        rows += [same[i : i + 2] for i in range(odd, len(same), 2)]
    return rows


def _is_narrow(evidence: Evidence, view: View) -> bool:
    if view.kind == "pictures":
        return len(gallery.found(evidence, view)) == 1
    return view.kind in ("curve", "against_x")


def _height(evidence: Evidence, view: View, in_row: int) -> float:
    """In points."""
    if view.kind == "pictures":
        return gallery.height(evidence, view, WIDTH / in_row)
    if view.kind in ("curve", "against_x"):
        return HEIGHT if in_row == 1 else HEIGHT_OF_HALF
    return dots.height(evidence, view)
