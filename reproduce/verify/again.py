"""Runs made again, and their rows compared with the recorded ones. Needs TensorFlow."""

import random
from collections.abc import Iterator
from pathlib import Path
from statistics import stdev

from reproduce import experiments, plan
from reproduce.campaign import Job
from reproduce.campaign.execute import execute
from reproduce.errors import UserError
from reproduce.machine import cores, temporary_folder, use_threads
from reproduce.plan import Planned
from reproduce.record import Results, Row, origin
from reproduce.verify.check import Check

# What a run may have taken to count as cheap.
CHEAP_SECONDS = 90
# Another machine adds in another order, so its values differ, but hardly by more than so many
# standard deviations over seeds; or, where there is one seed, by more than this share of the value.
MOST_SPREADS, MOST_SHARE = 4, 0.25


def check(results_dir: Path, count: int, data_dir: Path | None) -> Check:
    """Repeats `count` random cheap runs of the CPU, on as many threads as they were made."""
    found = Check()
    cheap = list(_cheap(results_dir))
    if cheap:
        # One process has one number of threads.
        threads = random.choice(cheap)[2]
        cheap = [each for each in cheap if each[2] == threads]
        use_threads(threads)
    with temporary_folder() as folder:
        for results, planned, _ in random.sample(cheap, min(count, len(cheap))):
            entry = results.runs()[planned.run.key]
            print(
                f"again: {planned.label}, {results.csv}; made by `{entry['command']}`", flush=True
            )
            stop = Path(folder) / "stop"
            log_dir = Path(folder) / planned.folder
            job = Job(planned, log_dir, data_dir, None, stop, origin("python -m reproduce verify"))
            outcome = execute(job, lambda progress: None)
            where = f"{results.csv}: run {planned.run.key}"
            if outcome.status == "failed":
                raise UserError(f"{planned.label} cannot be made again: {outcome.describe()}")
            if outcome.status != entry["status"]:
                found.faults.append(
                    f"{where} is recorded as {entry['status']}, but ended as {outcome.describe()}"
                )
                continue
            if outcome.provenance["data_digest"] != entry["data_digest"]:
                found.faults.append(f"{where} was made on other data than this machine has")
                continue
            said, is_fault = _compared(results, planned, outcome.rows)
            print(f"    {said}", flush=True)
            if is_fault:
                found.faults.append(f"{where}, made again, is {said}")
    found.summary = f"again: {min(count, len(cheap))} of {len(cheap)} cheap runs repeated"
    return found


def _cheap(results_dir: Path) -> Iterator[tuple[Results, Planned, int]]:
    """Each with the number of threads that it was made on."""
    for name in experiments.names():
        for profile in experiments.load(name).budgets:
            for stage in plan.stages_of(name, profile, results_dir):
                entries = stage.results.runs()
                for planned in stage.runs() if entries else ():
                    entry = entries.get(planned.run.key)
                    if entry is not None and _is_cheap(entry):
                        yield stage.results, planned, entry["threads"]


def _is_cheap(entry: dict) -> bool:
    here = entry["device"] == "CPU" and entry["threads"] <= cores() and entry["status"] == "done"
    return here and entry["seconds"] <= CHEAP_SECONDS


def _compared(results: Results, planned: Planned, rows: list[Row]) -> tuple[str, bool]:
    """How the rows differ from the recorded ones, and whether that is too much."""
    run, recorded = planned.run, results.rows()
    before = {_place(row): row.value for row in recorded if row.run == run.key}
    now = {_place(row): row.value for row in rows}
    if before == now:
        return "identical", False
    if before.keys() != now.keys():
        return "other rows than recorded", True
    split = "test" if run.test else "validation"
    place = (planned.x, split, run.measures[0], run.updates)
    mine = _but_seeds(run.settings())
    alike = {key for key, each in results.runs().items() if _but_seeds(each["run"]) == mine}
    seeds = [row.value for row in recorded if row.run in alike and _place(row) == place]
    apart = abs(now[place] - before[place])
    said = f"not identical: {before[place]:g} recorded, {now[place]:g} now ({place[2]}, {split})"
    spread = stdev(seeds) if len(seeds) > 1 else 0.0
    if spread:
        return f"{said}, {apart / spread:.2f} of the seeds' spread", apart > MOST_SPREADS * spread
    return f"{said}; no spread over seeds", apart > MOST_SHARE * abs(before[place])


def _but_seeds(settings: dict) -> dict:
    """The settings of a run, and of what it starts from, without their seeds."""
    return {
        name: _but_seeds(value) if isinstance(value, dict) else value
        for name, value in settings.items()
        if name != "seed"
    }


def _place(row: Row) -> tuple:
    return row.x, row.split, row.measure, row.step
