"""A short form of `make faults`; its kills are in tests/reproduce."""

import random
import shutil
import time

import pytest
from entries import entry

from reproduce.record import Results, Row, results
from tests.faults import commands, files, kills, sources
from tests.faults.tried import harm_of


@pytest.mark.parametrize(
    ("check", "count"), [(files.check, 32), (commands.check, 150), (sources.check, 24)]
)
def test_faults_do_no_harm(check, count, tmp_path):
    tried = check(count, random.Random(1), tmp_path / "here")
    assert sum(tried.counts.values()) >= count
    assert tried.harm == []


def test_harm_is_seen():
    assert harm_of(2, "error: this is not that\n") == ""
    assert "traceback" in harm_of(1, "Traceback (most recent call last):\nKeyError: 1")
    assert "exit status 3" in harm_of(3, "")
    assert "2 sentences" in harm_of(2, "error: one\nerror: two")
    assert "0 sentences" in harm_of(2, "")
    assert "exit status 2, not one of (0,)" in harm_of(2, "error: x", (0,))


def test_rows_that_change_without_a_word_are_seen(tmp_path, monkeypatch):
    """If the digests were not checked."""

    class Whatever(str):
        def __ne__(self, other):
            return False

    monkeypatch.setattr(files, "FAULTS", (files.another_digit,))
    monkeypatch.setattr(results, "digest", lambda lines: Whatever())
    found = files.check(2, random.Random(2), tmp_path)
    assert any("without a word" in each for each in found.harm)


def test_lost_and_changed_rows_are_seen(tmp_path, monkeypatch):
    """By a campaign that only copies what another one made; the faults lose or change it."""
    made = Results(tmp_path / "made", "smoke", kills.NAME)
    settings = {"data": "digits", "net": {}, "seed": 1, "updates": 1, "measures": []}
    made.append([Row("a", "A", None, 1, "test", "m", 1, 5.0)], "a", entry(run=settings))

    def campaign(folder, *more, **variables):
        shutil.copytree(made.csv.parent, folder / "smoke", dirs_exist_ok=True)

    def loses(folder, draw):
        campaign(folder)
        time.sleep(1)
        Results(folder, "smoke", kills.NAME).remove()
        return "loses", ""

    def changes(folder, draw):
        results = Results(folder, "smoke", kills.NAME)
        results.append([Row("a", "A", None, 1, "test", "m", 1, 12.0)], "a", entry(run=settings))
        return "changes", ""

    def nothing(folder, draw):
        campaign(folder)
        return "nothing", ""

    monkeypatch.setattr(kills, "start", campaign)
    monkeypatch.setattr(kills, "ended", lambda process, allowed: "")
    monkeypatch.setattr(kills, "FAULTS", [loses, changes, nothing])
    found = kills.check(3, random.Random(1), tmp_path / "here")
    assert found.harm == [
        "loses: finished runs are lost",
        "changes: other rows than undisturbed",
    ]
