"""Table 4, CIFAR-10, on all its 50,000 training images.

`table4` has less data, and so shows the effect of dropout sooner. Cost at `cpu`, up to the first
look: a third of the width; 9 choice runs of 5,000 and 9 final runs of 20,000 updates, 48 ms an
update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Experiment, View
from reproduce.experiments.table4 import BUDGETS, CLAIMS, cells

experiment = Experiment(
    title="Dropout in a convolutional network, all of CIFAR-10",
    source="Table 4, section 6.1.3",
    cells=cells("cifar10_zca"),
    budgets=BUDGETS
    | {
        "cpu": replace(BUDGETS["cpu"], updates=20_000, choice_updates=5_000, examples=None),
    },
    brackets=WIDER_RATES,
    view=View(kind="arms", paper="Table 4", tolerance_points=0.5),
    claims=CLAIMS,
)
