"""The lesson's blocks: drawn from rows, and nothing else in the text changes."""

from pathlib import Path

import pytest

from reproduce.errors import UserError
from reproduce.report.evidence import gather
from reproduce.report.lesson import filled

RESULTS = Path(__file__).parents[4] / "results"


@pytest.fixture(scope="module")
def found():
    return [gather(name, "cpu", RESULTS) for name in ("fig7", "fig8", "dropout_rate")]


def block(words, content=""):
    return f"Before.\n\n<!-- rows: {words} -->\n{content}<!-- end -->\n\nAfter.\n"


@pytest.mark.parametrize("kind", ["claims", "arms", "probes"])
def test_a_table_replaces_what_was_there(kind, found):
    text = filled(block(f"{kind} fig7 cpu", "**Old**\n"), found)
    assert text.startswith(f"Before.\n\n<!-- rows: {kind} fig7 cpu -->\n**Features")
    assert text.endswith(" |\n<!-- end -->\n\nAfter.\n")
    assert "Old" not in text and "cpu profile, 30,000 updates" in text
    assert filled(text, found) == text


def test_a_finding_is_a_sentence_and_each_block_is_its_own(found):
    text = filled(block("finding fig7 cpu") + block("finding fig8 cpu"), found)
    first, second = (line for line in text.splitlines() if line.startswith("Finding: "))
    assert "smoother" in first and "activation" in second


def test_the_best_are_sentences_also_where_runs_are_missing(found):
    assert "validation images: keep 0." in filled(block("best dropout_rate cpu"), found)
    assert "*Some runs are missing yet.*" in filled(block("best fig7 cpu"), found)


def test_where_there_are_no_rows_it_says_which_command_makes_them():
    text = filled(block("claims fig7 cpu"), [])
    assert "No rows are committed yet" in text
    assert "-m reproduce run fig7 --profile cpu" in text


@pytest.mark.parametrize(
    "words", ["claim fig7 cpu", "claims fig77 cpu", "claims fig7 cpus", "claims fig7", ""]
)
def test_an_unknown_block_is_an_error_that_names_what_is_valid(words, found):
    with pytest.raises(UserError, match=r"finding, claims.*fig7.*cpu"):
        filled(block(words), found)


def test_a_block_without_an_end_is_an_error(found):
    with pytest.raises(UserError, match="without the line"):
        filled("<!-- rows: claims fig7 cpu -->\n", found)
