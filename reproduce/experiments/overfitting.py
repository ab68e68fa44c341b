"""The classroom picture: with few images a plain network soon memorises them.

With dropout this takes longer, and the network generalises better. 5,000 images (1,000 at `quick`).
Cost at `cpu`: 26 runs of about 12 s on one core each. Learning rates are chosen on validation data.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Claim, Experiment, Mlp, Run, View, arms, below, tuned

PLAIN = Run(
    data="mnist",
    net=Mlp((512, 512, 512), "relu"),
    batch_size=100,
    examples=5_000,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
)
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5)
RATES = (0.02, 0.05, 0.1, 0.2)

experiment = Experiment(
    title="Overfitting on few images",
    source="Sections 1 and 7.4, the classroom picture",
    cells=arms(
        {
            "No dropout": tuned(PLAIN, learning_rate=RATES),
            "Dropout": tuned(DROPPED, learning_rate=RATES),
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 16, examples=500, update_ms=10
        ),
        "quick": Budget(
            updates=1_000, seeds=3, choice_updates=200, width=1 / 2, examples=1_000, update_ms=2.5
        ),
        "cpu": Budget(added=2, updates=3_000, seeds=(5, 10), choice_seeds=2, update_ms=2.5),
        "paper": Budget(
            added=2,
            updates=100_000,
            seeds=(10, 20),
            choice_seeds=3,
            update_ms=2.5,
            gpu_update_ms=0.1,
        ),
    },
    brackets=WIDER_RATES,
    hold_out=True,
    curve_points=30,
    view=View(kind="curve"),
    claims=(
        below(
            "Dropout",
            "No dropout",
            "Dropout lowers the test error",
            smallest=0.2,
            paper="section 1",
        ),
        Claim(
            text="Dropout raises the likelihood loss on the training images",
            better="No dropout",
            worse="Dropout",
            split="train",
            measure="nll",
            smallest=0.0005,
        ),
    ),
)
