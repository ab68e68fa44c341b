"""Experiments and options -> recorded runs: missing runs are run, finished ones are skipped."""

import time
from collections import Counter
from dataclasses import replace

from reproduce import data, experiments, plan, signals
from reproduce.campaign.job import Job, Options, Outcome, StopRequest
from reproduce.campaign.progress import Display
from reproduce.campaign.workers import Workers
from reproduce.errors import UserError
from reproduce.plan import Missing, Planned, Stage
from reproduce.record import Results, free_mebibytes, origin, writer_lock
from reproduce.spec import Run

# Runs stop this long before the --minutes limit, to save their state; never before 3/4 of it.
STOP_MARGIN_SECONDS = 10
# Enough for the rows and the checkpoint of any one run.
SPARE_MEBIBYTES = 64


def run(names: list[str], options: Options, minutes: float | None = None) -> int:
    """Runs what is missing of the experiments, what decides most for its cost first.

    Returns the exit status: 130 after Ctrl-C, 1 if a run failed, 2 if the data of some experiments
    is not available (the others ran), else 0 (also when `minutes` ended the campaign early; the
    same command continues it).
    """
    deadline = None
    if minutes is not None:
        seconds = 60 * minutes
        deadline = time.monotonic() + seconds - min(STOP_MARGIN_SECONDS, seconds / 4)
    declared = [n for n in names if options.profile in experiments.load(n).budgets]
    if not declared:
        with Display() as display:
            display.print(_nothing_to_do(names, declared, options.profile))
        return 0
    with writer_lock(options.results_dir, options.profile), Display() as display:
        stages = {name: _stages(name, options) for name in declared}
        queue = plan.Queue(stages, options.log_dir)
        needed = {name: _datasets(queue.missing[name]) for name in declared}
        if not any(needed.values()):
            display.print(_nothing_to_do(names, declared, options.profile))
            return 0
        unavailable = _fetch(sorted(set().union(*needed.values())), options, display)
        waiting = []
        for dataset, why in unavailable.items():
            lacking = [name for name in declared if dataset in needed[name]]
            waiting.append(f"{', '.join(lacking)} not run: {why}")
        ready = [n for n in declared if needed[n] and not needed[n] & unavailable.keys()]
        if not ready:
            raise UserError("; ".join(waiting))
        for sentence in waiting:
            display.print(sentence)
        queue.keep(ready)
        try:
            options.log_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            where = f"cannot write event logs to {options.log_dir}"
            raise UserError(f"{where}: {error.strerror}") from None
        status = Campaign(options, display, deadline, queue).run()
        return status or (2 if unavailable else 0)


def _stages(name: str, options: Options) -> tuple[Stage, Stage]:
    return plan.stages_of(name, options.profile, options.results_dir, options.seeds)


def _nothing_to_do(names: list[str], declared: list[str], profile: str) -> str:
    if any(plan.budgeted_cells(experiments.load(name), profile) for name in declared):
        return f"nothing to do: every run of the {profile} profile is done"
    return f"nothing to do: the {profile} profile has no runs of {', '.join(names)}"


def _datasets(missing: Missing) -> set[str]:
    """The data sets that an experiment's missing runs need. A cell that is not chosen yet is still
    to be tested on the same data."""
    each = (*missing.choosing.values(), *missing.testing.values())
    own = {planned.run.data for runs in each for planned in runs}
    experiment = missing.standing.experiment
    has_its_own = experiment.budgets[missing.standing.profile].data is not None
    return own | set(experiment.also_data) if own and not has_its_own else own


def _fetch(datasets: list[str], options: Options, display: Display) -> dict[str, str]:
    """Loads the data sets into the cache; returns the unavailable ones, each with the reason."""
    unavailable = {}
    for dataset in datasets:
        display.busy(f"reading {dataset}")
        try:
            data.load(dataset, options.data_dir)
        except UserError as error:
            unavailable[dataset] = str(error)
    return unavailable


class Campaign:
    """Trains and records runs until all are done or a stop is requested."""

    def __init__(
        self, options: Options, display: Display, deadline: float | None, queue: plan.Queue
    ):
        self.options, self.display, self.deadline = options, display, deadline
        self.queue = queue
        self.origin = origin(options.command)
        self.ended: Counter[str] = Counter()
        self.taken_over = 0
        self.trouble = ""
        self.stage_of: dict[str, Stage] = {}

    def run(self) -> int:
        """Runs what is missing; returns the exit status."""
        with (
            StopRequest(self.display) as stop,
            Workers(self.options.workers, self.display, self.options.cluster) as workers,
        ):
            self.stop = stop
            workers.stop_file, workers.deadline = stop.path, self.deadline
            for outcome in workers.run(self._take):
                self._record(outcome)
                if self.trouble:
                    stop.path.touch()
            interrupted = stop.path.exists() and not self.trouble
        if self.taken_over:
            self.display.print(f"{self.taken_over} choice runs taken from other experiments")
        if self.trouble:
            raise UserError(self.trouble)
        if self.ended["stopped"]:
            self.display.print("stopped early; the same command resumes from here")
        if self.ended["failed"]:
            where = self.options.results_dir / self.options.profile
            self.display.print(f"{self.ended['failed']} runs failed; {where}/*.json say why")
        return signals.STATUS if interrupted else int(self.ended["failed"] > 0)

    def _take(self, here: set[tuple], anywhere: set[tuple], beside: Run | None) -> Job | None:
        """The next job for a worker: among the first runs of one claim, stage and seed, or among
        those that can be trained beside another run."""
        while waiting := self._waiting(beside):
            first = waiting[0][0]
            planned = plan.preferred(self.queue.alike(waiting), here, anywhere)
            if first.kind == plan.CHOICE and self._take_over(first, planned):
                continue
            job = self._job(planned, first)
            if job.must_stop():
                self.ended["stopped"] += 1
                return None
            self.queue.start(first, planned)
            self.stage_of[planned.run.key] = first
            return job
        return None

    def _waiting(self, beside: Run | None) -> list[tuple[Stage, Planned]]:
        waiting = self.queue.waiting()
        if beside is None:
            return waiting
        wanted = beside.architecture, beside.updates
        return [
            (stage, planned)
            for stage, planned in waiting
            if (planned.run.architecture, planned.run.updates) == wanted
        ]

    def _job(self, planned: Planned, stage: Stage) -> Job:
        log_dir = self.options.log_dir / stage.name / planned.folder
        return Job(
            planned,
            log_dir,
            self.options.data_dir,
            self.deadline,
            self.stop.path,
            self.origin,
            self.options.stack,
            self.options.tf32,
        )

    def _take_over(self, stage: Stage, planned: Planned) -> bool:
        """Copies the rows of the same choice run from another experiment, if one has made it.
        Each experiment trains its own final runs."""
        key, results = planned.run.key, stage.results
        for file in sorted(results.csv.parent.glob("*_choice.json")):
            other = Results(self.options.results_dir, self.options.profile, file.stem)
            if file != results.json and key in other.finished():
                arm, x = planned.arm, planned.x
                rows = [replace(row, arm=arm, x=x) for row in other.rows() if row.run == key]
                results.append(rows, key, other.runs()[key] | {"arm": arm, "x": x})
                self.taken_over += 1
                self.queue.refresh(stage.name)
                return True
        return False

    def _record(self, outcome: Outcome) -> None:
        self.ended[outcome.status] += 1
        planned = outcome.job.planned
        stage = self.stage_of[planned.run.key]
        if outcome.status == "stopped":
            return
        try:
            outcome.record(stage.results)
        except OSError as error:
            self.trouble = (
                f"{stage.results.csv} cannot be written ({error.strerror}); "
                "all earlier rows are safe"
            )
            return
        self.queue.ended(stage, planned)
        self._show(stage, planned, outcome.describe())
        free = free_mebibytes(self.options.results_dir)
        if free < SPARE_MEBIBYTES:
            self.trouble = (
                f"the disk of {self.options.results_dir} has {free:.0f} MiB left, but a run needs "
                f"{SPARE_MEBIBYTES} MiB to be safe; free some space and run the same command again"
            )

    def _show(self, stage: Stage, planned: Planned, result: str) -> None:
        missing = self.queue.missing[stage.name]
        is_choice = stage.kind == plan.CHOICE
        done = missing.choices_done if is_choice else missing.finals_done
        left = sum(map(len, missing.choosing.values())) if is_choice else missing.finals_left
        self.display.stage(stage.title, done + left, done - 1)
        self.display.ended(planned.run.key, planned.label, result)
