"""Workers on other machines: another process's cluster, reached by its address alone."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reproduce.__main__ import main
from reproduce.campaign import workers

ROOT = Path(__file__).parents[3]
RUN = ["run", "section9", "--profile", "smoke"]


@pytest.fixture
def address(tmp_path):
    """The scheduler of a cluster with one worker, started as docs/machines.md says."""
    tool = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    file = tmp_path / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen(
        [*tool, *options, "--scheduler-file", str(file)], cwd=ROOT, **quiet
    )
    while not (file.exists() and file.read_text()):
        time.sleep(0.1)
    there = json.loads(file.read_text())["address"]
    tool = [sys.executable, "-m", "distributed.cli.dask_worker"]
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
    worker = subprocess.Popen([*tool, there, *options], cwd=ROOT, **quiet)
    yield there
    for process in (worker, scheduler):
        process.terminate()
        process.wait()


def rows(folder):
    lines = (folder / "smoke" / "section9.csv").read_text().splitlines()
    return sorted(line.rsplit(",", 1)[0] for line in lines)


def test_a_cluster_makes_the_rows_and_stops_when_it_is_told_to(address, tmp_path, capsys):
    here, there = tmp_path / "here", tmp_path / "there"
    command = [sys.executable, "-m", "reproduce", *RUN, "--results-dir", str(there)]
    process = subprocess.Popen(
        [*command, "--cluster", address], cwd=ROOT, stderr=subprocess.PIPE, text=True
    )
    while process.poll() is None and not (there / "smoke" / "section9.csv").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130, process.stderr.read()
    assert main([*RUN, "--results-dir", str(there), "--cluster", address]) == 0
    assert main([*RUN, "--results-dir", str(here), "--workers", "1"]) == 0
    assert rows(here) == rows(there)
    deadline = time.monotonic() + 30
    while list(there.rglob("checkpoint.npz")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(there.rglob("checkpoint.npz"))
    capsys.readouterr()


def test_what_is_wrong_with_a_cluster_is_one_sentence(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(workers, "ANSWER_SECONDS", 1)
    options = ["--results-dir", str(tmp_path), "--cluster", "tcp://127.0.0.1:9"]
    assert main([*RUN, *options]) == 2
    assert "127.0.0.1:9" in capsys.readouterr().err
    assert main([*RUN, *options, "--workers", "2"]) == 2
    assert "leave out --workers" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*RUN, "--cluster", ""])
    assert "'' is not an address" in capsys.readouterr().err
