"""What it costs in accuracy to drop slices, which saves time, in place of single units.

`SliceDropout` keeps one slice of each hidden layer for a whole batch. Both kinds drop inputs at
rate 0.2, unit by unit, and hidden units at rate 0.5, in the net of `dropout_rate` on 10,000 images;
all arms share seeds. Cost at `cpu`, up to the first look: 9 choice runs of 3,000 and 15 final runs
of 6,000 updates, 4 ms an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Experiment, View, arms, below, tuned
from reproduce.experiments.dropout_rate import RUN as PLAIN

RATES = (0.02, 0.05, 0.1)
NONE, UNITS, SLICES = "No dropout", "Dropout", "SliceDropout"


experiment = Experiment(
    title="Dropping slices of a layer",
    source="Notin et al. (2020)",
    cells=arms(
        {
            NONE: tuned(PLAIN, learning_rate=RATES),
            UNITS: tuned(replace(PLAIN, keep_input=0.8, keep=0.5), learning_rate=RATES),
            SLICES: tuned(
                replace(PLAIN, keep_input=0.8, keep=0.5, noise="slice"), learning_rate=RATES
            ),
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 32, examples=500, update_ms=10
        ),
        "cpu": Budget(added=2, updates=6_000, seeds=(5, 10), choice_updates=3_000, update_ms=4),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=4, gpu_update_ms=0.5
        ),
    },
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    claims=(
        below(SLICES, NONE, "Slices help", smallest=0.2),
        below(UNITS, SLICES, "Single units help more than slices", smallest=0.2),
    ),
)
