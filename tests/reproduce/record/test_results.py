import errno
import json
import multiprocessing
import os
import re
import resource
import stat
from contextlib import contextmanager

import pytest
from entries import entry

from reproduce import files
from reproduce.errors import UserError
from reproduce.record import Results, Row, writer_lock
from reproduce.record import results as results_file
from reproduce.record.row import format_rows

DONE = entry()


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
        [Row("d", "x", None, 1, "train", "diverged", 9, 1.0)], "d", entry(status="diverged")
    )
    results.append(rows("e", (1.0, float("nan"))), "e", entry(status="diverged"))
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
    results.append([], "f", entry(status="failed", error="why"))
    assert results.runs()["f"]["error"] == "why"
    assert "f" not in results.finished()
    results.append(rows("f"), "f", DONE)
    assert "f" in results.finished()


@contextmanager
def room(size):
    """No file may grow beyond `size` bytes: a write beyond it stops short, then fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_loses_nothing_and_leaves_nothing(tmp_path):
    """Whichever write fails, of rows or of the JSON, and wherever in it."""
    failed_of = set()
    for size in range(1, 40):
        results = Results(tmp_path, "quick", f"fig{size}")
        recorded = set()
        for key in map(str, range(40)):
            before = results.json.read_bytes() if recorded else b""
            try:
                with room(4_000):
                    results.append(rows(key, (1.5,) * size), key, DONE)
            except OSError as error:
                assert error.errno == errno.EFBIG
                assert not recorded or results.json.read_bytes() == before
                failed_of.add("csv" if results.csv.stat().st_size > 3_000 else "json")
                break
            recorded.add(key)
        assert results.finished() == recorded
        assert {row.run for row in results.rows()} == recorded
        assert len(results.csv.read_text().splitlines()) == 1 + size * len(recorded)
        results.append(rows("later"), "later", DONE)
        assert results.finished() == recorded | {"later"} == {row.run for row in results.rows()}
    assert failed_of == {"csv", "json"}


@pytest.mark.parametrize("fails", ["write", "replace"])
def test_a_failed_write_leaves_the_files_as_they_were(results, monkeypatch, fails):
    before = results.csv.read_bytes(), results.json.read_bytes()

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    if fails == "write":
        monkeypatch.setattr(results_file, "write_all", full)
    else:
        monkeypatch.setattr(files.os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        results.append(rows("b"), "b", DONE)
    monkeypatch.undo()
    assert (results.csv.read_bytes(), results.json.read_bytes()) == before
    assert sorted(path.name for path in results.csv.parent.iterdir()) == ["fig0.csv", "fig0.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.splitlines()[0] + "\n", "has 0 rows of run a1, where fig0.json says 2"),
        (lambda text: text[:-4], "has other rows of run a1"),  # 2.25 -> 2
        (lambda text: text.replace("2.25", "nan"), "has other rows of run a1"),
        (lambda text: text.replace("2.25", "2.35"), "has other rows of run a1"),
        (lambda text: text + text.splitlines()[-1] + "\n", "has 3 rows of run a1"),
        (lambda text: text.replace("3.5", "x" * 200_000), "is no CSV file"),
        (lambda text: text.replace("arm", "\udcff\udcfe"), "has other rows of run a1"),
        (lambda text: text.replace("3.5", "3.5\0"), "has other rows of run a1"),
    ],
)
def test_rows_other_than_those_written_are_refused(results, change, said):
    text = results.csv.read_text()
    results.csv.write_bytes(change(text).encode(errors="surrogateescape"))
    for use in (results.rows, results.repair):
        with pytest.raises(UserError, match=re.escape(said)):
            use()


def test_a_lost_last_newline_does_no_harm(results):
    text = results.csv.read_text()
    results.csv.write_text(text[:-1])
    assert results.rows() == rows("a1")
    results.append(rows("b"), "b", DONE)
    assert results.rows() == rows("a1") + rows("b")
    results.csv.write_text(results.csv.read_text()[:-1])
    results.repair()
    assert results.csv.read_text().startswith(text)


def test_rows_of_a_process_killed_before_it_could_name_them_do_not_double(results):
    """In a search, other processes go on writing, so nobody repairs the file before."""
    with results.csv.open("a") as file:
        file.write(format_rows(rows("b"))[:-3])
    results.append(rows("c"), "c", DONE)
    results.append(rows("b"), "b", DONE)
    results.append(rows("b", (9.0, 9.0)), "b", DONE)  # finished, so left as it is
    assert results.rows() == rows("a1") + rows("c") + rows("b")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b"\xff\xfe{}", "is not valid JSON"),
        (b"null", "holds NoneType"),
        (b"[]", "holds list"),
        (b'"a"', "holds str"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"a1": ' + b'{"x": ' * 100_000, "is not valid JSON"),
        (b'{"a1": null}', "'a1'"),
        (b'{"a1": [1]}', "'a1'"),
        (b'{"a1": {}}', "'a1'"),
    ],
)
def test_a_record_of_another_kind_is_named(results, content, said):
    results.json.write_bytes(content)
    with pytest.raises(UserError, match=re.escape(said)) as raised:
        results.rows()
    assert "fig0.json" in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "finished"),
        ("run", "x"),
        ("run", {}),
        ("commit", 5),
        ("packages", ["keras"]),
        ("x", 10**400),
        ("rows", -1),
        ("seconds", "1"),
        ("pictures", {"features": {}}),
        ("device", "GPU"),
        ("command", "python -m reproduce run another"),
    ],
)
def test_a_malformed_entry_is_named_and_not_written(results, name, value):
    made = json.loads(results.json.read_text())
    made["a1"][name] = value
    results.json.write_text(json.dumps(made))
    with pytest.raises(UserError, match=r"fig0\.json holds a malformed entry, 'a1'"):
        results.runs()
    if name not in ("rows", "device", "command"):
        with pytest.raises(ValueError):
            results.append(rows("b"), "b", entry(**{name: value}))


def test_an_entry_that_lacks_something_is_named(results):
    complete = json.loads(results.json.read_text())["a1"]
    for name in complete:
        lacking = {key: value for key, value in complete.items() if key != name}
        results.json.write_text(json.dumps({"a1": lacking}))
        with pytest.raises(UserError, match="malformed entry, 'a1'"):
            results.runs()


def test_the_json_is_readable(results):
    (found,) = json.loads(results.json.read_text()).values()
    assert found == DONE | {"rows": 2} | {name: found[name] for name in ("rows_digest", "digest")}


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


def test_a_command_line_of_any_bytes_can_be_recorded(results):
    command = os.fsdecode(b"python -m reproduce run toy --data-dir /tmp/d\xff")
    results.append(rows("b"), "b", entry(command=command))
    assert results.runs()["b"]["command"].startswith("python -m reproduce run toy")
    assert results.rows() == rows("a1") + rows("b")


def test_a_folder_that_cannot_be_synchronised_does_no_harm(results, monkeypatch):
    original = os.fsync

    def fragile(file):
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        original(file)

    monkeypatch.setattr(files.os, "fsync", fragile)
    results.append(rows("b"), "b", DONE)
    assert results.rows() == rows("a1") + rows("b")


@pytest.mark.parametrize("kind", ["csv", "json"])
@pytest.mark.parametrize("make", ["pipe", "device", "dangling link"])
def test_what_is_no_file_is_named_and_not_waited_for(results, kind, make):
    path = getattr(results, kind)
    path.unlink()
    if make == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero" if make == "device" else "/nowhere")
    with pytest.raises(UserError, match=rf"fig0\.{kind} is no regular file"):
        results.rows()
