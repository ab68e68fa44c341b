"""Event logs -> TensorBoard's address, on this machine only: `make tensorboard`."""

import argparse
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from reproduce.errors import UserError
from reproduce.machine import import_tensorflow
from reproduce.spec import PROFILES

LOGS, HOST = Path("logs"), "127.0.0.1"
ADVICE = """\
Time Series shows error and loss first, {colours};
Images shows features, masks and misclassified digits; HParams compares the settings that vary.
{many}Ctrl-C ends it."""
# The part of a run's name that decides its colour: of all runs the experiment, of one experiment's
# the arm and its settings, so that seeds share a colour.
OF_ALL, OF_ONE = "(.*)/", "(.*)-seed-"
# TensorBoard's own limits.
MANY = """\
Of more than 500 runs Time Series ticks none at first, of more than 40 the other pages: type a part
of some runs' names at the left and tick them, or look at one experiment: NAME=table9 PROFILE=cpu.
"""


def folder(logs: Path, profile: str | None, name: str) -> Path:
    """Where the logs are: all of them, those of a profile, or those of one experiment's runs at a
    profile (None: quick), the runs that chose its settings included."""
    if profile not in (None, *PROFILES):
        raise UserError(f"unknown profile {profile!r}; the profiles are {', '.join(PROFILES)}")
    if not name:
        shown = logs / (profile or "")
        if not shown.is_dir():
            raise UserError(
                f"there is no folder {shown} with logs; `python -m reproduce run` makes it"
            )
        return shown
    profile = profile or "quick"
    found = logs / profile / name
    if not found.is_dir():
        raise UserError(f"{found.parent} has no logs of {name!r}; {_valid(logs, profile, name)}")
    return found


def _valid(logs: Path, profile: str, name: str) -> str:
    if others := sorted({f.parent.name for f in logs.glob("*/*") if f.name == name}):
        return f"the profiles that have some are {', '.join(others)}"
    if logged := sorted(f.name for f in (logs / profile).glob("*") if f.is_dir()):
        return f"it has those of {', '.join(logged)}"
    return f"`python -m reproduce run {name} --profile {profile}` writes them"


def serve(logs: Path, profile: str | None, name: str, port: int | None = None) -> None:
    """Prints the address and serves until Ctrl-C."""
    shown = folder(logs, profile, name)
    import_tensorflow()  # as TensorBoard does, but quietly
    from tensorboard import program

    board = program.TensorBoard()
    own = ["--port", str(port)] if port is not None else []
    board.configure(["tensorboard", "--logdir", str(shown), "--host", HOST, *own])
    pattern = quote(f"regex:{OF_ONE if name else OF_ALL}")
    colours = "setting, whatever its seed" if name else "experiment"
    # No smoothing: the curves are what was measured.
    try:
        address = board.launch()
    except program.TensorBoardServerException as error:  # a port in use, or no port at all
        raise UserError(" ".join(str(error).split())) from None
    print(f"{address}?smoothing=0&runColorGroup={pattern}#timeseries")
    advice = ADVICE.format(colours=f"a colour for each {colours}", many="" if name else MANY)
    print(advice, flush=True)
    threading.Event().wait()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m reproduce.tensorboard", description=__doc__)
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="default: all logs")
    parser.add_argument("--profile", metavar="P", help="default: all, of one experiment quick")
    parser.add_argument("--logs", type=Path, default=LOGS, metavar="D", help="default: logs")
    parser.add_argument("--port", type=int, metavar="N", help="default: the first that is free")
    asked = parser.parse_args(argv)
    try:
        serve(asked.logs, asked.profile, asked.name, asked.port)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
