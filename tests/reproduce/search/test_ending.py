"""A search stops within seconds, whichever of its processes is asked, and loses nothing."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest
from processes import process_of

from reproduce.__main__ import main
from reproduce.record import Results

NAME, SECONDS = "dropout_rate", 120
CHIEF = {"TUNER_ID": "chief", "ORACLE_IP": "127.0.0.1", "ORACLE_PORT": "1"}


def command(folder, workers="2"):
    asked = ["--profile", "smoke", "--trials", "50", "--workers", workers, "--seeds", "2"]
    return ["search", NAME, *asked, "--results-dir", str(folder)]


def part(role):
    """The process of that part of a search that this process runs; None while there is none."""
    return process_of(role, os.getpid())


class Asked(threading.Thread):
    """Once `when` is true, signals this process, and no other of its group."""

    def __init__(self, when, *numbers):
        super().__init__(daemon=True)
        self.when, self.numbers, self.at = when, numbers, None
        self.start()

    def run(self):
        until = time.monotonic() + SECONDS
        while not self.when() and time.monotonic() < until:
            time.sleep(0.05)
        self.at = time.monotonic()
        for number in self.numbers:
            os.kill(os.getpid(), number)
            time.sleep(0.2)

    def seconds(self):
        """How long ago this was."""
        return time.monotonic() - self.at


def blocked(process):
    """The signals that a process does not get."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    mask = int(status.split("SigBlk:")[1].split()[0], 16)
    return {number for number in signal.Signals if mask >> number - 1 & 1}


def listening(process):
    """The addresses at which a process listens, as the kernel writes them."""
    files = Path(f"/proc/{process}/fd").iterdir()
    sockets = {os.readlink(file) for file in files if file.is_symlink()}
    lines = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{process}/net/{table}")
        .read_text(encoding="utf-8")
        .splitlines()[1:]
    ]
    # The fourth field is the state, 0A that of a listener; the tenth the number of the socket.
    return {x[1].split(":")[0] for x in lines if x[3] == "0A" and f"socket:[{x[9]}]" in sockets}


def test_ctrl_c_at_the_command_alone_stops_the_runs_in_progress(tmp_path, capfd):
    seen, logs = set(), tmp_path / "logs" / "smoke" / f"search_{NAME}"

    def trains():
        if not any(logs.rglob("events*")):
            return False
        seen.update(listening(part("chief")))
        return True

    asked = Asked(trains, signal.SIGINT)
    assert main(command(tmp_path)) == 130
    assert asked.seconds() < SECONDS / 4
    printed = capfd.readouterr().err
    assert "stopped early; the same command with --resume resumes from here" in printed
    assert "Traceback" not in printed
    assert part("chief") is part("tuner0") is part("tuner1") is None
    # What was in progress goes on from its checkpoint.
    recorded = len(Results(tmp_path, "smoke", f"search_{NAME}").runs())
    assert recorded < 20
    assert recorded or any(logs.rglob("checkpoint.npz"))
    # Nobody outside this machine can reach the chief, whose server asks for no password.
    loopback = "0100007F"
    assert seen
    assert {address[-8:] for address in seen} == {loopback}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_while_workers_start_is_one_sentence(number, tmp_path, capfd):
    unreached = []

    def starts():
        if (process := part("tuner1")) is None:
            return False
        unreached.append(blocked(process))
        return True

    asked = Asked(starts, number)
    assert main(command(tmp_path)) == 130
    assert asked.seconds() < SECONDS / 4
    printed = capfd.readouterr().err
    assert "stopped early" in printed
    assert "Traceback" not in printed
    # Ctrl-C in a terminal reaches the whole process group.
    assert {signal.SIGINT, signal.SIGTERM} <= unreached[0]


def test_a_second_ctrl_c_ends_the_search_at_once(tmp_path, capfd):
    asked = Asked(lambda: part("tuner1") is not None, signal.SIGINT, signal.SIGINT)
    assert main(command(tmp_path)) == 130
    assert asked.seconds() < 10
    assert "Traceback" not in capfd.readouterr().err
    assert part("chief") is part("tuner0") is part("tuner1") is None


@pytest.mark.parametrize("role", ["tuner0", "chief"])
def test_a_part_on_its_own_ends_at_the_first_sigterm(role, tmp_path, monkeypatch):
    """A worker without its chief waits for it, a chief without workers for them."""
    for name, value in (CHIEF | {"TUNER_ID": role, "ORACLE_PORT": "0"}).items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    begun = time.monotonic()
    # The second one would end it in any case.
    asked = Asked(lambda: time.monotonic() - begun > 2, signal.SIGTERM)
    late = threading.Timer(20, os.kill, (os.getpid(), signal.SIGTERM))
    late.start()
    assert main(command(tmp_path)) == 130
    assert asked.seconds() < 10
    late.cancel()


@pytest.mark.parametrize(
    ("variables", "printed"),
    [
        ({"ORACLE_IP": "127.0.0.1"}, "set KERASTUNER_TUNER_ID and KERASTUNER_ORACLE_PORT too"),
        ({"TUNER_ID": "tuner0"}, "set KERASTUNER_ORACLE_IP and KERASTUNER_ORACLE_PORT too"),
        (CHIEF | {"ORACLE_PORT": "http"}, "KERASTUNER_ORACLE_PORT=http"),
        (CHIEF | {"ORACLE_IP": "192.0.2.1"}, "cannot listen at 192.0.2.1:1"),
    ],
)
def test_variables_that_name_no_chief_are_one_sentence(
    variables, printed, tmp_path, monkeypatch, capsys
):
    for name, value in variables.items():
        monkeypatch.setenv(f"KERASTUNER_{name}", value)
    assert main(command(tmp_path)) == 2
    assert printed in capsys.readouterr().err
