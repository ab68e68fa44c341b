"""What was tried, and what a refusal must look like."""

import contextlib
import io
from collections import Counter
from dataclasses import dataclass, field

from reproduce.__main__ import main

# Done, a run failed or a fault was found, refused, stopped.
STATUSES = (0, 1, 2, 130)


@dataclass
class Tried:
    """Counts by fault, and a sentence for each one that did harm."""

    counts: Counter[str] = field(default_factory=Counter)
    harm: list[str] = field(default_factory=list)

    def __iadd__(self, other: "Tried") -> "Tried":
        self.counts += other.counts
        self.harm += other.harm
        return self

    def took(self, fault: str, *harm: str) -> None:
        self.counts[fault] += 1
        self.harm += [f"{fault}: {each}" for each in harm if each]


def call(*argv: str) -> tuple[int, str]:
    """A command in this process: its exit status and what it printed to standard error."""
    said = io.StringIO()
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(io.StringIO()):
        try:
            status = main(list(argv))
        except SystemExit as end:  # of argparse
            status = end.code
        except BaseException as error:
            return -1, f"{said.getvalue()}Traceback: {type(error).__name__}: {error}"
    return status, said.getvalue()


def harm_of(status: int, said: str, allowed=STATUSES) -> str:
    """What is wrong with how a command ended; empty if nothing is."""
    if "Traceback" in said:
        return f"a traceback: {said.strip().splitlines()[-1]}"
    if status not in allowed:
        return f"exit status {status}, not one of {allowed}"
    refusals = [line for line in said.splitlines() if "error: " in line]
    if status == 2 and len(refusals) != 1:
        return f"{len(refusals)} sentences of refusal: {said!r}"
    return ""
