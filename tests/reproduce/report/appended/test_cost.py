"""What the rows cost, and what a day of a GPU would make."""

from types import SimpleNamespace

import pytest
from entries import entry

from reproduce import experiments, plan
from reproduce.record import Results
from reproduce.report.appended import cost


def results(folder, name, *times):
    """Files in which each run took (seconds, threads, device)."""
    made = Results(folder, "cpu", name)
    for number, (seconds, threads, device) in enumerate(times):
        measured = {"seconds": seconds, "threads": threads, "device": device}
        made.append([], f"{name}{number}", entry(**measured))
    return made


def test_every_recorded_run_counts_with_all_of_its_cores_or_its_gpu(tmp_path):
    choice = results(tmp_path, "a_choice", (1800.0, 1, "CPU"), (600.0, 4, "NVIDIA H100"))
    final = results(tmp_path, "a", (1800.0, 3, "CPU"))
    search = results(tmp_path, "search_b", (720.0, 1, "CPU"))
    table = cost.spent_table(
        [
            SimpleNamespace(
                name="a", profile="cpu", standing=SimpleNamespace(choice=choice, final=final)
            )
        ],
        [SimpleNamespace(name="b", profile="cpu", results=(search,))],
    )
    assert table.rows == [
        ("a", "cpu", "3", "2.0", "10.0"),
        ("search of b", "cpu", "1", "0.2", ""),
        ("all, each once", "", "4", "2.2", "10.0"),
    ]


def test_a_run_that_two_experiments_share_is_counted_once_in_the_sum(tmp_path):
    shared = [results(tmp_path / name, "k", (3600.0, 1, "CPU")) for name in "ab"]
    each = [
        SimpleNamespace(name=r.csv.parent.parent.name, profile="cpu", results=(r,)) for r in shared
    ]
    assert cost.spent_table([], each).rows[-1] == ("all, each once", "", "1", "1.0", "")


def test_a_run_that_failed_costs_nothing_that_is_known(tmp_path):
    failed = Results(tmp_path, "cpu", "a")
    failed.append([], "k", {k: v for k, v in entry(status="failed").items() if k != "seconds"})
    standing = SimpleNamespace(choice=Results(tmp_path, "cpu", "b"), final=failed)
    table = cost.spent_table([SimpleNamespace(name="a", profile="cpu", standing=standing)], [])
    assert table.rows == [("a", "cpu", "1", "", "")]


@pytest.fixture
def waiting(monkeypatch):
    """A function that states, by experiment, the claims without a verdict and the GPU minutes."""

    def of(**each):
        def status(name, results_dir):
            claims, minutes = each[name]
            state = {"claims_total": claims + 1, "claims_decided": 1, "gpu_minutes_left": minutes}
            return {"profiles": {"cpu": state, "tenth": state}}

        monkeypatch.setattr(experiments, "names", lambda: list(each))
        monkeypatch.setattr(plan, "status", status)

    return of


def test_a_day_goes_first_to_what_costs_least_for_each_open_claim(waiting, tmp_path):
    waiting(dear=(1, 60.0), cheap=(4, 120.0), decided=(0, 1.0), done=(1, 0.0), unknown=(1, None))
    assert cost.next_table(tmp_path).rows == [
        ("cheap", "tenth", "4", "120", "2.0"),
        ("dear", "tenth", "1", "60", "3.0"),
    ]


def test_a_day_ends(waiting, tmp_path):
    waiting(first=(9, 1000.0), second=(9, 1001.0))
    table = cost.next_table(tmp_path)
    assert [row[0] for row in table.rows] == ["first"]
    assert "1 of 2" in table.title


def test_tables_without_rows_are_left_out(waiting, tmp_path):
    waiting(decided=(0, 1.0))
    assert cost.tables([], [], tmp_path) == []
