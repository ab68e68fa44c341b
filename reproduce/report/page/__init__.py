"""Evidence, figures and tables -> report.html, one file that needs no other. Never imports keras.

In: what `pages.py` has gathered and drawn. Out: `render`, the page's bytes, the same for the same
rows.

Open `page.html.jinja` first, then `content.py` and `claim.py` (what it shows, as plain values),
`strip.py` (a claim's chart) and `inline.py` (the figures).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reproduce.report.best import beside_the_papers
from reproduce.report.evidence import Evidence
from reproduce.report.page.content import counts, headlines, in_order, outcome, section
from reproduce.report.page.inline import Figures
from reproduce.report.search_report import SearchEvidence
from reproduce.report.search_report import tables as search_tables
from reproduce.report.tables import Table

__all__ = ["render"]


def render(
    found: Sequence[Evidence],
    searches: Sequence[SearchEvidence],
    last: Mapping[str, Sequence[Table]],
    drawn: Mapping[str, bytes],
    provenance: Callable[[Evidence], str],
    is_local: bool,
) -> bytes:
    """The page of the given evidence and searches.

    `last` are the tables at the end by heading, `drawn` the SVG of each figure by its file's name,
    without those that are not drawn. A local page stands in its profile's folder, beside its rows.
    """
    figures = Figures()

    def inlined(name: str, title: str) -> Markup | None:
        svg = drawn.get(f"{name}.svg")
        return None if svg is None else figures.inline(svg, name, title)

    sections = [
        section(e, inlined(f"{e.name}_{e.profile}", e.experiment.title), provenance) for e in found
    ]
    # What a larger budget has too is not missing at a smaller one.
    latest = {e.name: e for e in found}
    sections = [
        each if latest[e.name] is e else replace(each, claims=each.judged)
        for e, each in zip(found, sections, strict=True)
    ]
    searched = [
        (each, inlined(f"search_{each.name}_{each.profile}", f"Search of {each.name}"))
        for each in searches
    ]
    return (
        _template()
        .render(
            sections=in_order(sections),
            headlines=headlines(found, sections),
            counts=counts(sections),
            outcome=outcome(sections),
            best=[sentence.replace("**", "") for sentence in beside_the_papers(found)],
            searches=[(each, figure, search_tables(each)) for each, figure in searched],
            last=last,
            figures=figures,
            is_local=is_local,
            root="../../" if is_local else "../",
        )
        .encode()
    )


def _template():
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["slug"] = lambda text: text.lower().replace(" ", "-")
    environment.filters["code"] = _code
    return environment.get_template("page.html.jinja")


def _code(text: str) -> Markup:
    """Markdown's `code` as HTML; all else as it is."""
    parts = text.split("`")
    marked = (Markup("<code>{}</code>").format(p) if i % 2 else p for i, p in enumerate(parts))
    return Markup("").join(marked)
