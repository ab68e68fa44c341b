"""What an earlier search left is believed only if it is whole."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from reproduce import plan
from reproduce.__main__ import main
from reproduce.campaign import Options
from reproduce.campaign.job import Outcome
from reproduce.errors import UserError
from reproduce.record import Results, Row
from reproduce.search import Request, trials
from reproduce.search.state import prepare
from reproduce.search.tuner import Tuner, tuner_files

NAME, TRIALS = "dropout_rate", 3
# What a record says besides.
ORIGIN = dict.fromkeys(("command", "commit", "device", "finished", "data_digest"), "")
ORIGIN |= {"status": "done", "x": None, "threads": 1, "packages": {}, "seconds": 1.0}


def search(folder, tuner="random", resume=True):
    return Request(
        NAME, tuner, TRIALS, resume, False, Options("smoke", 1, None, folder, "", seeds=1), ()
    )


def resumed(folder):
    """The exit status of the command that continues the search."""
    asked = ["--profile", "smoke", "--trials", str(TRIALS), "--workers", "1", "--seeds", "1"]
    return main(["search", NAME, *asked, "--results-dir", str(folder), "--resume"])


def train(planned, results):
    """Records rows without training."""
    run = planned.run
    split = "validation" if run.hold_out else "test"
    row = Row(run.key, planned.arm, None, run.seed, split, "error_percent", 1, 100 * run.keep)
    results.append([row], run.key, ORIGIN | {"arm": planned.arm, "run": run.settings()})
    return row.value


def finish(request):
    """A whole search."""
    prepare(request)
    tuner = Tuner(request, train)
    tuner.search(verbose=0)
    for planned in plan.search_finals(
        request.experiment, "smoke", tuner.best().hyperparameters.values
    ):
        train(planned, request.results("_best"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    finish(search(folder, resume=False))
    return folder


@pytest.fixture
def folder(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "copy")


def state(folder, name):
    return next((folder / "logs" / "smoke" / f"search_{NAME}" / "tuner").rglob(name))


def test_a_whole_search_is_believed(folder):
    assert resumed(folder) == 0
    request = search(folder)
    assert len(request.results().runs()) == TRIALS
    Tuner(request, pytest.fail)


@pytest.mark.parametrize("name", ["space.json", "oracle.json", "trial_1/trial.json"])
@pytest.mark.parametrize("content", [None, "", '{"start_order": ["0', "[]", "3", "{}", "\0"])
def test_a_damaged_file_is_one_sentence_that_names_it(name, content, folder, capsys):
    path = state(folder, name)
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    rows = search(folder).results().csv.read_bytes()
    assert resumed(folder) == 2
    (printed,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert name in printed
    assert "--overwrite" in printed
    assert search(folder).results().csv.read_bytes() == rows


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("oracle.json", "seed_state", "many"),
        ("oracle.json", "retry_queue", ["7"]),
        ("oracle.json", "end_order", {}),
        ("oracle.json", "hyperparameters", {}),
        ("trial_1/trial.json", "metrics", None),
        ("trial_1/trial.json", "status", "WELL"),
        ("trial_1/trial.json", "score", None),
        ("trial_1/trial.json", "trial_id", "0"),
        ("trial_1/trial.json", "hyperparameters", {"values": {}}),
    ],
)
def test_a_file_of_another_kind_is_one_sentence_that_names_it(name, key, value, folder, capsys):
    path = state(folder, name)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    assert resumed(folder) == 2
    printed = capsys.readouterr().err
    assert f"{path} is damaged" in printed
    assert "Traceback" not in printed


def test_the_tuners_own_file_does_not_matter(folder):
    state(folder, "tuner0.json").write_text("half")
    Tuner(search(folder), pytest.fail).search(verbose=0)


def test_a_folder_name_is_no_pattern(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "results[1]")
    Tuner(search(folder), pytest.fail).search(verbose=0)


def test_trials_whose_runs_are_gone_are_noticed_and_nothing_else_is_lost(folder, capsys):
    results = search(folder).results()
    rows = results.csv.read_bytes()
    for lost in ([results.json], [results.json, results.csv]):
        for path in lost:
            path.unlink(missing_ok=True)
        assert resumed(folder) == 2
        printed = capsys.readouterr().err
        assert f"{TRIALS} trials whose runs {results.json} lacks" in printed
        assert "--overwrite" in printed
        if results.csv not in lost:
            assert results.csv.read_bytes() == rows


@pytest.mark.parametrize("kind", ["", "_best"])
def test_rows_that_are_gone_are_noticed_before_anything_is_trained(kind, folder, capsys):
    results = search(folder).results(kind)
    results.csv.unlink()
    assert resumed(folder) == 2
    printed = capsys.readouterr().err
    assert f"{results.csv} has 0 rows of run" in printed
    assert ("delete both" if kind else "--overwrite") in printed
    assert "TensorFlow" not in printed


def test_tests_whose_record_is_gone_are_made_again(folder):
    before = search(folder).results("_best")
    before.json.unlink()
    prepare(search(folder))
    assert not before.rows()
    assert "Best found" not in before.csv.read_text()


@pytest.mark.parametrize("damage", [UserError("full"), OSError(errno.ENOSPC, "No space left")])
def test_what_cannot_be_recorded_is_no_failed_trial(damage, tmp_path):
    def fail(planned, results):
        raise damage

    request = search(tmp_path)
    prepare(request)
    with pytest.raises(type(damage)):
        Tuner(request, fail).search(verbose=0)
    assert json.loads(state(tmp_path, "trial.json").read_text())["status"] == "RUNNING"
    finish(request)
    assert len(request.results().runs()) == TRIALS


@pytest.mark.parametrize("name", ["oracle.json", "trial.json", "space.json", "tuner0.json"])
def test_a_full_disk_is_one_sentence(name, tmp_path, monkeypatch, capsys):
    def full(part, path):
        if Path(path).name == name:
            raise OSError(errno.ENOSPC, "No space left on device")
        replace(part, path)

    replace = os.replace
    monkeypatch.setattr(os, "replace", full)
    assert resumed(tmp_path) == 2
    printed = capsys.readouterr().err
    assert f"{name} cannot be written (No space left on device)" in printed


def test_a_full_disk_for_the_rows_is_one_sentence(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(trials, "execute", lambda job, watch: Outcome(job, "done", [], {}))
    monkeypatch.setattr(Results, "append", full)
    assert resumed(tmp_path) == 2
    assert f"{NAME}.csv cannot be written (No space left on device)" in capsys.readouterr().err
    assert json.loads(state(tmp_path, "trial.json").read_text())["status"] == "RUNNING"


def test_a_folder_that_cannot_be_made_is_one_sentence(tmp_path, capsys):
    (tmp_path / "logs").write_text("in the way")
    assert resumed(tmp_path) == 2
    assert f"error: {tmp_path / 'logs'}" in capsys.readouterr().err


def test_a_chief_ends_at_what_it_cannot_save(tmp_path, monkeypatch, capsys):
    """Its server would only log it."""

    def full(path, state):
        raise UserError(f"{path} cannot be written")

    def ended(status):
        raise SystemExit(status)

    for name, value in {"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1"}.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    chief = Tuner(search(tmp_path), train)
    monkeypatch.setattr(tuner_files, "save_json", full)
    monkeypatch.setattr(os, "_exit", ended)
    with pytest.raises(SystemExit, match="2"):
        chief.oracle.create_trial("tuner0")
    assert capsys.readouterr().err.startswith("error: ")


def test_overwrite_deletes_nothing_behind_a_link(folder, tmp_path):
    there = state(folder, "space.json").parent
    elsewhere = there.rename(tmp_path / "elsewhere")
    there.symlink_to(elsewhere)
    request = replace(search(folder, resume=False), overwrite=True)
    with pytest.raises(UserError, match="is a symbolic link"):
        prepare(request)
    assert (elsewhere / "space.json").exists() and request.results().runs()
    there.unlink()
    elsewhere.rename(there)
    prepare(request)
    assert not request.results().runs()


def test_a_score_that_the_rows_contradict_is_refused(folder, capsys):
    path = state(folder, "trial.json")
    trial = json.loads(path.read_text())
    path.write_text(json.dumps(trial | {"score": trial["score"] - 5}))
    assert resumed(folder) == 2
    printed = capsys.readouterr().err
    assert "trial.json gives its trial the score" in printed and "--overwrite" in printed
