"""What it costs in accuracy to drop slices, which saves time, in place of single units.

`SliceDropout` keeps one slice of each hidden layer for a whole batch. Both kinds drop inputs at
rate 0.2, unit by unit, and hidden units at rate 0.5; all arms share seeds. Cost at `cpu`: 9 choice
runs of 3,000 and 15 final runs of 6,000 updates, 4 ms an update.
"""

from dataclasses import replace

from reproduce import Budget, Experiment, Mlp, Run, View, arms, below, tuned

PLAIN = Run(
    data="mnist",
    net=Mlp((512, 512), "relu"),
    batch_size=100,
    examples=10_000,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
)
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
        "quick": Budget(
            updates=1_000, seeds=3, choice_updates=300, width=1 / 4, examples=1_000, update_ms=1
        ),
        "cpu": Budget(updates=6_000, seeds=5, choice_updates=3_000, update_ms=4),
        "paper": Budget(updates=100_000, seeds=10, choice_seeds=2, update_ms=0.5),
    },
    view=View(kind="arms"),
    claims=(
        below(SLICES, NONE, "Slices help"),
        below(UNITS, SLICES, "Single units help more than slices"),
    ),
)
