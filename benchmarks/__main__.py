"""Compares this project's speed with its peers'; writes results/bench*.csv and .json.

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
from importlib.metadata import version
from pathlib import Path

from benchmarks.groups import PARTS, Entry, Group
from reproduce.machine import has_gpu
from reproduce.record import commit

ROUNDS = 7
# The other processes' threads spin for a while after their block; let them fall asleep.
PAUSE_SECONDS = 0.3
FILES = {"training": "bench", "layers": "bench_layers", "gpu": "bench_gpu"}
FILES_OF_CPU = ("training", "layers")
COLUMNS = ("case", "peer", "ours", "theirs", "unit", "ratio", "ratio_min", "ratio_max", "n")


# Commands that a user waits for, and the limits in seconds that the design sets.
COLD = {
    "cold start of list": (["list"], 0.5),
    "cold start of report": (["report", "--results-dir", "results"], 5.0),
}
COLD_LAYERS = "three dropouts, cold start to the first update", "Keras's layers, and a second"


class Contestant:
    """A process that trains one block per request."""

    def __init__(self, entry: Entry, peers: str):
        python = peers if entry.needs_peers else sys.executable
        self.command = [python, "-m", "benchmarks.contestant", entry.module, entry.case]
        self.entry, self.began = entry, time.perf_counter()
        self.process = subprocess.Popen(
            self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "KERAS_BACKEND": entry.backend},
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
    ours, theirs = _in_turns(commands)
    yield row(case, "stock Keras, fit", ours, theirs, "s")


def cold_layers() -> Iterator[tuple]:
    """From a process's start to the end of its first `fit`, of one update."""
    module = [sys.executable, "-m", "benchmarks.layers_alone"]
    ours, theirs = _in_turns([[*module, "ours"], [*module, "Keras"]])
    case, limit = COLD_LAYERS
    yield row(case, "Keras's layers", ours, theirs, "s")
    yield row(case, limit, ours, [s + 1 for s in theirs], "s")


def _in_turns(commands: list[list[str]]) -> list[list[float]]:
    times = [[_seconds(command) for command in commands] for _ in range(5)]
    return [list(column) for column in zip(*times, strict=True)]


def _seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - began


def machine(peers: str) -> dict:
    cpu = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line.split(": ")[1] for line in lines if line.startswith("model name")), cpu)
    packages = ("jax", "keras", "numpy", "tensorflow", "torch")
    asked = f"import importlib.metadata as m; print(*(m.version(n) for n in {packages}))"
    found = subprocess.run([peers, "-c", asked], check=True, capture_output=True, text=True)
    return {
        "cpu": cpu,
        "commit": commit(),
        "gpu": gpu(),
        "threads": len(os.sched_getaffinity(0)),
        "ours": {name: version(name) for name in ("keras", "numpy", "tensorflow")},
        "peers": dict(zip(packages, found.stdout.split(), strict=True)),
        "rounds": ROUNDS,
    }


def gpu() -> str:
    """The GPU's name; empty without one."""
    asked = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
    if not has_gpu():
        return ""
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--peers", required=True, help="the Python of the peers' environment")
    parser.add_argument("--part", choices=PARTS, help="one part alone, instead of both")
    parser.add_argument(
        "--only", default="", help="groups whose name contains this; writes nothing"
    )
    arguments = parser.parse_args()
    # The GPU's part only where there is one, and alone: the others are of a CPU.
    for part in [arguments.part] if arguments.part else ["gpu"] if has_gpu() else FILES_OF_CPU:
        bench(part, arguments.peers, arguments.only)


def bench(part: str, peers: str, only: str) -> None:
    """Measures the groups of a part, and writes its rows, with the machine beside them."""
    rows: list[tuple] = []
    settings: dict[str, str] = {}
    chosen = [group for group in PARTS[part] if only in group.case]
    sources = [compare(group, peers, settings) for group in chosen]
    if only in "cold start" and part != "gpu":
        sources.append(cold(peers) if part == "training" else cold_layers())
    for source in sources:
        for line in source:
            rows.append(line)
            print(",".join(map(str, line)), flush=True)
    if only:
        return
    path = Path("results") / FILES[part]
    with path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])
    about = machine(peers) | {"settings": settings}
    path.with_suffix(".json").write_text(
        json.dumps(about, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
