"""A search's state on disk: checked before anything is changed, and saved in whole files.

keras-tuner believes whatever it finds. A damaged file, or one without the rows that it speaks of,
would end in an error of its own, or in a search without its earlier rows.
"""

import json
import math
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean

from reproduce.errors import UserError
from reproduce.files import replace_file
from reproduce.search.request import Request
from reproduce.spec import Run

# keras-tuner's names for its folder, the oracle's file in it, and how a trial stands.
PROJECT, ORACLE, COMPLETED = "untitled_project", "oracle.json", "COMPLETED"
STATUSES = ("RUNNING", "INVALID", "FAILED", COMPLETED)


def prepare(request: Request) -> None:
    """Saves what is searched, and repairs rows that a kill left incomplete; refuses to resume a
    search of something else, or one whose files are damaged."""
    note = request.state_dir / "space.json"
    both = request.results(), request.results("_best")
    if request.overwrite:
        if request.state_dir.is_symlink():
            raise UserError(f"{request.state_dir} is a symbolic link; remove it, or what it names")
        if request.state_dir.exists():
            shutil.rmtree(request.state_dir)
        for results in both:
            results.remove()
    asked = {
        "axes": {name: list(values) for name, values in request.space.axes.items()},
        "template": request.budgeted(request.space.template).settings(),
        "tuner": request.tuner,
        "seeds": request.seeds,
    }
    oracle = request.state_dir / PROJECT / ORACLE
    if note.exists():
        _compare(request, note, asked)
    elif oracle.exists() or any(results.runs() for results in both):
        raise UserError(
            f"there is an earlier search of {request.name} at the {request.options.profile} "
            f"profile, but {note}, which says what it searched, is missing: restore that folder "
            "and use --resume, or delete the search with --overwrite"
        )
    try:
        request.results().rows()
    except UserError as error:  # unlike an experiment's, a trial's runs are not just made again
        what = str(error).partition("; ")[0]
        raise UserError(
            f"{what}: restore it and its twin, or delete the search of {request.name} with "
            "--overwrite"
        ) from None
    request.results("_best").rows()
    _check_trials(request, oracle)
    for results in both:
        results.repair()
    request.state_dir.mkdir(parents=True, exist_ok=True)
    save(note, asked)


def _compare(request: Request, note: Path, asked: dict) -> None:
    """Refuses an earlier search that is not to be continued, or that was of something else."""
    if not request.resume:
        raise UserError(
            f"there is an earlier search of {request.name} at the {request.options.profile} "
            "profile: continue it with --resume, or delete it with --overwrite"
        )
    with readable(request, note):
        earlier = load(note)
        changed = sorted(key for key in asked if asked[key] != earlier[key])
    if changed:
        raise UserError(
            f"the earlier search of {request.name} differs in its {' and '.join(changed)}: "
            "use the same ones with --resume, or delete that search with --overwrite"
        )


def _check_trials(request: Request, oracle: Path) -> None:
    """Refuses trials that cannot be read, and completed ones whose runs are not recorded."""
    results = request.results()
    if not oracle.exists() and not results.runs():
        return
    with readable(request, oracle):
        started = list(load(oracle)["start_order"])
    finished, lacking = results.finished(), []
    errors = results.final_errors(request.experiment.measures[0])
    for trial_id in started:
        path = trial_file(oracle, trial_id)
        with readable(request, path):
            trial = load(path)
            runs = _runs(request, trial, trial_id)
        if trial["status"] != COMPLETED:
            continue
        if any(run.key not in finished for run in runs):
            lacking.append(trial_id)
            continue
        # A run that diverged counts as all wrong.
        mean = fmean(min(errors.get(run.key, 0.0), 100.0) for run in runs)
        if not math.isclose(mean, float(trial["score"]), abs_tol=1e-6):
            raise UserError(
                f"{path} gives its trial the score {trial['score']}, where the rows of its runs "
                f"say {mean:g}: restore it, or delete the search of {request.name} with --overwrite"
            )
    if lacking:
        raise UserError(
            f"the tuner completed {len(lacking)} trials whose runs {results.json} lacks: restore "
            f"it and {results.csv.name}, or delete the search of {request.name} with --overwrite"
        )


def _runs(request: Request, trial: dict, trial_id: str) -> list[Run]:
    """A trial's runs; raises whatever shows that it is no trial of this search."""
    if trial["trial_id"] != trial_id or trial["status"] not in STATUSES:
        raise ValueError(f"it is trial {trial['trial_id']!r} with status {trial['status']!r}")
    values = trial["hyperparameters"]["values"]
    for axis, known in request.space.axes.items():
        if values[axis] not in known:
            raise ValueError(f"{axis} = {values[axis]!r} is not in the search space")
    if trial["status"] == COMPLETED:
        float(trial["score"])
    return request.runs(values)


def trial_file(oracle: Path, trial_id: str) -> Path:
    """Where keras-tuner keeps a trial, beside the oracle's file."""
    return oracle.parent / f"trial_{trial_id}" / "trial.json"


@contextmanager
def readable(request: Request, path: Path) -> Iterator[None]:
    """Whatever reading a file of other content raises is one sentence that names the file."""
    try:
        yield
    except FileNotFoundError:
        why = "is missing"
    except OSError as error:
        why = f"cannot be read ({error.strerror})"
    except Exception as error:
        why = f"is damaged ({type(error).__name__}: {error})"
    else:
        return
    raise UserError(
        f"{path} {why}: restore it and use --resume, or delete the search of {request.name} "
        "with --overwrite"
    )


def load(path: Path) -> dict:
    """The object in a JSON file; raises whatever is wrong with it, for `readable` to tell."""
    value = json.loads(path.read_text("utf-8"))
    if not isinstance(value, dict):
        raise TypeError(f"it holds a {type(value).__name__}")
    return value


def save(path: str | Path, state: object) -> str:
    """Writes atomically. keras-tuner writes in place, where a kill would lose the search."""
    text = json.dumps(state)
    try:
        replace_file(Path(path), text.encode())
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}); all earlier rows are safe, and "
            "--resume continues the search"
        ) from None
    return text
