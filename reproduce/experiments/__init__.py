"""One short file per experiment, found by its name; `spec` defines what it is written in.

In: nothing. Out: `names()`; `load(name)`, which returns the file's `experiment`; `about(name)`,
what the file says of it; and `broken()`, the files with an error, which the commands leave out and
name.

Open `overfitting.py` first: the shortest complete one.
"""

import ast
import importlib
import pkgutil
import traceback
from pathlib import Path

from reproduce.errors import UserError
from reproduce.spec import Experiment


def names() -> list[str]:
    """The experiments whose files have no error."""
    left_out = broken()
    return [name for name in _files() if name not in left_out]


def broken() -> dict[str, str]:
    """The experiments that cannot be read, each with a sentence that says where and why."""
    found = {}
    for name in _files():
        try:
            _read(name)
        except UserError as error:
            found[name] = str(error)
    return found


def load(name: str) -> Experiment:
    if name not in _files():
        raise UserError(f"unknown experiment {name!r}; the experiments are {', '.join(_files())}")
    return _read(name)


def about(name: str) -> str:
    """What the experiment's file says at its top, after the first line; `load` names the error."""
    load(name)
    text = importlib.import_module(f"reproduce.experiments.{name}").__doc__ or ""
    return text.partition("\n\n")[2].strip()


def _files() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def _read(name: str) -> Experiment:
    """The file's `experiment`. What is wrong in it, or in a file that it imports, is one sentence
    with file and line."""
    full_name = f"{__name__}.{name}"
    try:
        module = importlib.import_module(full_name)
    except Exception as error:
        what = error.msg if isinstance(error, SyntaxError) else str(error)
        kind, text = type(error).__name__, " ".join(what.split())
        raise UserError(f"{_place(error) or full_name}: {kind}: {text}") from None
    found = getattr(module, "experiment", None)
    if isinstance(found, Experiment):
        return found
    file = Path(str(module.__file__))
    if found is None:
        end = len(file.read_text("utf-8").splitlines())
        raise UserError(
            f"{_shown(file)}, line {end}: the file ends without an `experiment = Experiment(...)`"
        )
    raise UserError(
        f"{_shown(file)}, line {_assigned(file)}: `experiment` is not an Experiment. "
        f"Received: {type(found).__name__}"
    )


def _place(error: Exception) -> str | None:
    """File and line of the last step that is an experiment's own; None if Python names none."""
    places = [(each.filename, each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):  # in a file of which no line was run
        places.append((error.filename or "", error.lineno))
    for name, line in reversed(places):
        file = Path(name)
        if str(file.parent) in __path__ and file != Path(__file__):
            return f"{_shown(file)}, line {line}"
    return None


def _assigned(file: Path) -> int:
    """The last line that has the name `experiment`."""
    named = ("id", "name", "asname")  # of a variable; of a function, class or import
    return max(
        (
            node.lineno
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.stmt | ast.expr | ast.alias)
            and "experiment" in (getattr(node, each, None) for each in named)
        ),
        default=1,
    )


def _shown(file: Path) -> Path:
    here = Path.cwd()
    return file.relative_to(here) if file.is_relative_to(here) else file
