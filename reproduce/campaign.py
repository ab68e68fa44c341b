"""Experiments and options -> recorded runs: what is missing is run, what is done is skipped."""

import os
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from reproduce import UserError, data, plan
from reproduce.display import Display, measured
from reproduce.plan import Planned
from reproduce.record import Results, free_mebibytes, writer_lock

# Runs are stopped this long before --minutes are over, to save their state; never before 3/4.
STOP_MARGIN_SECONDS = 10
# Enough for the rows and the checkpoint of any one run.
SPARE_MEBIBYTES = 64


@dataclass(frozen=True)
class Options:
    """What the command line asks of a campaign."""

    profile: str
    seeds: int | None
    minutes: float | None
    workers: int
    data_dir: Path | None
    results_dir: Path
    log_dir: Path


def run(names: list[str], options: Options, argv: list[str]) -> int:
    """Runs what is missing of each experiment, in order.

    Returns the exit status: 130 after Ctrl-C, 1 if a run failed, 2 if the data of some experiments
    cannot be had (the others ran), else 0 (also when --minutes ended the campaign early; the same
    command continues it).
    """
    began = time.time()
    with writer_lock(options.results_dir, options.profile), Display() as display:
        needed = {name: _needed(name, options) for name in names}
        if not any(needed.values()):
            profile = f"the {options.profile} profile"
            if any(plan.cells(plan.load(name), options.profile) for name in names):
                display.say(f"nothing to do: every run of {profile} is done")
            else:
                display.say(f"nothing to do: {profile} has no runs of {', '.join(names)}")
            return 0
        lacking = _fetch(sorted(set().union(*needed.values())), options.data_dir)
        able = [name for name in names if needed[name] and not needed[name] & lacking.keys()]
        waiting = [
            f"{', '.join(name for name in names if dataset in needed[name])} not run: {why}"
            for dataset, why in lacking.items()
        ]
        if not able:
            raise UserError("; ".join(waiting))
        for sentence in waiting:
            display.say(sentence)
        status = Campaign(options, argv, display, began).carry_out(able)
        return status or (2 if lacking else 0)


def _needed(name: str, options: Options) -> set[str]:
    """The data sets that an experiment's missing runs need."""
    own = {p.run.data for _, _, missing in _stages(name, options) for p in missing}
    experiment = plan.load(name)
    has_its_own = experiment.budgets[options.profile].data is not None
    return own | set(experiment.also_data) if own and not has_its_own else own


def _fetch(datasets: list[str], data_dir: Path | None) -> dict[str, str]:
    """Has the data sets in the cache; says of those that cannot be had why."""
    lacking = {}
    for dataset in datasets:
        try:
            data.load(dataset, data_dir)
        except UserError as error:
            lacking[dataset] = str(error)
    return lacking


class Campaign:
    """Trains and records, until all is done or a stop is asked for."""

    def __init__(self, options: Options, argv: list[str], display: Display, began: float):
        self.options, self.display = options, display
        self.deadline = None
        if options.minutes is not None:
            seconds = 60 * options.minutes
            self.deadline = began + seconds - min(STOP_MARGIN_SECONDS, seconds / 4)
        command = shlex.join(["python", "-m", "reproduce", *argv])
        self.origin = {"command": command, "commit": commit()}
        self.ended: Counter[str] = Counter()
        self.trouble = ""

    def carry_out(self, names: list[str]) -> int:
        # Here, since only this needs TensorFlow.
        from reproduce.crew import Crew, StopRequest

        with StopRequest(self.display) as stop, Crew(self.options.workers, self.display) as crew:
            for name in names:
                for stage, results, missing in _stages(name, self.options):
                    results.repair()
                    if stage == "choice":
                        missing = self._take_over(missing, results)
                    self.display.stage(f"{name} {stage}", len(missing))
                    for outcome in crew.work([self._job(name, p, stop.path) for p in missing]):
                        self._record(outcome, results)
                        if self.trouble:
                            stop.path.touch()
            interrupted = stop.path.exists() and not self.trouble
        if self.trouble:
            raise UserError(self.trouble)
        if self.ended["stopped"]:
            self.display.say("stopped early; the same command goes on from here")
        if self.ended["failed"]:
            where = self.options.results_dir / self.options.profile
            self.display.say(f"{self.ended['failed']} runs failed; {where}/*.json say why")
        return 130 if interrupted else int(self.ended["failed"] > 0)

    def _take_over(self, missing: list[Planned], results: Results) -> list[Planned]:
        """Copies rows of the same runs from other experiments' choices; returns the runs that
        remain. Final runs are every experiment's own."""
        wanted = {planned.run.key: planned for planned in missing}
        for file in sorted(results.csv.parent.glob("*_choice.json")):
            other = Results(self.options.results_dir, self.options.profile, file.stem)
            shared = other.ended() & wanted.keys()
            rows = other.rows() if shared else []
            for key in sorted(shared):
                planned = wanted.pop(key)
                arm, x = planned.arm, planned.x
                mine = [replace(row, arm=arm, x=x) for row in rows if row.run == key]
                results.append(mine, key, other.runs()[key] | {"arm": arm, "x": x})
        if taken := len(missing) - len(wanted):
            self.display.say(f"{taken} of {len(missing)} choice runs taken from other experiments")
        return list(wanted.values())

    def _job(self, name: str, planned: Planned, stop_file: Path):
        from reproduce.worker import Job

        folder = self.options.log_dir / self.options.profile / name / planned.folder
        command = self.origin["command"]
        return Job(planned, folder, self.options.data_dir, self.deadline, stop_file, command)

    def _record(self, outcome, results: Results) -> None:
        self.ended[outcome.status] += 1
        if outcome.status == "stopped":
            return
        planned = outcome.job.planned
        entry = outcome.provenance | self.origin | {"status": outcome.status}
        try:
            results.append(outcome.rows, planned.run.key, entry)
        except OSError as error:
            self.trouble = (
                f"{results.csv} cannot be written ({error.strerror}); nothing before is lost"
            )
            return
        if outcome.status != "failed":
            outcome.job.checkpoint.unlink(missing_ok=True)
        self.display.ended(planned.run.key, planned.label, told(outcome))
        free = free_mebibytes(self.options.results_dir)
        if free < SPARE_MEBIBYTES:
            self.trouble = (
                f"the disk of {self.options.results_dir} has {free:.0f} MiB left, too little to go "
                f"on safely ({SPARE_MEBIBYTES} MiB); free some space and run the same command again"
            )


def told(outcome) -> str:
    """How a run ended, in a line."""
    if outcome.status != "done":
        return f"{outcome.status} {outcome.provenance.get('error', '')}".strip()
    measure = outcome.job.planned.run.measures[0]
    last = {r.split: r.value for r in outcome.rows if r.measure == measure}
    errors = [
        f"{split} {measured(measure, last[split])}"
        for split in ("train", "validation", "test")
        if split in last
    ]
    return f"{', '.join(errors)} in {outcome.provenance['seconds']:.1f} s"


def _stages(name: str, options: Options) -> Iterator[tuple[str, Results, list[Planned]]]:
    """Stage, its files and its missing runs; the second stage is known once the first has run."""
    for stage in plan.STAGES:
        results = plan.results(name, options.profile, stage, options.results_dir)
        ended = results.ended()
        planned = plan.runs(name, options.profile, stage, options.results_dir, options.seeds)
        yield stage, results, [p for p in planned if p.run.key not in ended]


def commit() -> str:
    """The commit that runs, marked -dirty if the code differs from it."""

    def git(*arguments: str) -> str:
        root = Path(__file__).parents[1]
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        return done.stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--", "layers", "reproduce", "requirements.txt")
    except OSError:
        return "unknown"
    return (head + ("-dirty" if changed else "")) if head else "unknown"


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
