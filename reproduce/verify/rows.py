"""Whether each row states where it comes from, and belongs where it is."""

import json
import math
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from reproduce import experiments, plan
from reproduce.errors import UserError
from reproduce.record import COLUMNS, FINISHED, Results, Row, unpack_predictions
from reproduce.spec import PROFILES, key_of
from reproduce.verify.check import Check

SEARCH = "search_"
# What all candidates of a cell share. The rest is tuned, or may once have been declared otherwise.
SHARED = ("data", "net", "measures", "probes", "examples", "hold_out", "test")


def check(results_dir: Path) -> Check:
    """Every file of rows below the folder."""
    found, counted = Check(), Counter[str]()
    digests: dict[str, Counter[str]] = defaultdict(Counter)
    commits: dict[str, str] = {}
    for profile in PROFILES:
        folder = results_dir / profile
        for stem in sorted(
            {path.stem for kind in ("csv", "json") for path in folder.glob(f"*.{kind}")}
        ):
            results = Results(results_dir, profile, stem)
            try:
                found.faults += _faults(results, profile, stem, counted)
            except UserError as error:
                found.faults.append(str(error))
                continue
            for entry in results.runs().values():
                commits.setdefault(entry["commit"], f"{results.json}")
                if "data_digest" in entry:
                    digests[entry["run"]["data"]][entry["data_digest"]] += 1
    for data, seen in digests.items():
        if len(seen) > 1:
            each = ", ".join(f"{digest} ({count} runs)" for digest, count in seen.most_common())
            found.faults.append(f"runs of {data} were made on different data: {each}")
    found.faults += _commits(commits)
    found.summary = (
        f"rows: {counted['rows']:,} rows of {counted['runs']:,} runs from {len(commits)} commits; "
        f"{counted['superseded']} runs are of settings no longer declared or chosen"
    )
    return found


def _faults(results: Results, profile: str, stem: str, counted: Counter[str]) -> Iterator[str]:
    name = stem.removeprefix(SEARCH).removesuffix("_best" if SEARCH in stem else "_choice")
    if name not in experiments.names() or profile not in experiments.load(name).budgets:
        yield f"{results.json} belongs to no experiment with the profile {profile}"
        return
    entries, by_key = results.runs(), defaultdict(list)
    for row in results.rows():
        by_key[row.run].append(row)
    yield from _strays(results, set(entries))
    allowed = None if stem.startswith(SEARCH) else _allowed(name, profile, stem, results)
    for key, entry in entries.items():
        where = f"{results.json}: run {key}"
        if key_of(entry["run"]) != key:
            yield f"{where} has settings of another key, {key_of(entry['run'])}"
        if entry["commit"] == "unknown" or entry["commit"].endswith("-dirty"):
            yield f"{where} is of no commit: {entry['commit']}"
        if allowed is not None:
            kin, current = allowed
            if _kin(entry["arm"], entry["x"], entry["run"]) not in kin:
                yield f"{where} ({entry['arm']}) is not of {name}, as it is declared"
            counted["superseded"] += key not in current
        counted["runs"] += 1
        counted["rows"] += len(by_key[key])
        for fault in _of_run(entry, by_key[key]):
            yield f"{where} {fault}"


def _strays(results: Results, known: set[str]) -> Iterator[str]:
    """Lines that no run of the JSON file has."""
    if not results.csv.exists():
        return
    lines = results.lines()
    if not lines or tuple(lines[0]) != COLUMNS:
        yield f"{results.csv} does not begin with the columns {', '.join(COLUMNS)}"
    strays = {line[0] if line else "" for line in lines[1:]} - known
    if strays:
        yield f"{results.csv} has rows without provenance, of run {min(strays)!r}"


def _allowed(name: str, profile: str, stem: str, results: Results) -> tuple[set, set[str]]:
    """What the runs of a file may be like, and the keys of those that are declared now."""
    experiment = experiments.load(name)
    results_dir = results.json.parents[1]
    _, final = plan.stages_of(name, profile, results_dir)
    standing = final.standing()
    if stem.endswith("_choice"):
        planned = standing.choice_runs
        kin = {_kin(each.arm, each.x, each.run.settings()) for each in planned}
        return kin, {each.run.key for each in planned}
    runs = [
        (cell, plan.final_run(run, experiment, 1))
        for cell, _ in standing.chosen
        for run in cell.candidates
    ]
    return {_kin(cell.arm, cell.x, run.settings()) for cell, run in runs}, standing.current


def _kin(arm: str, x: float | None, settings: dict) -> tuple:
    return arm, x, json.dumps([settings.get(name) for name in SHARED], sort_keys=True)


def _of_run(entry: dict, rows: list[Row]) -> Iterator[str]:
    """What its rows and its record say of each other."""
    run, is_done = entry["run"], entry["status"] == "done"
    places = Counter((row.x, row.split, row.measure, row.step) for row in rows)
    if doubled := [place for place, count in places.items() if count > 1]:
        yield f"has the row {doubled[0]} more than once"
    if any(row.arm != entry["arm"] or row.seed != run["seed"] for row in rows):
        yield "has rows of another arm or seed"
    measures = set(run.get("measures", ()))
    if any(row.x != entry["x"] for row in rows if row.measure in measures):
        yield "has rows of another place on the x axis"
    if any(not 0 <= row.step <= run["updates"] for row in rows):
        yield f"has rows of updates beyond its {run['updates']:,}"
    if entry["status"] in FINISHED and not rows:
        yield "has ended without a row"
    if is_done:
        yield from _at_its_end(entry, rows)


def _at_its_end(entry: dict, rows: list[Row]) -> Iterator[str]:
    run = entry["run"]
    if any(not math.isfinite(row.value) for row in rows):
        yield "has a value that is no number"
    last = {(r.split, r.measure): r.value for r in rows if r.step == run["updates"]}
    splits = [
        "train",
        *["validation"] * bool(run.get("hold_out")),
        *["test"] * bool(run.get("test")),
    ]
    # scikit-learn's support vector machine has no probabilities to measure.
    measures = run["measures"][:1] if run["net"]["kind"] == "GaussianSvm" else run["measures"]
    lacking = [(s, m) for s in splits for m in measures if (s, m) not in last]
    if lacking:
        yield f"lacks the {lacking[0][1]} on {lacking[0][0]} images at its end"
    if "predictions" in entry and ("test", "error_percent") in last:
        steps = unpack_predictions(entry["predictions"])
        wrong = 100 * sum(step > 0 for step in steps) / len(steps)
        stated = last["test", "error_percent"]
        if not math.isclose(wrong, stated, abs_tol=1e-4):
            yield f"has a test error of {stated:g} %, but its predictions one of {wrong:g} %"


def _commits(commits: dict[str, str]) -> Iterator[str]:
    """The commits that the history does not have; where there is no whole history, none."""

    def git(*arguments: str, given: str = "") -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, input=given, capture_output=True, text=True).stdout

    try:
        if git("rev-parse", "--is-shallow-repository").strip() != "false":
            return
        names = [name.removesuffix("-dirty") for name in commits]
        answers = git("cat-file", "--batch-check", given="\n".join(names)).splitlines()
    except OSError:
        return
    for (name, file), answer in zip(commits.items(), answers, strict=False):
        if " commit " not in answer:
            yield f"{file} names a commit that the history does not have, {name}"
