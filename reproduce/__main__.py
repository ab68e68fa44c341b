"""The command line: each command passes its arguments to the package that does the work.

Each command imports only the packages that it needs, so `list`, `report` and every --help work
without TensorFlow.
"""

import errno
import json
import os
import shlex
import sys
from argparse import Namespace

from reproduce import signals

if __name__ == "__main__":  # the imports below take up to a second
    signals.end_at_once()

from reproduce import experiments, plan
from reproduce.arguments import PROGRAM, parse
from reproduce.errors import UserError
from reproduce.machine import MOST_WORKERS, cores, default_workers
from reproduce.spec import PROFILES

COSTS = (
    "Costs are those up to the next look at the claims, on two cores: as long as the finished runs "
    "took, else as on the machine of the speed table in results/REPORT.md; other cores may take "
    "three times as long. On a GPU: one H100, from measured updates of runs side by side."
)

# Of a write, which does not name the file.
DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS, errno.ENOENT)


def main(argv: list[str]) -> int:
    """Runs one command; returns its exit status."""
    commands = {
        "list": _list,
        "run": _run,
        "search": _search,
        "report": _report,
        "verify": _verify,
        "data": _data,
    }
    arguments = parse(argv)
    try:
        with signals.watched():
            return commands[arguments.command](arguments, argv)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # the reader of the output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None and error.errno not in DISK_ERRORS:
            raise
        where = error.filename or "a file cannot be written, finished runs are recorded"
        print(f"error: {where}: {error.strerror}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(signals.SAID, file=sys.stderr)
        return signals.STATUS


def _list(arguments: Namespace, argv: list[str]) -> int:
    table, refused = [], []
    for name in experiments.names():
        try:
            table.append(plan.status(name, arguments.results_dir))
        except UserError as error:
            refused.append(str(error))
    for sentence in refused:
        print(f"error: {sentence}", file=sys.stderr)
    if arguments.json:
        print(json.dumps(table, indent=1))
        return _left_out() or 2 * bool(refused)
    for entry in table:
        print(f"{entry['name']}: {entry['title']} ({entry['source']})")
        for profile, state in entry["profiles"].items():
            done = f"{state['runs_done']}/{state['runs_total']} runs"
            decided = f"{state['claims_decided']}/{state['claims_total']} claims decided"
            print(f"    {profile:<6} {done:<13} {decided:<20} {_left(state)}: {state['budget']}")
    print(COSTS)
    return _left_out() or 2 * bool(refused)


def _left_out() -> int:
    """Says which experiments were left out since a file has an error; the exit status then is 2."""
    left_out: dict[str, list[str]] = {}
    for name, why in experiments.broken().items():
        left_out.setdefault(why, []).append(name)
    for why, names in left_out.items():
        print(f"error: {why} (left out: {', '.join(names)})", file=sys.stderr)
    return 2 if left_out else 0


def _left(state: dict) -> str:
    """What the missing runs are expected to cost."""
    if state["runs_done"] == state["runs_total"]:
        return "done"
    cost = f"about {_format_minutes(state['minutes_left'])} left"
    gpu = state["gpu_minutes_left"]
    return cost if gpu is None else f"{cost}, {_format_minutes(gpu)} on a GPU"


def _format_minutes(minutes: float) -> str:
    if minutes < 1:
        return f"{60 * minutes:.0f} s"
    return f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.0f} h"


def _run(arguments: Namespace, argv: list[str]) -> int:
    named = [name for name in arguments.names if name != "all"]
    for name in named:
        experiments.load(name)
    is_all = len(named) < len(arguments.names)
    names = experiments.names() if is_all else list(dict.fromkeys(named))
    left_out = _left_out() if is_all else 0
    from reproduce import campaign

    if arguments.cluster and arguments.workers:
        raise UserError("--cluster has workers of its own; leave out --workers")
    own = {name: getattr(arguments, name) for name in ("stack", "tf32", "cluster")}
    options = campaign.Options(**_shared(arguments, argv), **own)
    status = campaign.run(names, options, arguments.minutes)
    if not is_all and status != signals.STATUS:
        from reproduce import report

        report.show(names, options.profile, options.results_dir)
    return status or left_out


def _search(arguments: Namespace, argv: list[str]) -> int:
    from reproduce import campaign, search

    shared = _shared(arguments, argv)
    budgets = experiments.load(arguments.name).budgets
    if shared["profile"] not in budgets:
        raise UserError(
            f"{arguments.name} has no profile {shared['profile']!r}; it has {', '.join(budgets)}"
        )
    request = search.Request(
        name=arguments.name,
        tuner=arguments.tuner,
        trials=arguments.trials,
        resume=arguments.resume,
        overwrite=arguments.overwrite,
        options=campaign.Options(**shared),
        arguments=tuple(argv),
    )
    return search.run(request)


def _shared(arguments: Namespace, argv: list[str]) -> dict:
    """The options that `run` and `search` share, for `Options`."""
    _check_profile(arguments.profile)
    most = max(MOST_WORKERS, 4 * cores())
    if (arguments.workers or 0) > most:
        raise UserError(
            f"{arguments.workers} workers are too many for {cores()} cores; {most} is the most"
        )
    return {
        "profile": arguments.profile,
        "seeds": arguments.seeds,
        "workers": arguments.workers or default_workers(),
        "data_dir": arguments.data_dir,
        "results_dir": arguments.results_dir,
        "command": shlex.join([*PROGRAM.split(), *argv]),
    }


def _report(arguments: Namespace, argv: list[str]) -> int:
    if arguments.profile:
        _check_profile(arguments.profile)
    from reproduce import report

    return report.write(arguments.results_dir, arguments.profile) or _left_out()


def _verify(arguments: Namespace, argv: list[str]) -> int:
    from reproduce import verify

    status = verify.run(arguments.results_dir, arguments.rerun, arguments.data_dir)
    return status or _left_out()


def _data(arguments: Namespace, argv: list[str]) -> int:
    from reproduce import data

    for name in arguments.names or ["mnist", "cifar10"]:
        dataset = data.load(name, arguments.data_dir)
        shape = " x ".join(map(str, dataset.shape))
        test = len(dataset.labels) - dataset.training
        print(
            f"{name}: {dataset.training:,} training and {test:,} test images of {shape}, verified"
        )
    return 0


def _check_profile(profile: str) -> None:
    if profile not in PROFILES:
        raise UserError(f"unknown profile {profile!r}; the profiles are {', '.join(PROFILES)}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
