"""Workers on other machines: another process's cluster, reached by its address alone."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from distributed import Client, Security

from reproduce import signals
from reproduce.__main__ import main
from reproduce.campaign import Display
from reproduce.campaign.workers import workers
from tests.faults.kills import cluster

ROOT = Path(__file__).parents[4]
RUN = ["run", "section9", "--profile", "smoke"]


@pytest.fixture
def address(tmp_path):
    with cluster(tmp_path) as (there, _):
        yield there


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
    # That stop is heard by the runs of that campaign only.
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


def test_a_stranger_cannot_talk_to_the_workers_of_this_machine():
    """Whoever could would run code as this user."""
    with Display() as display, workers.Workers(1, display) as mine:
        client = mine._start_here()
        client.wait_for_workers(1, timeout=120)
        asked = client.sync(client.scheduler.identity, n_workers=-1)
        every = [client.scheduler.address, *asked["workers"]]
        assert len(every) == 2
        for address in every:
            assert address.startswith("tls://127.0.0.1:")
            other = Security(tls_ca_file=None, require_encryption=False)
            own_key = Security.temporary()
            for how, security in (("tcp", other), ("tls", own_key)):
                there = f"{how}://{address.partition('://')[2]}"
                with pytest.raises((OSError, TimeoutError)):
                    Client(there, timeout=2, security=security)
        assert client.submit(int, "7").result(timeout=30) == 7
        # Dask's own setting returns memory at each update, for the kernel to map it again.
        assert client.submit(os.getenv, "MALLOC_TRIM_THRESHOLD_").result(timeout=30) is None
    # What closes later than this says nothing, whatever Dask has put back.
    for name in ("batched", "client", "scheduler"):
        assert not logging.getLogger(f"distributed.{name}").isEnabledFor(logging.CRITICAL)


def test_workers_are_started_where_no_signal_reaches_them(monkeypatch):
    blocked = []
    monkeypatch.setattr(signals.resource_tracker, "ensure_running", lambda: None)
    with signals.without_signals():
        thread = threading.Thread(
            target=lambda: blocked.append(signal.pthread_sigmask(signal.SIG_BLOCK, []))
        )
        thread.start()
        thread.join()
    assert set(signals.STOPS) <= blocked[0]
    assert not set(signals.STOPS) & signal.pthread_sigmask(signal.SIG_BLOCK, [])
