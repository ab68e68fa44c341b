"""A matplotlib SVG -> the same picture as a part of an HTML page, smaller, with its own ids."""

import re
from xml.etree import ElementTree

from markupsafe import Markup

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
PNG = "data:image/png;base64,"
# The outline of a letter is called by its font and its number there.
GLYPH = re.compile(r"[A-Za-z]+-[A-Za-z]*-?[0-9a-f]+")
REFERENCE = re.compile(r"url\(#([^)]+)\)")
PX_PER_PT = 4 / 3
# matplotlib states these for every element by a style sheet, which would reach the whole page.
JOINS = "stroke-linejoin:round;stroke-linecap:butt"


class Figures:
    """The figures of one page. They share the outlines of letters, and styles as classes: these
    would otherwise be most of the page's bytes."""

    def __init__(self) -> None:
        self._ids: dict[tuple[str, str], str] = {}
        self._glyphs: dict[str, str] = {}
        self._classes: dict[str, str] = {}

    def inline(self, content: bytes, name: str, title: str) -> Markup:
        """The picture as an element of an HTML page, which screen readers call by its title."""
        root = ElementTree.fromstring(content)
        width, height = (float(each) for each in root.attrib["viewBox"].split()[2:])
        self._tidy(root, name)
        root.attrib = {
            "viewBox": f"0 0 {width:g} {height:g}",
            "role": "img",
            "aria-labelledby": f"figure-{name}",
            "style": f"--width:{width * PX_PER_PT:.0f}px;{JOINS}",
        }
        called = ElementTree.Element("title", {"id": f"figure-{name}"})
        called.text = title
        root.insert(0, called)
        return Markup(_text(root))

    @property
    def glyphs(self) -> Markup:
        """What the figures refer to: to stand in the page once, in an SVG that is not seen."""
        return Markup("".join(self._glyphs.values()))

    @property
    def style(self) -> Markup:
        return Markup("".join(f".{name}{{{style}}}" for style, name in self._classes.items()))

    def _tidy(self, element: ElementTree.Element, figure: str) -> None:
        element.tag = element.tag.removeprefix(SVG)
        glyph = element.tag == "path" and GLYPH.fullmatch(element.attrib.get("id", ""))
        self._attributes(element, figure)
        kept = []
        for child in element:
            if child.tag.removeprefix(SVG) not in ("metadata", "style"):
                self._tidy(child, figure)
                is_bare = child.tag == "g" and not child.attrib
                kept += list(child) if is_bare else [child]
        # Bare groups have given way to what is in them, and letters stand elsewhere.
        element[:] = [child for child in kept if not self._is_elsewhere(child)]
        if element.tag not in ("text", "tspan"):
            element.text = element.tail = None
        if glyph:
            self._glyphs[element.attrib["id"]] = _text(element)

    def _is_elsewhere(self, element: ElementTree.Element) -> bool:
        emptied = element.tag == "defs" and not len(element)
        return emptied or element.attrib.get("id", "") in self._glyphs

    def _attributes(self, element: ElementTree.Element, figure: str) -> None:
        found, element.attrib = element.attrib, {}
        for name, value in found.items():
            if name == LINK:
                is_picture = value.startswith(PNG)
                element.attrib["href"] = value if is_picture else f"#{self._id(value[1:], figure)}"
            elif name == "id":
                # A group is never referred to.
                if element.tag != "g":
                    element.attrib["id"] = self._id(value, figure)
            elif name == "style":
                tight = re.sub(r"\s*([:;])\s*", r"\1", value).strip(";")
                element.attrib["class"] = self._classes.setdefault(tight, f"s{len(self._classes)}")
            elif name in ("d", "x", "y", "points"):
                element.attrib[name] = " ".join(value.split())
            else:
                element.attrib[name] = REFERENCE.sub(
                    lambda each: f"url(#{self._id(each[1], figure)})", value
                )

    def _id(self, own: str, figure: str) -> str:
        """The id in the page: letters are those of all figures."""
        owner = "" if GLYPH.fullmatch(own) else figure
        return self._ids.setdefault((owner, own), f"i{len(self._ids)}")


def _text(element: ElementTree.Element) -> str:
    return ElementTree.tostring(element, encoding="unicode").replace(" />", "/>")
