"""Eight small runs through the workers that every campaign uses: CASE is their number."""

import tempfile
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.cases import BATCH_SIZE, SEED
from reproduce import Mlp, Run
from reproduce.plan import Planned

RUNS, UPDATES = 8, 1_500
ORIGIN = {"command": "python -m benchmarks", "commit": ""}


def prepare(name: str):
    from reproduce.campaign import Display, Job, Workers, in_turn

    run = Run(
        data="digits",
        net=Mlp((256, 256, 512), "relu"),
        batch_size=BATCH_SIZE,
        learning_rate=0.01,
        momentum=0.95,
        updates=UPDATES,
        seed=SEED,
        measures=("error_percent",),
        keep_input=0.8,
        keep=0.5,
        max_norm=2.0,
    )
    closing = ExitStack()
    folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
    workers = closing.enter_context(Workers(int(name), Display()))
    blocks = iter(range(1, 1_000_000))

    def block() -> None:
        number = next(blocks)
        jobs = []
        for seed in range(RUNS):
            planned = Planned("small", None, "", replace(run, seed=seed))
            log_dir = folder / f"{number}-{seed}"
            jobs.append(Job(planned, log_dir, None, None, folder / "stop", ORIGIN))
        for outcome in workers.run(in_turn(list(jobs))):
            if outcome.status != "done":
                raise RuntimeError(f"a run {outcome.status}: {outcome.provenance}")

    return block, f"{name} workers"
