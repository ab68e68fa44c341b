"""`make tensorboard NAME=...` shows one experiment's logs, or names those that there are."""

import re

import pytest

from reproduce import tensorboard


@pytest.fixture
def logs(tmp_path):
    for name in ("table9", "fig10", "search_table9"):
        (tmp_path / "cpu" / name / "a-run").mkdir(parents=True)
    return tmp_path


def test_all_logs_are_shown_unless_an_experiment_is_named(logs):
    assert tensorboard.folder(logs, None, "") == logs
    assert tensorboard.folder(logs, "cpu", "") == logs / "cpu"
    assert tensorboard.folder(logs, "cpu", "table9") == logs / "cpu" / "table9"


@pytest.mark.parametrize(
    ("name", "profile", "valid"),
    [
        ("fig99", "cpu", "it has those of fig10, search_table9, table9"),
        ("table9", "quick", "the profiles that have some are cpu"),
        ("fig4", "paper", "`python -m reproduce run fig4 --profile paper` writes them"),
    ],
)
def test_without_such_logs_one_sentence_names_those_that_there_are(
    name, profile, valid, logs, capsys
):
    assert tensorboard.main([name, "--profile", profile, "--logs", str(logs)]) == 2
    [printed] = capsys.readouterr().err.splitlines()
    assert printed == f"error: {logs / profile} has no logs of {name!r}; {valid}"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--profile", "smoke"], "there is no folder .*smoke with logs"),
        (["--port", "99999"], "TensorBoard cannot bind to port 99999"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(asked, said, logs, capsys):
    assert tensorboard.main([*asked, "--logs", str(logs)]) == 2
    *_, printed = capsys.readouterr().err.splitlines()  # TensorBoard's own come before
    assert re.match(f"error: .*{said}", printed)
