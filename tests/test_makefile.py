"""`make` alone installs nothing, and no environment of somebody else's is cleared."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def make(folder, *words):
    """As from a shell, though the tests themselves may be run by make."""
    environment = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    environment.pop("MFLAGS", None)
    return subprocess.run(
        ["make", *words], cwd=folder, capture_output=True, text=True, env=environment
    )


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    return tmp_path


def test_make_alone_lists_every_target_and_installs_nothing(folder):
    done = make(folder)
    assert done.returncode == 0
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
    assert [line.split()[1] for line in done.stdout.splitlines()] == targets.split()
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines())
    assert not (folder / ".venv").exists()


@pytest.mark.parametrize("kind", ["link", "folder"])
def test_an_environment_that_make_did_not_make_is_left_as_it_is(folder, kind):
    mine = folder / ("elsewhere" if kind == "link" else ".venv")
    mine.mkdir()
    (mine / "precious").touch()
    if kind == "link":
        (folder / ".venv").symlink_to(mine)
        (mine / "made-by-make").touch()
    done = make(folder, "setup")
    assert done.returncode == 2
    assert "move it away" in done.stderr
    assert (mine / "precious").exists()


def test_an_environment_that_make_made_is_made_anew_when_it_is_out_of_date(folder):
    (folder / ".venv").mkdir()
    for name in ("made-by-make", "stale"):
        (folder / ".venv" / name).touch()
    # In place of Python, whose environments take long: one that only makes itself its own.
    python = folder / "python"
    python.write_text('#!/bin/sh\n[ "$2" != venv ] || { mkdir $3/bin && cp "$0" $3/bin/python; }\n')
    python.chmod(0o755)
    done = make(folder, "setup", f"SYSTEM_PYTHON={python}")
    assert done.returncode == 0, done.stderr
    assert not (folder / ".venv" / "stale").exists()
    assert (folder / ".venv" / "installed").exists()


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ([], "results/report.html"),
        (["PROFILE=quick"], "results/quick/report.html"),
        (["PROFILE=cpu"], "results/report.html"),
    ],
)
def test_show_opens_the_page_and_says_where_it_is(folder, words, shown):
    (folder / ".venv" / "bin").mkdir(parents=True)
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    (folder / ".venv" / "installed").touch()
    page, own = folder / "results" / "report.html", folder / "results" / "quick" / "report.html"
    own.parent.mkdir(parents=True)
    for each in (page, own):
        each.touch()
    # A browser that only says what it was asked to open.
    browser = folder / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {folder}/opened\n')
    browser.chmod(0o755)
    for named in (str(browser), "no-such-browser"):
        done = make(folder, "show", *words, f"BROWSER={named} %s")
        assert (done.returncode, done.stdout.split()[0]) == (0, str(folder / shown)), done.stderr
    assert (folder / "opened").read_text().strip() == (folder / shown).as_uri()
    for profile in ("smoke", "nosuch"):
        done = make(folder, "show", f"PROFILE={profile}")
        assert done.returncode == 2 and f"{profile}/report.html; the profiles are" in done.stderr
