"""A figure keeps its looks in the page: the same pixels, letters and places."""

import re

import numpy as np

from reproduce.report.figures import as_svg
from reproduce.report.page.inline import Figures


def drawn(pixels):
    def fill(figure):
        axes = figure.subplots()
        axes.imshow(pixels, cmap="gray", vmin=0, vmax=1, interpolation="none")
        axes.plot([0, 1], [0, 1], marker="o", label="ab")
        axes.set(title="ab", xticks=[0, 1])

    return as_svg(fill, (4, 3))


def test_two_figures_share_letters_but_no_other_ids():
    figures, svg = Figures(), drawn(np.eye(3))
    each = [str(figures.inline(svg, name, "Title")) for name in ("one", "two")]
    ids = [{*re.findall(r'\bid="([^"]+)"', text)} for text in each]
    shared = {*re.findall(r'\bid="([^"]+)"', str(figures.glyphs))}
    assert ids[0] and len(ids[0]) == len(ids[1]) and not ids[0] & ids[1]
    assert shared and not shared & (ids[0] | ids[1])
    for text, own in zip(each, ids, strict=True):
        referred = {*re.findall(r'href="#([^"]+)"', text), *re.findall(r"url\(#([^)]+)\)", text)}
        assert referred <= own | shared
        assert referred & own and referred & shared


def test_what_is_drawn_stays_and_what_is_defined_is_not_drawn():
    svg = drawn(np.eye(3)).decode()
    inlined = str(Figures().inline(svg.encode(), "figure", "Title <1>"))
    assert inlined.count("<use") == svg.count("<use")
    assert "Title &lt;1&gt;</title>" in inlined
    # A marker stands in <defs>, where it is not drawn.
    markers = re.findall(r"<defs>(.*?)</defs>", inlined)
    assert any("<path" in found for found in markers)
    assert "<style" not in inlined and "metadata" not in inlined
    # No place is moved by more than a hundredth of a point.
    before, after = (re.findall(r'<use [^>]*\bx="([^"]+)"', text) for text in (svg, inlined))
    assert np.allclose(np.array(before, float), np.array(after, float), atol=0.0051)
