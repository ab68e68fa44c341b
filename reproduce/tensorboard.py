"""Event logs -> TensorBoard's address, on this machine only: `make tensorboard`."""

import argparse
import re
import sys
import threading
from pathlib import Path
from urllib.parse import quote

from reproduce import experiments
from reproduce.errors import UserError
from reproduce.plan import slug

LOGS, HOST = Path("logs"), "127.0.0.1"
ADVICE = """\
Time Series shows error and loss first, {colours};
Images shows features, masks and misclassified digits; HParams compares the settings that vary.
{many}Ctrl-C ends it."""
# TensorBoard's own limits.
MANY = """\
Of more than 500 runs Time Series ticks none at first, of more than 40 the other pages: type a part
of some runs' names at the left and tick them, or look at one experiment: NAME=table9 PROFILE=cpu.
"""


def folders(logs: Path, profile: str, name: str) -> list[Path]:
    """The log folders of an experiment: its final runs', and those of the choice of settings."""
    here = logs / profile
    found = [f for f in (here / name, here / f"{name}_choice") if name and f.is_dir()]
    if not found:
        logged = {f.name.removesuffix("_choice") for f in here.glob("*") if f.is_dir()}
        valid = ", ".join(sorted(logged)) or "none yet; `python -m reproduce run` writes them"
        raise UserError(f"{here} has no logs of {name!r}; it has those of: {valid}")
    return found


def arguments(logs: Path, profile: str, name: str) -> list[str]:
    """TensorBoard's own: all logs, or those of one experiment at a profile."""
    if not name:
        return ["--logdir", str(logs)]
    return ["--logdir_spec", ",".join(f"{f.name}:{f}" for f in folders(logs, profile, name))]


def colours(name: str) -> tuple[str, str]:
    """What has a colour of its own, and the pattern of the part of a run's name that decides it."""
    if name not in experiments.names():
        return "a colour for each experiment", "(.*)/"
    arms = {slug(cell.arm) for cell in experiments.load(name).cells}
    # The longest first: an arm's name may begin with another's.
    each = "|".join(re.escape(arm) for arm in sorted(arms, key=lambda arm: (-len(arm), arm)))
    return "a colour for each arm", f"/({each})"


def serve(logs: Path, profile: str, name: str, port: int | None = None) -> None:
    """Prints the address and serves until Ctrl-C."""
    asked = arguments(logs, profile, name)
    from tensorboard import program

    board = program.TensorBoard()
    own = ["--port", str(port)] if port is not None else []
    board.configure(["tensorboard", *asked, "--host", HOST, *own])
    what, pattern = colours(name)
    address = f"{board.launch()}?runColorGroup={quote(f'regex:{pattern}')}#timeseries"
    print(f"{address}\n{ADVICE.format(colours=what, many='' if name else MANY)}", flush=True)
    threading.Event().wait()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m reproduce.tensorboard", description=__doc__)
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="default: all logs")
    parser.add_argument("--profile", default="quick", metavar="P", help="default: quick")
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
