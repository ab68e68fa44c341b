import os
import subprocess
import tempfile
from pathlib import Path

import pytest

from reproduce.errors import UserError
from reproduce.machine import temporary_folder


def test_no_usable_temporary_folder_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    with pytest.raises(UserError, match=r"No usable .* \['/proc/nowhere'\]; set TMPDIR"):
        temporary_folder()


def test_the_folders_of_killed_processes_are_removed_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    dead = subprocess.Popen(["true"])
    dead.wait()
    kept = [tmp_path / f"reproduce-{os.getpid()}-a", tmp_path / "reproduce-x-1", tmp_path / "other"]
    leftover = tmp_path / f"reproduce-{dead.pid}-b"
    for folder in (*kept, leftover):
        folder.mkdir()
    with temporary_folder() as mine:
        assert Path(mine).is_dir()
    assert sorted(tmp_path.iterdir()) == sorted(kept)
