"""This project: the engine that trains every experiment."""

import numpy as np

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, SEED, Case
from benchmarks.images import draw
from reproduce import ConvNet, Mlp, Run
from reproduce.data import Dataset
from reproduce.machine import import_tensorflow


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
    import_tensorflow()
    from reproduce.training import CHUNK_UPDATES, Engine, build

    case = CASES[name]
    run = run_of(case)
    dataset = dataset_of(case)
    engine = Engine(run, dataset)
    engine.load(build(run, dataset.shape, dataset.classes))
    schedule = np.tile(np.array([LEARNING_RATE, MOMENTUM, 0], np.float32), (CHUNK_UPDATES, 1))
    rng = np.random.default_rng(SEED)

    def block() -> None:
        order = rng.integers(0, case.examples, (case.updates, BATCH_SIZE)).astype(np.int32)
        for start in range(0, case.updates, CHUNK_UPDATES):
            part = order[start : start + CHUNK_UPDATES]
            engine.advance(part, schedule[: len(part)])

    return block, "compiled update"
