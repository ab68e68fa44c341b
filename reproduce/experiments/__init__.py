"""One short file per experiment, found by its name; `spec` defines what it is written in.

In: nothing. Out: `names()`; `load(name)`, which returns the file's `experiment`; `about(name)`,
what the file says of it.

Open `overfitting.py` first: the shortest complete one.
"""

import importlib
import pkgutil

from reproduce.errors import UserError
from reproduce.spec import Experiment


def names() -> list[str]:
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def load(name: str) -> Experiment:
    if name not in names():
        raise UserError(f"unknown experiment {name!r}; the experiments are {', '.join(names())}")
    return importlib.import_module(f"reproduce.experiments.{name}").experiment


def about(name: str) -> str:
    """What the experiment's file says at its top, after the first line; `load` names the error."""
    load(name)
    text = importlib.import_module(f"reproduce.experiments.{name}").__doc__ or ""
    return text.partition("\n\n")[2].strip()
