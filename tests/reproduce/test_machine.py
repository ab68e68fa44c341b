import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from reproduce.errors import UserError
from reproduce.files import LOCK
from reproduce.machine import has_gpu, temporary_folder

ROOT = Path(__file__).parents[2]


def test_no_usable_temporary_folder_is_one_sentence(monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nowhere"])
    with pytest.raises(UserError, match=r"No usable .* \['/proc/nowhere'\]; set TMPDIR"):
        temporary_folder()


def test_the_folders_of_killed_processes_are_removed_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as busy:
        killed, new, old, other = (
            tmp_path / name for name in ("reproduce-a", "reproduce-b", "reproduce-c", "other")
        )
        for folder in (killed, new, old, other):
            folder.mkdir()
        (new / LOCK).touch()  # about to be locked
        (killed / LOCK).touch()  # the kernel has released it
        for path in (killed / LOCK, Path(busy) / LOCK, old):
            os.utime(path, (0, 0))
        with temporary_folder() as mine:
            # An old folder without a lock is somebody's own.
            kept = [Path(busy), Path(mine), new, old, other]
            assert sorted(tmp_path.iterdir()) == sorted(kept)


@pytest.mark.parametrize(("devices", "seen"), [("0,1", True), ("", False), ("-1", False)])
def test_a_hidden_gpu_is_none(monkeypatch, devices, seen):
    monkeypatch.setattr(Path, "exists", lambda path: True)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", devices)
    assert has_gpu() == seen


def test_tensorflow_is_imported_without_what_it_does_not_need_here():
    """What is hidden meanwhile can be imported afterwards, and what was there before is left."""
    program = """
import sys
import matplotlib.pyplot as before
from reproduce.machine import UNUSED
import reproduce.training, reproduce.probes, reproduce.campaign
there = sorted((UNUSED | {"scipy.stats"}) & sys.modules.keys())
print(there, sys.modules["matplotlib.pyplot"] is before)
import jax, sklearn
"""
    lines = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert lines == ["['matplotlib.pyplot'] True"]
