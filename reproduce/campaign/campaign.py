"""Experiments and options -> recorded runs: missing runs are run, finished ones are skipped."""

import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from reproduce import data, experiments, plan
from reproduce.campaign.job import Job, Outcome
from reproduce.campaign.progress import Display
from reproduce.campaign.stop import StopRequest
from reproduce.campaign.workers import Workers
from reproduce.errors import UserError
from reproduce.plan import Planned, Stage
from reproduce.record import Results, free_mebibytes, origin, writer_lock

RESULTS_DIR, LOG_DIR = Path("results"), Path("logs")
# Runs stop this long before the --minutes limit, to save their state; never before 3/4 of it.
STOP_MARGIN_SECONDS = 10
# Enough for the rows and the checkpoint of any one run.
SPARE_MEBIBYTES = 64


@dataclass(frozen=True)
class Options:
    """The command-line options that campaigns and searches share.

    `seeds` None: the number in the budget; `data_dir` None: the user named no folder.
    """

    profile: str
    workers: int
    data_dir: Path | None
    results_dir: Path
    # What the user typed, for the log and the record.
    command: str
    seeds: int | None = None

    @property
    def log_dir(self) -> Path:
        """The profile's event logs; with another results folder, they are inside that folder."""
        is_default = self.results_dir == RESULTS_DIR
        return (LOG_DIR if is_default else self.results_dir / "logs") / self.profile


def run(names: list[str], options: Options, minutes: float | None = None) -> int:
    """Runs the missing runs of each experiment, in order.

    Returns the exit status: 130 after Ctrl-C, 1 if a run failed, 2 if the data of some experiments
    is not available (the others ran), else 0 (also when `minutes` ended the campaign early; the
    same command continues it).
    """
    deadline = None
    if minutes is not None:
        seconds = 60 * minutes
        deadline = time.time() + seconds - min(STOP_MARGIN_SECONDS, seconds / 4)
    with writer_lock(options.results_dir, options.profile), Display() as display:
        missing = {
            name: {
                stage: stage.missing()
                for stage in plan.stages_of(
                    name, options.profile, options.results_dir, options.seeds
                )
            }
            for name in names
        }
        needed = {name: _datasets(each) for name, each in missing.items()}
        if not any(needed.values()):
            profile = f"the {options.profile} profile"
            if any(plan.budgeted_cells(experiments.load(name), options.profile) for name in names):
                display.print(f"nothing to do: every run of {profile} is done")
            else:
                display.print(f"nothing to do: {profile} has no runs of {', '.join(names)}")
            return 0
        unavailable = _fetch(sorted(set().union(*needed.values())), options)
        ready = [name for name in names if needed[name] and not needed[name] & unavailable.keys()]
        waiting = [
            f"{', '.join(name for name in names if dataset in needed[name])} not run: {why}"
            for dataset, why in unavailable.items()
        ]
        if not ready:
            raise UserError("; ".join(waiting))
        for sentence in waiting:
            display.print(sentence)
        campaign = Campaign(options, display, deadline)
        status = campaign.run([missing[name] for name in ready])
        return status or (2 if unavailable else 0)


def _datasets(missing: dict[Stage, list[Planned]]) -> set[str]:
    """The data sets that an experiment's missing runs need."""
    own = {planned.run.data for runs in missing.values() for planned in runs}
    stage = next(iter(missing))
    experiment = stage.experiment
    has_its_own = experiment.budgets[stage.profile].data is not None
    return own | set(experiment.also_data) if own and not has_its_own else own


def _fetch(datasets: list[str], options: Options) -> dict[str, str]:
    """Loads the data sets into the cache; returns the unavailable ones, each with the reason."""
    unavailable = {}
    for dataset in datasets:
        try:
            data.load(dataset, options.data_dir)
        except UserError as error:
            unavailable[dataset] = str(error)
    return unavailable


class Campaign:
    """Trains and records runs until all are done or a stop is requested."""

    def __init__(self, options: Options, display: Display, deadline: float | None):
        self.options, self.display, self.deadline = options, display, deadline
        self.origin = origin(options.command)
        self.ended: Counter[str] = Counter()
        self.trouble = ""

    def run(self, experiments: list[dict[Stage, list[Planned]]]) -> int:
        """Runs the missing runs of each experiment's stages; returns the exit status."""
        with (
            StopRequest(self.display) as stop,
            Workers(self.options.workers, self.display) as workers,
        ):
            for missing in experiments:
                for stage, planned in missing.items():
                    stage.results.repair()
                    if stage.kind == plan.CHOICE:
                        planned = self._reuse(planned, stage.results)
                    elif (
                        stage.before and missing[stage.before]
                    ):  # whose runs have just chosen settings
                        planned = stage.missing()
                    self.display.stage(stage.title, len(planned))
                    jobs = [self._job(each, stage, stop.path) for each in planned]
                    for outcome in workers.run(jobs):
                        self._record(outcome, stage.results)
                        if self.trouble:
                            stop.path.touch()
            interrupted = stop.path.exists() and not self.trouble
        if self.trouble:
            raise UserError(self.trouble)
        if self.ended["stopped"]:
            self.display.print("stopped early; the same command resumes from here")
        if self.ended["failed"]:
            where = self.options.results_dir / self.options.profile
            self.display.print(f"{self.ended['failed']} runs failed; {where}/*.json say why")
        return 130 if interrupted else int(self.ended["failed"] > 0)

    def _job(self, planned: Planned, stage: Stage, stop_file: Path) -> Job:
        log_dir = self.options.log_dir / stage.name / planned.folder
        return Job(planned, log_dir, self.options.data_dir, self.deadline, stop_file, self.origin)

    def _reuse(self, missing: list[Planned], results: Results) -> list[Planned]:
        """Copies the rows of identical choice runs from other experiments; returns the runs that
        remain. Experiments never share final runs."""
        wanted = {planned.run.key: planned for planned in missing}
        for file in sorted(results.csv.parent.glob("*_choice.json")):
            other = Results(self.options.results_dir, self.options.profile, file.stem)
            shared = other.finished() & wanted.keys()
            rows = other.rows() if shared else []
            for key in sorted(shared):
                planned = wanted.pop(key)
                arm, x = planned.arm, planned.x
                copies = [replace(row, arm=arm, x=x) for row in rows if row.run == key]
                results.append(copies, key, other.runs()[key] | {"arm": arm, "x": x})
        if reused := len(missing) - len(wanted):
            self.display.print(
                f"{reused} of {len(missing)} choice runs taken from other experiments"
            )
        return list(wanted.values())

    def _record(self, outcome: Outcome, results: Results) -> None:
        self.ended[outcome.status] += 1
        if outcome.status == "stopped":
            return
        try:
            outcome.record(results)
        except OSError as error:
            self.trouble = (
                f"{results.csv} cannot be written ({error.strerror}); all earlier rows are safe"
            )
            return
        planned = outcome.job.planned
        self.display.ended(planned.run.key, planned.label, outcome.describe())
        free = free_mebibytes(self.options.results_dir)
        if free < SPARE_MEBIBYTES:
            self.trouble = (
                f"the disk of {self.options.results_dir} has {free:.0f} MiB left, but a run needs "
                f"{SPARE_MEBIBYTES} MiB to be safe; free some space and run the same command again"
            )
