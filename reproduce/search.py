"""keras-tuner over an experiment's search space: its trials are runs of the one engine, with rows.

A trial is one point of the space, run with `--seeds` seeds on the training part; its objective is
their mean validation error. The best point and the baselines are then retrained on all training
data with fresh seeds, and tested once.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from reproduce import Experiment, Run, Search, UserError, data, plan
from reproduce.display import Display
from reproduce.record import Results, writer_lock

KERAS_TUNER, LOOPBACK = "KERASTUNER", "127.0.0.1"
ROLE, CHIEF = f"{KERAS_TUNER}_TUNER_ID", "chief"
IP, PORT = f"{KERAS_TUNER}_ORACLE_IP", f"{KERAS_TUNER}_ORACLE_PORT"
# Of a chief and workers that one command started: its process; and how often all look around.
PARENT, LOOK_SECONDS = "REPRODUCE_PARENT", 0.5
# What workers have, once the chief has ended, to end too.
SECONDS_TO_END = 20
MOST_STARTS = 4
AGAIN = ("--resume", "--overwrite")
TUNERS = ("grid", "random", "bayesian", "hyperband")


@dataclass(frozen=True)
class Options:
    """What the command line asks of a search."""

    name: str
    profile: str
    tuner: str
    trials: int
    seeds: int
    workers: int
    resume: bool
    overwrite: bool
    data_dir: Path | None
    results_dir: Path
    log_dir: Path

    @property
    def state_dir(self) -> Path:
        """Where keras-tuner keeps what it knows."""
        return self.log_dir / self.profile / f"search_{self.name}" / "tuner"

    def results(self, kind: str = "") -> Results:
        return Results(self.results_dir, self.profile, f"search_{self.name}{kind}")


def run(options: Options, argv: list[str]) -> int:
    """Searches, then retrains and tests what was found; returns the exit status."""
    experiment, space = declared(options)
    dataset = budgeted(options, experiment, space.template).data
    if role := os.environ.get(ROLE):  # in a search of many processes, maybe on many machines
        lacking = [name for name in (IP, PORT) if not os.environ.get(name)]
        if lacking:
            raise UserError(
                f"{ROLE}={role} joins a search of many processes: {' and '.join(lacking)} must "
                f"name its chief; without {ROLE} the search runs here alone"
            )
        if parent := os.environ.get(PARENT):
            threading.Thread(target=_end_with, args=(int(parent),), daemon=True).start()
        if role == CHIEF:
            _prepare(options, experiment, space)
        from reproduce.trials import take_part

        with Display() as display:
            return take_part(options, experiment, space, display, argv)
    with writer_lock(options.results_dir, options.profile), Display() as display:
        data.load(dataset, options.data_dir)
        _prepare(options, experiment, space)
        if options.workers > 1 and not _side_by_side(options, argv, display):
            return 130
        # Here, since only this needs TensorFlow.
        from reproduce.trials import carry_out

        return carry_out(options, experiment, space, display, argv)


def _end_with(parent: int) -> None:
    """Ends this process once its parent has: none may search on beside those of a --resume."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def _side_by_side(options: Options, argv: list[str], display: Display) -> bool:
    """A chief and `--workers` workers on this machine, until no worker is left: each is this
    command with keras-tuner's own variables, as it would be on another machine.

    Whatever one of them that was killed leaves undone is done afterwards, by the caller. Returns
    whether the search may go on, which Ctrl-C ends.
    """
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port = probe.getsockname()[1]
    # Its part is not to begin a search, but to join one.
    command = [sys.executable, "-m", "reproduce", *(a for a in argv if a not in AGAIN), "--resume"]

    def start(role: str) -> subprocess.Popen:
        variables = {ROLE: role, IP: LOOPBACK, PORT: str(port)}
        variables |= {PARENT: str(os.getpid()), "REPRODUCE_THREADS": "1"}
        return subprocess.Popen(command, env=os.environ | variables)

    chief = start(CHIEF)
    workers = {f"tuner{i}": start(f"tuner{i}") for i in range(options.workers)}
    starts = dict.fromkeys(workers, 1)
    grace = SECONDS_TO_END / LOOK_SECONDS
    try:
        while any(worker.poll() is None for worker in workers.values()) and grace > 0:
            time.sleep(LOOK_SECONDS)
            if chief.poll():  # its workers would wait for it in vain
                display.say(f"the chief ended with status {chief.returncode}; going on without it")
                return True
            if chief.returncode == 0:  # all is done; workers need a moment to see it
                grace -= 1
                continue
            for name, worker in workers.items():
                if worker.poll() not in (None, 0, 130) and starts[name] < MOST_STARTS:
                    # One of the same name is given the trial that this one leaves undone.
                    display.say(f"worker {name} ended with status {worker.returncode}; restarted")
                    starts[name] += 1
                    workers[name] = start(name)
        return all(worker.returncode != 130 for worker in workers.values())
    except KeyboardInterrupt:  # which the workers got too
        for worker in workers.values():
            worker.wait()
        display.say("stopped early; the same command with --resume goes on from here")
        return False
    finally:
        for process in (chief, *workers.values()):
            process.kill()
            process.wait()


def declared(options: Options) -> tuple[Experiment, Search]:
    experiment = plan.load(options.name)
    if experiment.search is None:
        able = ", ".join(name for name in plan.names() if plan.load(name).search)
        raise UserError(f"{options.name} declares no search space; {able} do")
    if options.tuner not in TUNERS:
        raise UserError(f"unknown tuner {options.tuner!r}; the tuners are {', '.join(TUNERS)}")
    return experiment, experiment.search


def budgeted(options: Options, experiment: Experiment, run: Run) -> Run:
    return plan.budgeted(run, experiment.budgets[options.profile], experiment)


def _prepare(options: Options, experiment: Experiment, space: Search) -> None:
    """Notes what is searched, and mends what a kill left behind; refuses to go on with a search of
    something else."""
    template = budgeted(options, experiment, space.template)
    asked = {
        "axes": {name: list(values) for name, values in space.axes.items()},
        "template": template.settings(),
        "tuner": options.tuner,
        "seeds": options.seeds,
    }
    note = options.state_dir / "space.json"
    both = options.results(), options.results("_best")
    if options.overwrite:
        shutil.rmtree(options.state_dir, ignore_errors=True)
        for results in both:
            results.remove()
    for results in both:
        results.repair()
    if note.exists():
        if not options.resume:
            raise UserError(
                f"there is an earlier search of {options.name} at the {options.profile} profile: "
                "go on with it by --resume, or forget it by --overwrite"
            )
        earlier = json.loads(note.read_text())
        changed = sorted(key for key in asked if asked[key] != earlier.get(key))
        if changed:
            raise UserError(
                f"the earlier search of {options.name} differs in its {' and '.join(changed)}: "
                "ask for the same to --resume, or forget that search by --overwrite"
            )
    elif any(results.runs() for results in both):
        raise UserError(
            f"there are rows of an earlier search of {options.name} at the {options.profile} "
            f"profile, and what its tuner knew, {options.state_dir}, is gone: put that back to "
            "--resume, or forget the search by --overwrite"
        )
    options.state_dir.mkdir(parents=True, exist_ok=True)
    part = note.with_suffix(".part")
    part.write_text(json.dumps(asked, indent=1))
    os.replace(part, note)
