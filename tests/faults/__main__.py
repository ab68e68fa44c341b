"""Tries every kind of fault, and prints what was tried and what survived."""

import argparse
import random
import sys
import tempfile
import time
from pathlib import Path

from tests.faults import commands, files, kills, sources
from tests.faults.tried import Tried

# How often each kind is tried.
KINDS = {
    "files": (files.check, 400),
    "commands": (commands.check, 1_000),
    "sources": (sources.check, 200),
    "kills": (kills.check, 24),
}


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"{', '.join(KINDS)} (all)")
    parser.add_argument("--count", type=int, metavar="N", help="tries of each kind")
    parser.add_argument("--seed", type=int, metavar="S", help="default: from the clock")
    asked = parser.parse_args(argv)
    if unknown := set(asked.kinds) - set(KINDS):
        parser.error(f"unknown kind {min(unknown)!r}; the kinds are {', '.join(KINDS)}")
    seed = asked.seed if asked.seed is not None else time.time_ns() % 10**9
    print(f"seed {seed}", flush=True)
    everything = Tried()
    for kind in asked.kinds or KINDS:
        check, count = KINDS[kind]
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            tried = check(asked.count or count, random.Random(seed), Path(folder) / kind)
        print(f"\n{kind}: {time.monotonic() - began:.0f} s")
        for fault, times in sorted(tried.counts.items()):
            print(f"    {times:>5} {fault}")
        for sentence in tried.harm:
            print(f"    HARM {sentence}", flush=True)
        everything += tried
    total = sum(everything.counts.values())
    print(f"\n{total} faults tried, {len(everything.harm)} did harm")
    return int(bool(everything.harm))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
