"""The command-line arguments: names, defaults, help."""

import argparse
from pathlib import Path

from reproduce.files import RESULTS_DIR
from reproduce.plan import FIRST_CHOICE_SEED
from reproduce.spec import PROFILES

PROGRAM = "python -m reproduce"
DESCRIPTION = """\
The experiments of the dropout paper: list, run, search, report; and their data.

Rows go to results/, event logs to logs/. Finished runs are skipped, stopped runs resume."""
# The commands, each with what it does and an example.
COMMANDS = {
    "list": ("list the experiments, with runs, claims decided and expected cost", "list --json"),
    "run": (
        "run what is missing, what decides most claims for its cost first",
        "run table9 fig10 --profile cpu --minutes 60",
    ),
    "search": (
        "look for better settings with keras-tuner",
        "search dropout_rate --tuner bayesian --trials 30",
    ),
    "report": (
        "redraw tables, figures, REPORT.md and the README's block from the rows",
        "report --profile cpu",
    ),
    "verify": (
        "check that rows state where they come from, and that what is drawn follows from them",
        "verify --rerun 3",
    ),
    "data": ("fetch and verify the data sets", "data mnist cifar10 --data-dir ~/data"),
}


def parse(argv: list[str]) -> argparse.Namespace:
    """Parses the command and its arguments; exits with status 2 if they are malformed."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description=DESCRIPTION,
        epilog=f"Example: {PROGRAM} run overfitting. See also {PROGRAM} run --help.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="command", dest="command")
    parsers = {
        name: commands.add_parser(
            name,
            help=what,
            description=f"{what[0].upper()}{what[1:]}.",
            epilog=f"Example: {PROGRAM} {example}",
        )
        for name, (what, example) in COMMANDS.items()
    }
    for add in (_list, _run, _search, _report, _verify, _data):
        add(own := parsers[add.__name__.removeprefix("_")])
        own.allow_abbrev = False  # what a search passes on to its processes is what was typed
    found = parser.parse_args(argv)
    for name, value in vars(found).items():
        if value == [] and name != "names":  # argparse drops the value of `--name=--`
            parser.error(f"argument --{name.replace('_', '-')}: expected one argument")
    return found


def _list(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="machine-readable (default: a table)")
    _add_results_dir(parser)


def _run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", nargs="+", metavar="NAME", help="experiments, or `all`")
    _add_profile(parser)
    parser.add_argument(
        "--seeds", type=_seeds, metavar="N", help="final runs per arm (default: the budget's looks)"
    )
    parser.add_argument(
        "--minutes",
        type=_minutes,
        metavar="M",
        help="stop cleanly before this time is over (default: no limit)",
    )
    _add_workers(parser, "runs")
    parser.add_argument(
        "--stack",
        type=_positive_int,
        metavar="R",
        help="runs side by side in one program (default: 1 on a CPU, as many as pay on a GPU)",
    )
    parser.add_argument(
        "--cluster",
        type=_address,
        metavar="ADDRESS",
        help="a Dask scheduler whose workers train the runs, one a GPU (default: this machine)",
    )
    parser.add_argument(
        "--tf32",
        action="store_true",
        help="let a GPU round products to ten bits (default: float32; provenance says which)",
    )
    _add_folders(parser)


def _search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="an experiment that declares a search space")
    _add_profile(parser)
    parser.add_argument(
        "--tuner",
        default="random",
        metavar="T",
        help="grid, random, bayesian or hyperband (default: %(default)s)",
    )
    parser.add_argument(
        "--trials",
        type=_positive_int,
        default=20,
        metavar="N",
        help="settings to try (default: %(default)s)",
    )
    parser.add_argument(
        "--seeds", type=_seeds, default=2, metavar="N", help="runs per trial (default: %(default)s)"
    )
    _add_workers(parser, "trials")
    again = parser.add_mutually_exclusive_group()
    again.add_argument(
        "--resume", action="store_true", help="continue an earlier search (default: refuse)"
    )
    again.add_argument(
        "--overwrite", action="store_true", help="delete an earlier search (default: refuse)"
    )
    _add_folders(parser)


def _report(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(PROFILES)
    parser.add_argument(
        "--profile",
        metavar="P",
        help=f"print the tables of this profile only: {names} (default: all)",
    )
    _add_results_dir(parser)


def _verify(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--rerun",
        type=_positive_int,
        default=0,
        metavar="K",
        help="also repeat K random cheap runs and compare their rows (default: none)",
    )
    _add_folders(parser)


def _data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="data sets (default: mnist cifar10)"
    )
    _add_data_dir(parser)


def _add_profile(parser: argparse.ArgumentParser) -> None:
    text = f"{', '.join(PROFILES)} (default: %(default)s)"
    parser.add_argument("--profile", default="quick", metavar="P", help=text)


def _add_workers(parser: argparse.ArgumentParser, what: str) -> None:
    text = f"parallel {what} (default: one per core, at most 8; 1 with a GPU)"
    parser.add_argument("--workers", type=_positive_int, metavar="N", help=text)


def _add_folders(parser: argparse.ArgumentParser) -> None:
    _add_data_dir(parser)
    _add_results_dir(parser)


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    text = "a folder with the data files (default: $REPRODUCE_DATA_DIR, the cache, the network)"
    parser.add_argument("--data-dir", type=Path, metavar="D", help=text)


def _add_results_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--results-dir",
        type=Path,
        default=RESULTS_DIR,
        metavar="D",
        help="where the rows are (default: %(default)s)",
    )


def _positive_int(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)


def _seeds(text: str) -> int:
    seeds = _positive_int(text)
    if seeds >= FIRST_CHOICE_SEED:
        raise argparse.ArgumentTypeError(
            f"{text} is too many: seeds from {FIRST_CHOICE_SEED} on are for choosing settings"
        )
    return seeds


def _address(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("'' is not an address such as tcp://10.0.0.1:8786")
    return text


def _minutes(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return value
