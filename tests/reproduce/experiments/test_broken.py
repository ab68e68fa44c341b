"""An error in an experiment's file is one sentence with file and line; the others go on."""

import importlib
import sys

import pytest

from reproduce import campaign, experiments
from reproduce.__main__ import main
from reproduce.report import pages

GOOD = "from reproduce.experiments.masks import experiment\n"
# What is wrong, the file, the line of the error, and what the sentence says.
FILES = {
    "syntax": ("KEEP = 0.5\nRUN = (1,\n", 2, "SyntaxError: '(' was never closed"),
    "import": ("\nimport numpyy\n", 2, "ModuleNotFoundError: No module named 'numpyy'"),
    "name": (f"{GOOD}\n\nKEEP = 1 - RATE\n", 4, "NameError: name 'RATE' is not defined"),
    "value": (
        "from reproduce import Mlp, Run\n\nRUN = Run(\n    data='mnist', net=Mlp((9,), 'relu'),\n"
        "    batch_size=9, learning_rate=-1.0)\n",
        3,
        "ValueError: `learning_rate` is positive and finite. Received: -1.0",
    ),
    "argument": ("from reproduce import Budget\nB = Budget(update=9)\n", 2, "'update'"),
    "missing": ("# Nothing yet.\nexperimet = 1\n", 2, "without an `experiment = Experiment(...)`"),
    "type": ("A = 1\nexperiment = [A]\nB = 2\n", 2, "is not an Experiment. Received: list"),
}


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Puts a file beside the experiments, as far as Python can see."""
    monkeypatch.setattr(experiments, "__path__", [*experiments.__path__, str(tmp_path)])
    before = set(sys.modules)

    def put(name, text):
        (tmp_path / f"{name}.py").write_text(text)
        importlib.invalidate_caches()
        return tmp_path / f"{name}.py"

    yield put
    for name in set(sys.modules) - before:
        if name.startswith(experiments.__name__):
            del sys.modules[name]


def test_no_experiment_here_is_broken():
    assert not experiments.broken()
    assert len(experiments.names()) > 20


@pytest.mark.parametrize("kind", FILES)
def test_an_error_in_the_file_is_one_sentence_with_file_and_line(kind, write, capsys):
    text, line, what = FILES[kind]
    file = write("mine", text)
    assert main(["run", "mine", "--profile", "smoke"]) == 2
    [printed] = capsys.readouterr().err.splitlines()
    assert printed.startswith(f"error: {file}, line {line}") and what in printed


def test_an_error_in_an_imported_experiment_names_that_one(write, capsys):
    base = write("mine_base", "RATES = (0.1, 0.2\n")
    write("mine", "from reproduce.experiments.mine_base import RATES\n")
    assert main(["run", "mine"]) == 2
    assert capsys.readouterr().err.startswith(f"error: {base}, line 1: SyntaxError: ")


def test_a_file_that_python_cannot_even_decode_is_named(write, capsys):
    write("mine", "").write_bytes(b"KEEP = 0\x00\n")
    assert main(["run", "mine"]) == 2
    [printed] = capsys.readouterr().err.splitlines()
    assert "mine" in printed and "null bytes" in printed


def test_the_others_are_listed_reported_and_run(write, tmp_path, monkeypatch, capsys):
    base = write("mine_base", "RATES = missing\n")
    write("mine", "from reproduce.experiments.mine_base import RATES\n")
    write("good", GOOD)
    ran = []
    monkeypatch.setattr(campaign, "run", lambda names, *_: ran.extend(names) or 0)
    said = f"error: {base}, line 1: NameError: name 'missing' is not defined"
    for command in (["list"], ["report"], ["run", "all"]):
        assert main([*command, "--results-dir", str(tmp_path)]) == 2
        printed = capsys.readouterr()
        assert printed.err == f"{said} (left out: mine, mine_base)\n", command
        if command == ["list"]:
            assert "\ngood: " in printed.out and "\ntable9: " in printed.out
    assert {"good", "table9"} < set(ran) and not {"mine", "mine_base"} & set(ran)


def test_the_figure_of_a_file_with_an_error_stays(write, tmp_path):
    write("mine", "x =\n")
    folder = tmp_path / "figures"
    folder.mkdir()
    for name in ("mine", "unknown"):
        (folder / f"{name}_cpu.svg").touch()
    pages._write_report(tmp_path, [], [])
    assert [path.name for path in folder.iterdir()] == ["mine_cpu.svg"]
