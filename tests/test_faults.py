"""A short form of `make faults`; its kills are in tests/reproduce."""

import random

import pytest

from reproduce.record import results
from tests.faults import commands, files, sources
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
