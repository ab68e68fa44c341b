"""Committed rows and all that is drawn from them -> what does not follow from what.

In: a results folder. Out: `run`, which prints every fault and returns 1 if there is one.

Open `rows.py` first (what a row must state), then `drawn.py` (report, page, README, lesson),
`environment.py` (the installed packages) and `again.py`, which repeats runs; it needs TensorFlow,
so it is imported only for `--rerun`.
"""

from pathlib import Path

from reproduce.errors import UserError
from reproduce.verify import drawn, environment, rows

__all__ = ["run"]

MOST_SHOWN = 20


def run(results_dir: Path, rerun: int = 0, data_dir: Path | None = None) -> int:
    """Prints what was checked and every fault; returns the exit status."""
    if not any(results_dir.glob("*/*.json")):
        raise UserError(f"{results_dir} has no rows to check; `run` makes them")
    checks = (rows.check(results_dir), environment.check(), drawn.check(results_dir))
    faults: list[str] = []
    for check in checks:
        faults += check.faults
        for sentence in (*_shortened(check.faults), check.summary):
            print(sentence, flush=True)
    if rerun:
        from reproduce.verify import again

        repeated = again.check(results_dir, rerun, data_dir)
        faults += repeated.faults
        for sentence in (*repeated.faults, repeated.summary):
            print(sentence)
    print(f"{len(faults)} faults" if faults else "no fault found")
    return int(bool(faults))


def _shortened(faults: list[str]) -> list[str]:
    more = len(faults) - MOST_SHOWN
    return (
        faults if more <= 0 else [*faults[:MOST_SHOWN], f"... and {more} more faults of this kind"]
    )
