"""Random command lines: each ends in a result or in one sentence. Nothing is trained."""

import contextlib
import random
import tempfile
from pathlib import Path
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from reproduce import campaign, search
from tests.faults.tried import Tried, call, harm_of

NAMES = ("masks", "overfitting", "fig99", "all", "", "-", "Masks", "masks.py", "../masks", "💧")
NUMBERS = ("0", "1", "2", "-1", "1e9", "nan", "inf", "1.5", "٣", "", "x", "9" * 30, "0x2", " 1")
PROFILES = ("smoke", "quick", "cpu", "tenth", "paper", "Smoke", "", "💧")
FOLDERS = ("results", "none", "/dev/null", "/proc/none", "", "a\0b", "x" * 300, "README.md", ".")
OPTIONS = {
    "--profile": PROFILES,
    "--seeds": NUMBERS,
    "--minutes": NUMBERS,
    "--workers": NUMBERS,
    "--stack": NUMBERS,
    "--cluster": ("", "tcp://127.0.0.1:9", "nowhere", ":", "tls://[::1"),
    "--tuner": ("grid", "random", "bayesian", "hyperband", "Grid", ""),
    "--trials": NUMBERS,
    "--results-dir": FOLDERS,
    "--data-dir": FOLDERS,
    "--rerun": ("0", "-1", "x"),
    "--json": None,
    "--resume": None,
    "--overwrite": None,
    "--tf32": None,
    "--help": None,
    "--nothing": NUMBERS,
}
COMMANDS = ("list", "run", "search", "report", "data", "verify", "lists", "")


def _words(name: str) -> st.SearchStrategy:
    values = OPTIONS[name]
    if values is None:
        return st.just([name])
    valued = st.sampled_from(values).flatmap(
        lambda value: st.sampled_from([[name, value], [f"{name}={value}"], [name]])
    )
    return valued


LINES = st.tuples(
    st.sampled_from(COMMANDS),
    st.lists(st.sampled_from(NAMES) | st.text(max_size=5), max_size=2),
    st.lists(st.sampled_from(sorted(OPTIONS)).flatmap(_words), max_size=4),
)


def check(count: int, draw: random.Random, folder: Path) -> Tried:
    tried = Tried()
    quiet = {"database": None, "deadline": None, "suppress_health_check": list(HealthCheck)}

    @seed(draw.randrange(2**32))
    @settings(max_examples=count, phases=[Phase.generate], **quiet)
    @given(LINES)
    def one(line) -> None:
        command, names, options = line
        argv = [command, *names, *(word for option in options for word in option)]
        status, said = call(*argv)
        # argparse prints its usage before the sentence.
        tried.took("command line", _named(argv, harm_of(status, said)))

    folder.mkdir(parents=True)
    trains = mock.patch.object(campaign, "run", return_value=0)
    searches = mock.patch.object(search, "run", return_value=0)
    with tempfile.TemporaryDirectory(dir=folder) as here, trains, searches, _inside(Path(here)):
        one()
    return tried


def _named(argv: list[str], harm: str) -> str:
    return harm and f"{argv!r}: {harm}"


def _inside(folder: Path):
    """Relative paths are in an empty folder."""
    return contextlib.chdir(folder)
