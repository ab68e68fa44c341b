"""One contestant in its own process: prepares a case, then trains one block per request.

python -m benchmarks.contestant NAME CASE reads lines from stdin and answers each with one line of
JSON: the seconds that the block took, and the process's memory in MiB, now and at its peak.
"""

import importlib
import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# This project turns this on, so stock Keras gets it too.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")


def resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def main() -> None:
    name, case = sys.argv[1:3]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what libraries print must not mix with the answers
    block, settings = importlib.import_module(f"benchmarks.{name}").prepare(case)
    block()

    def answer(**values: object) -> None:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            json.dumps({"peak_mib": peak, "resident_mib": resident_mib(), **values}), file=answers
        )
        answers.flush()

    answer(settings=settings)
    for _ in sys.stdin:
        began = time.perf_counter()
        block()
        answer(seconds=time.perf_counter() - began)


if __name__ == "__main__":
    main()
