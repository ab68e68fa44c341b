"""docs/lesson.md: its code runs, its commands exist, its links lead somewhere, its excerpts are the
file, and no measured number in it is typed."""

import contextlib
import io
import re
import runpy
import shutil
import subprocess
import sys
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest

from reproduce import experiments
from reproduce.arguments import parse
from reproduce.report.evidence import gather
from reproduce.report.lesson import filled

ROOT = Path(__file__).parents[1]
LESSON = ROOT / "docs" / "lesson.md"
TEXT = LESSON.read_text()
FENCES = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
EXERCISES = re.split(r"^### ", TEXT.split("## Five exercises")[-1], flags=re.MULTILINE)[1:]


def slug(heading):
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def commands():
    inline = re.findall(r"`((?:\.venv/bin/python|make) [^`]*)`", TEXT)
    fenced = [line for language, _, code in FENCES if language == "sh" for line in code.split("\n")]
    return sorted({*inline, *filter(None, fenced)})


def test_every_entry_of_the_contents_is_a_section_in_this_order():
    contents = re.findall(r"^- \[(.*)\]\(#(.*)\)$", TEXT, re.MULTILINE)
    sections = re.findall(r"^## (.*)$", TEXT, re.MULTILINE)
    assert contents == [(name, slug(name)) for name in sections]
    assert len(sections) == 9


def test_links_and_figures_lead_somewhere():
    places = {slug(name) for name in re.findall(r"^#+ (.*)$", TEXT, re.MULTILINE)}
    for link in re.findall(r"\]\(([^)]*)\)", TEXT):
        path, _, anchor = link.partition("#")
        assert (LESSON.parent / path).exists(), link
        assert path or anchor in places, link


def test_named_files_and_layers_exist():
    layers = (ROOT / "layers" / "README.md").read_text()
    table = TEXT.split("## Variants")[1].split("## ")[0]
    for name in re.findall(r"`(\w+?)(?:1D/2D/3D)?`", "".join(re.findall(r"^\| `.*", table, re.M))):
        assert f"`{name}" in layers, name
    for path in re.findall(r"`([\w/]+\.py)`", TEXT):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("command", commands())
def test_a_command_is_one_that_runs(command):
    program, *words = command.split()
    if program == "make":
        assert re.search(rf"^{words[0]}:.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    elif words[:2] == ["-m", "reproduce"]:
        parsed = parse(words[2:])
        for name in parsed.names:
            # Without the profile, the command shows the committed rows.
            has_profile = parsed.profile in experiments.load(name).budgets
            assert has_profile or gather(name, "cpu", ROOT / "results"), name
    elif words[0] == "-m":
        assert find_spec(words[1])
    else:
        assert (ROOT / words[0]).exists()


def test_the_excerpts_in_order_are_the_file():
    for path in {path for _, path, _ in FENCES if path}:
        whole = (ROOT / path).read_text()
        excerpts = "\n\n".join(code for _, named, code in FENCES if named == path)
        first, last = "class InvertedDropout", "\n\nif __name__"
        assert excerpts == whole[whole.index(first) : whole.index(last)]


def test_the_code_prints_what_the_lesson_says():
    """One after the other, as a reader would; what follows a piece of code is its output."""
    shown = [(language, code) for language, path, code in FENCES if not path]
    pairs = [
        (code, after)
        for (language, code), (kind, after) in pairwise(shown)
        if language == "python" and kind == "text"
    ]
    assert len(pairs) == sum(language == "python" for language, _ in shown) > 0
    names: dict = {}
    for code, expected in pairs:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(code, names)
        assert printed.getvalue() == expected


# It is imported already, by other tests.
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_the_worked_example_prints_the_same_as_a_module_and_as_a_file():
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        runpy.run_module("layers.from_scratch", run_name="__main__", alter_sys=True)
    as_a_file = subprocess.run(
        [sys.executable, "layers/from_scratch.py"], cwd=ROOT, capture_output=True, text=True
    )
    assert as_a_file.stdout == printed.getvalue() != ""


def test_the_changed_worked_example_prints_the_answer_of_exercise_1(tmp_path):
    (changed,) = re.findall(r"`(MASK = \(.*?\))`", EXERCISES[0])
    (answer,) = re.findall(r"^```text\n(.*?)^```$", EXERCISES[0], re.DOTALL | re.MULTILINE)
    for name in ("from_scratch.py", "worked_example.py"):
        shutil.copy(ROOT / "layers" / name, tmp_path)
    example = tmp_path / "worked_example.py"
    losses = []
    for new in ("", changed):
        if new:
            text, number = re.subn(r"^MASK = \(.*?\)", new, example.read_text(), flags=re.MULTILINE)
            assert number == 1
            example.write_text(text)
        # -B: compiled files are told apart by their length and the second they were written in.
        done = subprocess.run(
            [sys.executable, "-B", tmp_path / "from_scratch.py"], capture_output=True, text=True
        )
        assert (answer in done.stdout) == bool(new), done.stderr
        losses += re.findall(r"^   loss = .*", done.stdout, re.MULTILINE)
    assert len(losses) == 2 and len(set(losses)) == 1, "the exercise says that it stays as it is"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda text: text.split(":")[0])
def test_an_exercise_has_one_command_and_an_answer_folded_away(exercise):
    parts = ("**Question.** ", "```sh\n", "**Change.** ", "**Hint.** ", "<details><summary>Answer")
    places = [exercise.find(part) for part in parts]
    assert -1 not in places and places == sorted(places)
    assert exercise.count("```sh") == 1
    assert exercise.rstrip().endswith("</details>")


def test_there_are_five_exercises():
    assert [text.split(":")[0] for text in EXERCISES] == [f"Exercise {n}" for n in range(1, 6)]


def test_its_numbers_are_those_of_the_committed_rows():
    named = {tuple(words) for words in re.findall(r"<!-- rows: \w+ (\w+) (\w+) -->", TEXT)}
    found = [gather(name, profile, ROOT / "results") for name, profile in named]
    assert filled(TEXT, [e for e in found if e]) == TEXT
    assert filled(TEXT, []) != TEXT


def test_no_measured_number_is_typed():
    typed = re.sub(r"<!-- rows: .*?<!-- end -->|^```.*?^```$", "", TEXT, flags=re.DOTALL | re.M)
    assert not re.search(r"\d\.\d+ ?(±|%|points?\b|nats\b)", typed)
