"""The page needs no other file, shows every claim once, and is the same for the same rows."""

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest

from reproduce.report import page
from reproduce.report.claims import claims_table

COMMITTED = Path(__file__).parents[4] / "results" / "report.html"
MOST_BYTES = 2_000_000
# Loading one of these, or a style's url(...), would need another file.
LOADS = {"src", "srcset", "poster", "data", "background", "action"}
VOID = {"meta", "link", "br", "input", "img"}


class Elements(HTMLParser):
    """Every element: tag, attributes, and its text without white space around it."""

    def __init__(self, html):
        super().__init__()
        self.found, self._open = [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self._open.append(self.found[-1])

    def handle_startendtag(self, tag, attrs):
        self.found.append([tag, dict(attrs), ""])

    def handle_data(self, data):
        for element in self._open:
            element[2] += data

    def handle_endtag(self, tag):
        assert self._open.pop()[0] == tag, f"</{tag}> closes something else"

    def of(self, tag):
        return [(attrs, text) for name, attrs, text in self.found if name == tag]


@pytest.fixture(scope="module")
def render(found):
    def of(provenance=lambda e: f"provenance of {e.name}"):
        return page.render(found, [], {}, {}, provenance, is_local=False)

    return of


@pytest.fixture(scope="module")
def made(render):
    return Elements(render().decode())


@pytest.fixture(scope="module")
def committed():
    return Elements(COMMITTED.read_text())


def test_the_committed_page_loads_nothing_and_is_small(committed):
    assert COMMITTED.stat().st_size < MOST_BYTES
    for tag, attrs, _ in committed.found:
        for name, value in attrs.items():
            is_load = name in LOADS or (name == "href" and tag not in ("a", "use"))
            assert not is_load or value.startswith("data:"), (tag, name, value)
            assert "url(" not in (value or "") or value.startswith("url(#"), (tag, name)
    text = COMMITTED.read_text()
    assert not re.search(r"url\((?!#)|@import|\bfetch\(|\bimport\(", text)


def test_ids_are_used_once_and_every_reference_has_one(committed):
    ids = [attrs["id"] for _, attrs, _ in committed.found if "id" in attrs]
    assert len(ids) == len({*ids})
    links = [attrs.get("href", "") for _, attrs, _ in committed.found]
    named = [a.get(k) for _, a, _ in committed.found for k in ("aria-labelledby", "for")]
    clips = [attrs.get("clip-path", "") for _, attrs, _ in committed.found]
    referred = {link[1:] for link in links if link.startswith("#")}
    referred |= {*filter(None, named)} | {clip[5:-1] for clip in clips if clip}
    assert referred <= {*ids}


def test_headings_are_in_order(committed):
    levels = [int(tag[1]) for tag, _, _ in committed.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))


def test_every_claim_stands_once_with_the_tables_numbers(found, made):
    articles = made.of("article")
    expected = [row for e in found for row in claims_table(e).rows]
    assert len(articles) == len(expected)
    texts = [text for _, text in articles]
    for claim, of, measured, images, margin, n, look, verdict in expected:
        (text,) = [t for t in texts if claim in re.split(r"\s*\n\s*", t)]
        assert of in text
        if int(n or 0):  # else it has no rows
            assert all(each in text for each in (measured, images, margin, f"{n}, look {look}"))
        words = " ".join(text.split()).lower()
        assert all(part in words for part in verdict.replace(":", "").lower().split(" ", 1))


def test_every_seed_has_a_point_that_says_its_value(found, made):
    points = [attrs for attrs, _ in made.of("g") if attrs.get("class", "").startswith("seed")]
    labels = [attrs["aria-label"] for attrs in points]
    expected = 0
    for e in found:
        for claim, judged in e.verdicts:
            for seed, value in (e.standing.values.difference(claim) or {}).items():
                assert judged is not None
                expected += 1
                assert any(f"Seed {seed}: {value:.2f}"[:-1] in label for label in labels)
    assert len(points) == expected > 30
    assert all(attrs["tabindex"] == "0" for attrs in points)


def test_the_same_rows_make_the_same_bytes(render):
    assert render() == render()


def test_text_is_escaped(render):
    assert b"&lt;script&gt;" in render(lambda e: "<script>")


def test_experiments_show_their_command_cost_and_provenance(found, made):
    words = " ".join(text for _, text in made.of("main"))
    for e in found:
        assert f".venv/bin/python -m reproduce run {e.name} --profile cpu" in words
        assert f"provenance of {e.name}" in words
        assert e.budget in words
    assert "10,000 updates in place of 1,000,000" in words


def test_the_first_sentence_counts_the_papers_claims(committed):
    words = " ".join(
        next(text for attrs, text in committed.of("p") if attrs.get("class") == "lead").split()
    )
    articles = [(attrs["data-kind"], text) for attrs, text in committed.of("article")]
    papers = [kind for kind, text in articles if re.search(r"\bpaper, ", text)]
    assert words.startswith(f"{len(papers)} claims of ")
    assert f"{papers.count('reproduced')} are reproduced" in words
    assert f"{papers.count('opposite')} came out opposite" in words


def test_filters_count_what_is_there(committed):
    articles = [attrs for attrs, _ in committed.of("article")]
    chips = {a["data-kind"]: text for a, text in committed.of("button") if "data-kind" in a}
    assert chips[""].split() == ["All", str(len(articles))]
    for kind, text in chips.items():
        if kind:
            assert text.split()[-1] == str(sum(a["data-kind"] == kind for a in articles))
    places = {text.strip() for _, text in committed.of("option")}
    assert {a["data-place"] for a in articles} <= places


def test_every_row_of_the_readmes_table_links_to_its_claim(committed):
    targets = {attrs["id"] for attrs, _ in committed.of("article")}
    rows = [attrs for attrs, _ in committed.of("tr") if "data-place" in attrs]
    links = [attrs["href"] for attrs, _ in committed.of("a") if attrs["href"][1:] in targets]
    assert len(rows) == len(links) >= 10
