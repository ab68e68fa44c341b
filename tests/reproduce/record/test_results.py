import errno
import json
import multiprocessing

import pytest

from reproduce.errors import UserError
from reproduce.record import Results, Row, writer_lock
from reproduce.record import results as results_file

DONE = {"status": "done", "run": {"seed": 1}}


def rows(key, values=(3.5, 2.25)):
    return [
        Row(key, "Dropout, arm", None, 1, "validation", "error_percent", step, value)
        for step, value in enumerate(values)
    ]


@pytest.fixture
def results(tmp_path):
    found = Results(tmp_path, "quick", "fig0")
    found.append(rows("a1"), "a1", DONE)
    return found


def test_rows_read_back_as_written(results):
    more = [Row("b", "x", 5000.0, 2, "test", "nll", 7, 0.1 + 0.2)]
    results.append(more, "b", DONE)
    assert results.rows() == rows("a1") + more
    assert results.csv.read_text().splitlines()[-1] == "b,x,5000,2,test,nll,7,0.30000000000000004"
    assert results.finished() == {"a1", "b"}


def test_the_last_validation_error_counts_and_divergence_is_infinite(results):
    results.append(
        [Row("d", "x", None, 1, "train", "diverged", 9, 1.0)], "d", {"status": "diverged"}
    )
    results.append(rows("e", (1.0, float("nan"))), "e", {"status": "diverged"})
    assert results.final_errors("error_percent") == {
        "a1": 2.25,
        "d": float("inf"),
        "e": float("inf"),
    }


@pytest.mark.parametrize(
    "leftover", ["b,x,,1,test,nll,7,0.5\n", "b,x,,1,te", "a", '"b', "b,x,,1,test,nll,7,0.5\nb,x"]
)
def test_what_a_kill_leaves_behind_is_never_read_and_is_removed(results, leftover):
    clean = results.csv.read_bytes()
    with results.csv.open("a") as file:
        file.write(leftover)
    half = results.csv.with_name(".fig0.1.tmp")
    half.write_text("{")
    assert results.rows() == rows("a1")
    results.repair()
    assert results.csv.read_bytes() == clean
    assert not half.exists()


def test_a_failed_run_is_recorded_and_not_ended(results):
    results.append([], "f", {"status": "failed", "error": "why"})
    assert results.runs()["f"]["error"] == "why"
    assert "f" not in results.finished()
    results.append(rows("f"), "f", DONE)
    assert "f" in results.finished()


def test_a_full_disk_leaves_the_files_as_they_were(results, monkeypatch):
    before = results.csv.read_bytes(), results.json.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(results_file.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        results.append(rows("b"), "b", DONE)
    monkeypatch.undo()
    assert (results.csv.read_bytes(), results.json.read_bytes()) == before
    assert sorted(path.name for path in results.csv.parent.iterdir()) == ["fig0.csv", "fig0.json"]


def test_lost_rows_and_damaged_files_are_refused_by_name(results):
    content = results.csv.read_text()
    results.csv.write_text(content.splitlines()[0] + "\n")
    with pytest.raises(UserError, match=r"fig0\.csv lacks the rows of 1 finished"):
        results.rows()
    results.csv.write_text(content.replace("3.5", "x"))
    with pytest.raises(UserError, match=r"fig0\.csv holds a malformed row"):
        results.rows()
    results.json.write_text("{")
    with pytest.raises(UserError, match=r"fig0\.json is not valid JSON"):
        results.runs()


def test_the_json_is_readable(results):
    assert json.loads(results.json.read_text()) == {"a1": DONE}


def hold(folder, ready, release):
    with writer_lock(folder, "quick"):
        ready.set()
        release.wait(30)


def test_one_writer_at_a_time(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, ready, release))
    other.start()
    assert ready.wait(30)
    with pytest.raises(UserError, match="another process"), writer_lock(tmp_path, "quick"):
        pass
    other.kill()
    other.join()
    with writer_lock(tmp_path, "quick"):
        pass
