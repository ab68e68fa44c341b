"""The command line. `list`, `report` and their help never import TensorFlow."""

import argparse
import json
import os
import sys
from pathlib import Path

from reproduce import PROFILES, UserError, overview, plan

RESULTS_DIR = Path("results")
LOG_DIR = Path("logs")
COSTS = (
    "Expected costs: two cores of the machine in README's table of speed; half as fast a machine "
    "takes twice as long. `paper`: one H200, a guess from two networks."
)


def main(argv: list[str]) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return arguments.command(arguments, argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # whoever read the output has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what was finished is recorded", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reproduce", description=__doc__.split(".")[0])
    commands = parser.add_subparsers(required=True, metavar="command")

    command = commands.add_parser("list", help="experiments: runs done and expected cost")
    command.add_argument("--json", action="store_true", help="machine-readable")
    _add_results_dir(command)
    command.set_defaults(command=_list)

    command = commands.add_parser("run", help="run what is missing, skip what is done")
    command.add_argument("names", nargs="+", metavar="NAME", help="experiments, or `all`")
    command.add_argument("--profile", default="quick", help=f"one of {', '.join(PROFILES)}")
    command.add_argument("--seeds", type=_seeds, help="final runs an arm")
    command.add_argument("--minutes", type=_positive, help="stop cleanly before this time is over")
    command.add_argument("--workers", type=_positive_int, help="runs side by side")
    _add_data_dir(command)
    _add_results_dir(command)
    command.set_defaults(command=_run)

    command = commands.add_parser("search", help="look for better settings with keras-tuner")
    command.add_argument("name", metavar="NAME", help="an experiment that declares a search space")
    command.add_argument("--profile", default="quick", help=f"one of {', '.join(PROFILES)}")
    command.add_argument("--tuner", default="random", help="grid, random, bayesian or hyperband")
    command.add_argument("--trials", type=_positive_int, default=20, help="settings to try")
    command.add_argument("--seeds", type=_seeds, default=2, help="runs a trial")
    command.add_argument("--workers", type=_positive_int, help="trials side by side")
    again = command.add_mutually_exclusive_group()
    again.add_argument("--resume", action="store_true", help="go on with an earlier search")
    again.add_argument("--overwrite", action="store_true", help="forget an earlier search")
    _add_data_dir(command)
    _add_results_dir(command)
    command.set_defaults(command=_search)

    command = commands.add_parser("report", help="redraw tables, figures, REPORT.md and README")
    command.add_argument("--profile", help="print this profile's tables only")
    _add_results_dir(command)
    command.set_defaults(command=_report)

    command = commands.add_parser("data", help="fetch and verify the data sets")
    command.add_argument("names", nargs="*", metavar="NAME", help="default: mnist cifar10")
    _add_data_dir(command)
    command.set_defaults(command=_data)
    return parser


def _add_results_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--results-dir", type=Path, default=RESULTS_DIR, metavar="D")


def _add_data_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--data-dir", type=Path, metavar="D", help="a folder with the data's files"
    )


def _positive_int(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _seeds(text: str) -> int:
    seeds = _positive_int(text)
    if seeds >= plan.FIRST_CHOICE_SEED:
        raise argparse.ArgumentTypeError(
            f"{text} is too many: seeds from {plan.FIRST_CHOICE_SEED} on are for choosing settings"
        )
    return seeds


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of minutes above 0")
    return value


def _check_profile(profile: str) -> None:
    if profile not in PROFILES:
        raise UserError(f"unknown profile {profile!r}; the profiles are {', '.join(PROFILES)}")


def _list(arguments: argparse.Namespace, argv: list[str]) -> int:
    table = [overview.status(name, arguments.results_dir) for name in plan.names()]
    if arguments.json:
        print(json.dumps(table, indent=1))
        return 0
    for entry in table:
        print(f"{entry['name']}: {entry['title']} ({entry['source']})")
        for profile, told in entry["profiles"].items():
            done = f"{told['runs_done']}/{told['runs_total']} runs done"
            print(
                f"    {profile:<6} {done:<20} about {_duration(told['minutes'])}: {told['budget']}"
            )
    print(COSTS)
    return 0


def _duration(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def _run(arguments: argparse.Namespace, argv: list[str]) -> int:
    _check_profile(arguments.profile)
    named = [name for name in arguments.names if name != "all"]
    for name in named:
        plan.load(name)
    names = plan.names() if len(named) < len(arguments.names) else list(dict.fromkeys(named))
    from reproduce import campaign

    results_dir = arguments.results_dir
    options = campaign.Options(
        profile=arguments.profile,
        seeds=arguments.seeds,
        minutes=arguments.minutes,
        workers=arguments.workers or _default_workers(),
        data_dir=arguments.data_dir,
        results_dir=results_dir,
        log_dir=LOG_DIR if results_dir == RESULTS_DIR else results_dir / "logs",
    )
    return campaign.run(names, options, argv)


def _search(arguments: argparse.Namespace, argv: list[str]) -> int:
    _check_profile(arguments.profile)
    from reproduce import search

    results_dir = arguments.results_dir
    options = search.Options(
        name=arguments.name,
        profile=arguments.profile,
        tuner=arguments.tuner,
        trials=arguments.trials,
        seeds=arguments.seeds,
        workers=arguments.workers or _default_workers(),
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        data_dir=arguments.data_dir,
        results_dir=results_dir,
        log_dir=LOG_DIR if results_dir == RESULTS_DIR else results_dir / "logs",
    )
    return search.run(options, argv)


def _default_workers() -> int:
    """One process a core, at one thread each, is faster for small networks than one process on all
    cores; a GPU is best used by one process."""
    from reproduce.campaign import cores

    has_gpu = Path("/dev/nvidiactl").exists() and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
    return 1 if has_gpu else min(cores(), 8)


def _report(arguments: argparse.Namespace, argv: list[str]) -> int:
    if arguments.profile:
        _check_profile(arguments.profile)
    from reproduce import report

    return report.write(arguments.results_dir, arguments.profile)


def _data(arguments: argparse.Namespace, argv: list[str]) -> int:
    from reproduce import data

    for name in arguments.names or ["mnist", "cifar10"]:
        dataset = data.load(name, arguments.data_dir)
        shape = " x ".join(map(str, dataset.shape))
        test = len(dataset.labels) - dataset.training
        print(
            f"{name}: {dataset.training:,} training and {test:,} test images of {shape}, verified"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
