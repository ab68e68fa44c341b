import re
from dataclasses import replace

import pytest

from reproduce.campaign import progress
from reproduce.campaign.progress import Display, RunProgress, format_measured

SEEN = RunProgress("k", "Dropout, seed 1", 500, 2000, 250.0, 0.25, "error_percent", 4.5)


def test_plain_lines_say_speed_error_and_time_left(capsys, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", -1)
    with Display() as shown:
        shown.update(SEEN)
    printed = capsys.readouterr().err
    for part in ("Dropout, seed 1", "500/2,000", "250 updates/s", "error 4.50 %", "6 s left"):
        assert part in printed
    assert "\x1b" not in printed


@pytest.mark.parametrize("terminal", [True, False])
def test_news_that_comes_after_the_end_shows_nothing(terminal, monkeypatch):
    monkeypatch.setattr(progress, "PLAIN_SECONDS", -1)
    if terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
    with Display() as shown:
        shown.stage("toy final", 2)
        shown.update(SEEN)
        assert bool(shown.bars) is terminal
        shown.ended("k", SEEN.label, "test error 4.00 %")
        shown.update(replace(SEEN, step=600))
        assert not shown.bars
        assert not shown.last_plain


def test_a_measure_is_shown_with_its_name_and_unit():
    assert format_measured("error_percent", 4.5) == "error 4.50 %"
    assert format_measured("squared_error", 7.125) == "squared error 7.12"


def test_what_comes_before_a_run_is_said_at_once_and_only_once(capsys):
    with Display() as shown:
        said = []
        for what in ("importing TensorFlow", "compiling", "compiling"):
            shown.busy(what)
            said.append(capsys.readouterr().err)
    assert said == ["importing TensorFlow ...\n", "compiling ...\n", ""]


@pytest.mark.parametrize("ends", [False, True])
def test_a_terminal_shows_it_with_its_seconds_until_a_run_is_seen(ends, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    with Display() as shown:
        shown.busy("importing TensorFlow")
        shown.busy("compiling")
        with shown.console.capture() as seen:
            shown.console.print(shown.before)
        assert "compiling ... 0:00:00" in re.sub("\x1b[^m]*m", "", seen.get())
        assert "importing" not in seen.get()
        shown.ended("k", SEEN.label, "stopped") if ends else shown.update(SEEN)
        assert not shown.before.tasks
