"""Faults planted one at a time in committed rows and in what is drawn from them."""

import csv
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from entries import entry

from reproduce import verify
from reproduce.__main__ import main
from reproduce.plan import Planned
from reproduce.record import Results, Row
from reproduce.record.entry import entry_digest
from reproduce.record.row import digest
from reproduce.verify import again, drawn, environment, rows

ROOT = Path(__file__).parents[3]
KINDS = ("csv", "json")


def copied(folder, *names):
    (folder / "cpu").mkdir(parents=True)
    for name in names:
        for kind in KINDS:
            shutil.copy(ROOT / "results" / "cpu" / f"{name}.{kind}", folder / "cpu")
    return folder


@pytest.fixture
def results_dir(tmp_path):
    return copied(
        tmp_path / "results", "overfitting", "overfitting_choice", "table9", "table9_choice"
    )


def test_the_committed_rows_and_the_environment_have_no_fault():
    assert rows.check(ROOT / "results").faults == []
    assert environment.check().faults == []


def edited(folder, name, change, and_digest=False):
    """Changes lines and entries of a file of rows; with the digests too, as a forger would."""
    path = folder / "cpu" / name
    table, entries = path.with_suffix(".csv"), path.with_suffix(".json")
    with table.open(newline="") as file:
        lines = list(csv.reader(file))
    made = json.loads(entries.read_text())
    change(lines, made)
    if and_digest:
        for key, entry in made.items():
            mine = [line for line in lines if line[0] == key]
            entry |= {"rows": len(mine), "rows_digest": digest(mine)}
            entry["digest"] = entry_digest(entry)
    with table.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(lines)
    entries.write_text(json.dumps(made))


def test_line(lines, run=None):
    return next(
        line for line in lines if line[4:6] == ["test", "error_percent"] and run in (None, line[0])
    )


test_line.__test__ = False


def other_value(lines, made):
    test_line(lines, next(k for k in made if "predictions" in made[k]) if made else None)[7] = "0.5"


def no_number(lines, made):
    lines[3][7] = "nan"


def removed(lines, made):
    lines.remove(test_line(lines))


def doubled(lines, made):
    lines.append(list(lines[-1]))


def other_arm(lines, made):
    test_line(lines)[1] = "No dropout, really"


def other_seed(lines, made):
    test_line(lines)[3] = "77"


def beyond_the_end(lines, made):
    test_line(lines)[6] = "99999999"


def without_provenance(lines, made):
    del made[lines[1][0]]


def stray(lines, made):
    lines.append(["f" * 16, *lines[-1][1:]])


def other_settings(lines, made):
    next(iter(made.values()))["run"]["learning_rate"] = 0.123


def no_commit(lines, made):
    next(iter(made.values()))["commit"] += "-dirty"


def unknown_commit(lines, made):
    next(iter(made.values()))["commit"] = "1" * 40


def other_data(lines, made):
    next(iter(made.values()))["data_digest"] = "0" * 16


def has_whole_history():
    command = ["git", "-C", str(ROOT), "rev-parse", "--is-shallow-repository"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip() == "false"


@pytest.mark.parametrize("and_digest", [False, True])
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (no_number, "no number"),
        (removed, "lacks the error_percent on test images"),
        (doubled, "more than once"),
        (other_arm, "another arm or seed"),
        (other_seed, "another arm or seed"),
        (beyond_the_end, "beyond its"),
        (stray, "rows without provenance"),
        (without_provenance, "rows without provenance"),
        (other_settings, "settings of another key"),
        (no_commit, "of no commit"),
        (unknown_commit, "the history does not have"),
        (other_data, "were made on different data"),
    ],
)
def test_each_planted_fault_is_found(results_dir, change, said, and_digest):
    edited(results_dir, "overfitting", change, and_digest)
    faults = rows.check(results_dir).faults
    if change is unknown_commit and and_digest and not has_whole_history():
        assert faults == []  # nobody can tell
        return
    is_seen_by_both = change in (stray, without_provenance)
    if not and_digest and not is_seen_by_both:
        said = "restore it and its twin from git"
    assert any(said in fault for fault in faults), faults


def test_a_test_error_that_the_predictions_contradict_is_found(tmp_path):
    name = next(
        path.stem
        for path in sorted((ROOT / "results" / "cpu").glob("*.json"))
        if '"predictions"' in path.read_text()
    )
    folder = copied(tmp_path / "results", name)
    edited(folder, name, other_value, and_digest=True)
    assert any("but its predictions" in fault for fault in rows.check(folder).faults)


def test_rows_of_another_experiment_are_found(results_dir):
    """As they were recorded, but in a file where they do not belong."""
    theirs, mine = (Results(results_dir, "cpu", name) for name in ("table9", "overfitting"))
    key, entry = next(iter(theirs.runs().items()))
    mine.append([row for row in theirs.rows() if row.run == key], key, entry)
    assert any("is not of overfitting" in fault for fault in rows.check(results_dir).faults)
    for kind in KINDS:
        file = results_dir / "cpu" / f"table9.{kind}"
        shutil.copy(file, file.with_stem("tableau9"))
    assert any("belongs to no experiment" in fault for fault in rows.check(results_dir).faults)


def test_what_does_not_follow_from_the_rows_is_found(results_dir, monkeypatch, capsys):
    folder = results_dir.parent
    for page in drawn.PAGES:
        (folder / page).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / page, folder / page)
    monkeypatch.chdir(folder)
    assert main(["report"]) == 0
    assert drawn.check(Path("results")).faults == []
    figures = sorted((results_dir / "figures").iterdir())
    planted = [
        *figures[:2],
        results_dir / "REPORT.md",
        results_dir / "report.html",
        folder / "README.md",
        folder / "docs" / "lesson.md",
    ]
    figures[0].write_text(figures[0].read_text().replace("0", "1", 1))
    figures[1].unlink()
    for path in planted[2:]:
        text = path.read_text()
        at = text.index("points [")
        path.write_text(f"{text[: at - 5]}9.99 {text[at:]}")
    (results_dir / "figures" / "old_cpu.svg").write_text("<svg/>")
    faults = drawn.check(Path("results")).faults
    assert len(faults) == len(planted) + 1
    for path in (*planted, Path("old_cpu.svg")):
        assert sum(path.name in fault for fault in faults) == 1
    capsys.readouterr()


def test_packages_other_than_the_locked_ones_are_found(tmp_path):
    lock = tmp_path / "requirements.txt"
    lock.write_text(
        "# a comment\nnumpy==1.0 \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n"
        "not-there==2.0 ; python_version > '3'\nneither==1 ; python_version < '3'\n"
    )
    found = environment.check(lock)
    assert [fault.split()[0] for fault in found.faults] == ["numpy", "not-there"]


def test_the_exit_status_says_whether_there_is_a_fault(results_dir, monkeypatch, capsys):
    monkeypatch.setattr(drawn, "check", lambda folder: drawn.Check("drawn: nothing"))
    assert verify.run(results_dir) == 0
    assert capsys.readouterr().out.endswith("no fault found\n")
    edited(results_dir, "overfitting", removed)
    assert main(["verify", "--results-dir", str(results_dir)]) == 1
    assert "1 faults" in capsys.readouterr().out


def test_a_run_made_again_is_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(again, "use_threads", lambda count: None)  # too late in this process
    folder = ["--results-dir", str(tmp_path)]
    assert main(["run", "masks", "--profile", "smoke", "--workers", "1", *folder]) == 0
    found = again.check(tmp_path, 3, None)
    assert found.faults == [] and "1 of 1 cheap" in found.summary
    assert "identical" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("values", "said", "is_fault"),
    [
        ([2.0], "identical", False),
        ([2.5], "0.50 of the seeds' spread", False),
        ([8.0], "6.00 of the seeds' spread", True),
        ([], "other rows", True),
    ],
)
def test_how_far_apart_is_told_in_units_of_the_seeds_spread(run, tmp_path, values, said, is_fault):
    runs = [replace(run, test=True, seed=seed) for seed in (1, 2, 3)]
    other = replace(runs[0], learning_rate=9.0)  # another candidate tells nothing about seeds
    results = Results(tmp_path, "cpu", "toy")

    def row(run, value):
        return Row(run.key, "A", None, run.seed, "test", "error_percent", run.updates, value)

    for each, value in zip((*runs, other), (2.0, 3.0, 4.0, 90.0), strict=True):
        results.append([row(each, value)], each.key, entry(run=each.settings()))
    planned = Planned("A", None, "", runs[0])
    found = again._compared(results, planned, [row(runs[0], value) for value in values])
    assert said in found[0] and found[1] == is_fault


@pytest.mark.parametrize(("value", "is_fault"), [(2.4, False), (3.0, True)])
def test_of_one_seed_a_value_may_differ_by_a_share_of_it(run, tmp_path, value, is_fault):
    run = replace(run, test=True)
    results = Results(tmp_path, "cpu", "toy")
    rows = [Row(run.key, "A", None, 1, "test", "error_percent", run.updates, 2.0)]
    results.append(rows, run.key, entry(run=run.settings()))
    now = [replace(rows[0], value=value)]
    said, found = again._compared(results, Planned("A", None, "", run), now)
    assert "no spread over seeds" in said and found == is_fault
