"""This project: the engine that trains every experiment."""

import numpy as np

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, SEED, Case
from benchmarks.images import draw
from reproduce import ConvNet, Mlp, Run
from reproduce.data import Dataset
from reproduce.machine import import_tensorflow, use_tf32


def run_of(case: Case) -> Run:
    """The case in the paper's convention: probabilities to keep instead of rates to drop."""
    net = ConvNet(case.filters, case.hidden, "relu") if case.filters else Mlp(case.hidden, "relu")
    return Run(
        data="mnist",
        net=net,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        momentum=MOMENTUM,
        updates=case.updates,
        seed=SEED,
        measures=("nll",),
        keep_input=1 - case.input_rate,
        keep=1 - case.rate,
        max_norm=case.max_norm,
        keep_conv=tuple(1 - rate for rate in case.conv_rates),
    )


def dataset_of(case: Case) -> Dataset:
    """Random images, the first of which are held out."""
    images, labels = draw(case)
    order = np.arange(len(images))
    return Dataset("mnist", images, labels, len(images), "random", order, len(images) // 6)


def prepare(name: str):
    """`name` is a case, with " | x16" for 16 runs side by side, " | tf32" for products of numbers
    rounded to ten bits; all runs of a block together make the case's number of updates."""
    import_tensorflow()
    from reproduce.training import Engine, build

    case_name, *options = name.split(" | ")
    use_tf32("tf32" in options)
    runs = next((int(each[1:]) for each in options if each.startswith("x")), 1)
    case = CASES[case_name]
    run, dataset = run_of(case), dataset_of(case)
    engine = Engine(run, dataset, runs)
    for slot in range(runs):
        engine.load(build(run, dataset.shape, dataset.classes), slot)
    lead, updates = engine.slots.lead, case.updates // runs
    rates = np.array([LEARNING_RATE, MOMENTUM, 0], np.float32)
    schedule = np.tile(rates, (engine.chunk, *lead, 1))
    rng = np.random.default_rng(SEED)

    def block() -> None:
        shape = (updates, *lead, BATCH_SIZE)
        order = rng.integers(0, case.examples, shape).astype(np.int32)
        for start in range(0, updates, engine.chunk):
            part = order[start : start + engine.chunk]
            engine.advance(part, schedule[: len(part)])

    return block, ", ".join(["compiled update", *options])
