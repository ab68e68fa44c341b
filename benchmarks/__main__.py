"""Compares this project's speed with its peers'; writes results/bench.csv and results/bench.json.

Contestants take turns, block by block, each in its own process, so that a change in the machine's
speed affects all of them. A reported ratio is the median of the ratios of neighbouring blocks.
"""

import argparse
import csv
import json
import os
import platform
import shlex
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.cases import CASES
from benchmarks.events import UPDATES as LOGGED_UPDATES
from benchmarks.limits import WEIGHTS
from benchmarks.predicting import NETWORKS
from benchmarks.working import RUNS, UPDATES
from reproduce.record import commit

ROUNDS = 7
# The other processes' threads spin for a while after their block; let them fall asleep.
PAUSE_SECONDS = 0.3
COLUMNS = ("case", "peer", "ours", "theirs", "unit", "ratio", "ratio_min", "ratio_max", "n")
OURS = "ours"


@dataclass(frozen=True)
class Entry:
    """One contestant of a group: the module that it runs, and that module's case."""

    label: str
    module: str
    case: str

    @property
    def is_peer(self) -> bool:
        return self.module in ("stock_keras", "pytorch", "jax_scan")


@dataclass(frozen=True)
class Group:
    """Contestants that take turns; the first is this project's, the others are compared with it."""

    case: str
    unit: str
    # The seconds of a block are divided by this and multiplied by `scale`.
    per_block: int
    scale: float
    entries: tuple[Entry, ...]
    # The most memory that the first may take, in MiB.
    limit_mib: float | None = None


def training(case: str, *modules: str, also: tuple[str, ...] = (), limit_mib=None) -> Group:
    labels = {
        "stock_keras": "stock Keras, fit",
        "pytorch": "PyTorch",
        "jax_scan": "JAX, one scan",
    }
    entries = [Entry(OURS, "ours", case)]
    entries += [Entry(labels[module], module, case) for module in modules]
    if CASES[case].filters:
        entries.append(Entry("convolutions and products alone", "limits", case))
    else:
        entries.append(Entry("matrix products alone", "limits", case))
        entries.append(Entry("matrix products, weights moved", "limits", case + WEIGHTS))
    entries += [Entry(f"ours, {other.rsplit(' ', 1)[1]}", "ours", other) for other in also]
    return Group(case, "ms/update", CASES[case].updates, 1e3, tuple(entries), limit_mib)


MLP_PEERS = ("stock_keras", "pytorch", "jax_scan")
GROUPS = (
    training("3x1024 none", *MLP_PEERS),
    training("3x1024 dropout", *MLP_PEERS, also=("3x1024 none",)),
    training("3x1024 dropout + max-norm", *MLP_PEERS, also=("3x1024 none",), limit_mib=1536),
    training("2x4096 dropout + max-norm", *MLP_PEERS),
    training("CIFAR third width none", "stock_keras", "pytorch"),
    training(
        "CIFAR third width dropout", "stock_keras", "pytorch", also=("CIFAR third width none",)
    ),
    training("CIFAR third width dropout + max-norm", "stock_keras", "pytorch"),
    training(
        "CIFAR full width dropout + max-norm",
        "stock_keras",
        "pytorch",
        also=("CIFAR full width none",),
        limit_mib=4096,
    ),
    *(
        Group(
            f"Monte-Carlo prediction, {network}",
            "s",
            1,
            1.0,
            (
                Entry("monte_carlo_predict", "predicting", f"{network}, ours"),
                Entry("loop over model(x, training=True)", "predicting", f"{network}, loop"),
                *extra,
            ),
        )
        for network, extra in (
            (
                NETWORKS[0],
                (
                    Entry("matrix products alone", "predicting", f"{NETWORKS[0]}, bare"),
                    Entry(
                        "the net sampled, nothing added up", "predicting", f"{NETWORKS[0]}, graph"
                    ),
                ),
            ),
            (NETWORKS[1], ()),
        )
    ),
    Group(
        f"a run of {LOGGED_UPDATES:,} updates, 3x1024",
        "s",
        1,
        1.0,
        (Entry("logged", "events", "logged"), Entry("not logged", "events", "not logged")),
    ),
    Group(
        f"{RUNS} small runs, 2 workers",
        "ms/update",
        RUNS * UPDATES,
        1e3,
        (Entry("2 workers", "working", "2"), Entry("one process", "working", "1")),
    ),
)
# Commands that a user waits for, and the limits in seconds that the design sets.
COLD = {
    "cold start of list": (["list"], 0.5),
    "cold start of report": (["report", "--results-dir", "results"], 5.0),
}


class Contestant:
    """A process that trains one block per request."""

    def __init__(self, entry: Entry, peers: str):
        python = peers if entry.is_peer else sys.executable
        self.command = [python, "-m", "benchmarks.contestant", entry.module, entry.case]
        self.entry, self.began = entry, time.perf_counter()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdin and self.process.stdout
        self.requests, self.answers = self.process.stdin, self.process.stdout
        self.answer = self._read()
        self.settings = self.answer["settings"]
        self.first_mib = self.answer["resident_mib"]

    def _read(self) -> dict:
        line = self.answers.readline()
        if not line:
            raise SystemExit(
                f"error: {shlex.join(self.command)} ended early; run it by hand to see why"
            )
        return json.loads(line)

    def block(self) -> float:
        self.requests.write("block\n")
        self.requests.flush()
        self.answer = self._read()
        return self.answer["seconds"]

    def close(self) -> None:
        self.requests.close()
        self.process.wait()


def compare(group: Group, peers: str, settings: dict) -> Iterator[tuple]:
    """Rows of one group: its first contestant against each other one, and against its limit."""
    contestants = [Contestant(entry, peers) for entry in group.entries]
    seconds: list[list[float]] = [[] for _ in contestants]
    for _ in range(ROUNDS):
        for contestant, times in zip(contestants, seconds, strict=True):
            times.append(contestant.block())
            time.sleep(PAUSE_SECONDS)
    for contestant in contestants:
        contestant.close()
        settings[f"{group.case}: {contestant.entry.label}"] = contestant.settings
    factor = group.scale / group.per_block
    ours, *others = ([factor * s for s in times] for times in seconds)
    for contestant, theirs in zip(contestants[1:], others, strict=True):
        yield row(group.case, contestant.entry.label, ours, theirs, group.unit)
    for contestant in contestants[1:]:
        if contestant.entry.is_peer:
            peaks = contestants[0].answer["peak_mib"], contestant.answer["peak_mib"]
            yield row(f"{group.case}, peak memory", contestant.entry.label, *peaks, "MiB")
    if group.limit_mib:
        first = contestants[0]
        peak = first.answer["peak_mib"]
        yield row(f"{group.case}, peak memory", "limit", peak, group.limit_mib, "MiB")
        pair = first.answer["resident_mib"], first.first_mib
        yield row(f"{group.case}, memory after {ROUNDS} blocks", "after the first", *pair, "MiB")


def row(case: str, peer: str, ours, theirs, unit: str) -> tuple:
    ours, theirs = (x if isinstance(x, list) else [x] for x in (ours, theirs))
    ratios = [a / b for a, b in zip(ours, theirs, strict=True)]
    middle = statistics.median
    numbers = (middle(ours), middle(theirs), middle(ratios), min(ratios), max(ratios))
    ours_text, theirs_text, ratio, low, high = (f"{n:.4g}" for n in numbers)
    return case, peer, ours_text, theirs_text, unit, ratio, low, high, len(ratios)


def cold(peers: str) -> Iterator[tuple]:
    for case, (arguments, limit) in COLD.items():
        command = [sys.executable, "-m", "reproduce", *arguments]
        yield row(case, "limit", [_seconds(command) for _ in range(5)], [limit] * 5, "s")
    case = "cold start to the first update"
    commands = [
        [python, "-m", "benchmarks.first_update", module]
        for python, module in ((sys.executable, "ours"), (peers, "stock_keras"))
    ]
    times = [[_seconds(command) for command in commands] for _ in range(5)]
    ours, theirs = (list(column) for column in zip(*times, strict=True))
    yield row(case, "stock Keras, fit", ours, theirs, "s")


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def machine(peers: str) -> dict:
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), cpu)
    packages = ("jax", "keras", "numpy", "tensorflow", "torch")
    asked = f"import importlib.metadata as m; print(*(m.version(n) for n in {packages}))"
    found = subprocess.run([peers, "-c", asked], check=True, capture_output=True, text=True)
    return {
        "cpu": cpu,
        "commit": commit(),
        "threads": len(os.sched_getaffinity(0)),
        "ours": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
        "peers": dict(zip(packages, found.stdout.split(), strict=True)),
        "rounds": ROUNDS,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--peers", required=True, help="the Python of the peers' environment")
    parser.add_argument(
        "--only", default="", help="groups whose name contains this; writes nothing"
    )
    arguments = parser.parse_args()
    rows: list[tuple] = []
    settings: dict[str, str] = {}
    chosen = [group for group in GROUPS if arguments.only in group.case]
    sources = [compare(group, arguments.peers, settings) for group in chosen]
    if arguments.only in "cold start":
        sources.append(cold(arguments.peers))
    for source in sources:
        for line in source:
            rows.append(line)
            print(",".join(map(str, line)), flush=True)
    if arguments.only:
        return
    folder = Path("results")
    with (folder / "bench.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    about = machine(arguments.peers) | {"settings": settings}
    (folder / "bench.json").write_text(json.dumps(about, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
