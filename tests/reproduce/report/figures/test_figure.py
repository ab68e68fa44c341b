"""A figure is the same to the byte when redrawn, and legible where it is read."""

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from reproduce import View
from reproduce.report.figures import as_svg, draw, figure, shown

ROOT = Path(__file__).parents[4]
FIGURES = sorted((ROOT / "results" / "figures").glob("*.svg"))
# At 800 pixels; a page lays searches out by itself.
COMMITTED = [path for path in FIGURES if not path.name.startswith("search_")]
PIXELS = 800


def sizes(svg):
    """The sizes of all texts, in points on a screen where the figure is as wide as a README."""
    width = float(re.search(r'<svg[^>]* width="([\d.]+)pt"', svg)[1])
    # Matplotlib draws glyphs of 100 units.
    found = re.findall(r"scale\((0\.\d+) -", svg)
    return [100 * float(scale) * PIXELS * 72 / 96 / width for scale in found]


def test_a_figure_redrawn_is_the_same_to_the_byte_and_names_its_budget(evidence):
    first = draw(evidence)
    assert first == draw(evidence)
    assert b"10 updates; 3 seeds, mean and 95 % interval" in first
    assert b"<title>Toy</title>" in first


def test_one_of_several_arms_compares_nothing(evidence, altered):
    final = evidence.final
    alone = final[(final.arm == "A") & (final.x == 100)]
    assert draw(altered(evidence, final=alone)) is None
    only = [pair for pair in evidence.chosen if (pair[0].arm, pair[0].x) == ("A", 100)]
    assert draw(altered(evidence, final=alone, chosen=only)) is not None


@pytest.mark.parametrize("path", COMMITTED, ids=lambda p: p.stem)
def test_no_id_is_a_place_in_memory(path):
    """Matplotlib's names of clip paths are: they differ from one process to the next."""
    names = re.findall(r'<clipPath id="([^"]+)"', path.read_text())
    assert names == [f"clip{number}" for number in range(len(names))]


@pytest.mark.parametrize("path", [*COMMITTED, ROOT / "layers" / "masks.svg"], ids=lambda p: p.stem)
def test_committed_figures_are_legible_at_the_width_of_a_readme(path):
    found = sizes(path.read_text())
    assert found and min(found) >= 9 - 1e-6
    # The title: one line or two.
    assert 1 <= sum(size > 12 for size in found) <= 2
    assert path.stat().st_size < 160_000


def test_small_text_would_be_found():
    assert min(sizes(as_svg(lambda f: f.text(0, 0, "small", size=6), (8, 4)).decode())) < 9


def test_rows_hold_two_narrow_panels_and_an_odd_one_comes_first(evidence, altered):
    x, arms = View(kind="against_x", x_label="images"), View(kind="arms")

    def rows(*views):
        declared = replace(evidence.experiment, view=views[0], panels=views[1:])
        found = figure._rows_of_panels(altered(evidence, experiment=declared))
        return [[view.kind for view in row] for row in found]

    assert rows(x, x, x) == [["against_x"], ["against_x"] * 2]
    assert rows(arms, x, x, arms) == [["arms"], ["against_x"] * 2, ["arms"]]
    assert rows(View(kind="curve")) == [["curve"]]
    # There are no claims to draw.
    assert rows(View(kind="claims"), arms) == [["arms"]]


def test_a_curve_of_several_arms_has_a_panel_for_each_split(evidence, altered):
    at_one_x = evidence.final[evidence.final.x == 100].assign(x=np.nan)
    final = pd.concat([at_one_x, at_one_x[at_one_x.arm == "A"].assign(arm="C")])
    cell = replace(evidence.chosen[0][0], x=None)
    declared = replace(evidence.experiment, view=View(kind="curve"))
    chosen = [(replace(cell, arm=arm), None) for arm in "ABC"]
    found = altered(evidence, experiment=declared, final=final, chosen=chosen)
    ((first, second),) = figure._rows_of_panels(found)
    assert (first.splits, second.splits) == (("validation",), ("train",))
    drawn = draw(found)
    assert drawn.count(b"<!-- validation error (%) -->") == 1
    assert drawn.count(b"<!-- training error (%) -->") == 1
    # One legend for both.
    assert drawn.count(b"<!-- C -->") == 1


def test_pictures_are_packed_without_loss():
    levels = np.random.default_rng(0).integers(0, 16, (9, 7)) / 15

    def fill(drawn):
        axes = drawn.subplots()
        axes.imshow(levels, cmap="gray", vmin=0, vmax=1, interpolation="none")

    text = re.search(rb'data:image/png;base64,([^"]+)', as_svg(fill, (2, 2)))[1]
    image = Image.open(io.BytesIO(base64.b64decode(text)))
    assert image.mode == "P"
    drawn = np.asarray(image.convert("L")) / 255
    # Matplotlib's own picture is upside down.
    assert min(np.abs(drawn - each).max() for each in (levels, levels[::-1])) < 0.003


def test_an_arm_has_one_colour_in_all_figures_and_lines_are_told_apart(evidence, altered, run):
    runs = {
        "No dropout": run,
        "L2": replace(run, l2=0.1),
        "Dropout": replace(run, keep=0.5),
        "keep 0.9": replace(run, keep=0.9),
        "Gaussian dropout": replace(run, keep=0.5, noise="gaussian"),
        "No dropout of convolutions": replace(run, keep=0.5),
    }
    cell = evidence.chosen[0][0]
    chosen = [(replace(cell, arm=a, candidates=(r,)), None) for a, r in runs.items()]
    found = altered(evidence, chosen=chosen)
    apart = shown.colours(found, list(runs))
    assert len({*apart.values()}) == len(runs)
    assert (apart["No dropout"], apart["Dropout"]) == (shown.WITHOUT, shown.DROPOUT)
    # The paper's p has the colour of dropout, wherever it stands.
    assert shown.colours(found, ["keep 0.9", "Dropout"])["Dropout"] == shown.DROPOUT
    alike = shown.colours(found, list(runs), told_apart=False)
    without = ("No dropout", "L2", "No dropout of convolutions")
    assert {alike[arm] for arm in without} == {shown.WITHOUT}
    assert {alike[arm] for arm in ("Dropout", "keep 0.9")} == {shown.DROPOUT}
    assert alike["Gaussian dropout"] in shown.OTHERS
