"""Exercise 2, dropout rates on MNIST: none, and keep 0.3, 0.5, 0.7, 0.9 (dropped 0.7 to 0.1).

Training and validation curves on 10,000 images (1,000 at `quick`), and where the sweet spot lies.
The learning rate is chosen for every dropout rate. Cost at `cpu`, up to the first look: 15 choice
runs of 5,000 and 25 final runs of 10,000 updates, 2 ms an update.
"""

from dataclasses import replace

from reproduce import (
    WIDER_RATES,
    Best,
    Budget,
    Claim,
    Experiment,
    Mlp,
    Run,
    Search,
    View,
    arms,
    below,
    tuned,
)

# In points, of about 3 %.
SMALLEST = 0.2
KEEPS = (0.9, 0.7, 0.5, 0.3)
RUN = Run(
    data="mnist",
    net=Mlp((512, 512), "relu"),
    batch_size=100,
    examples=10_000,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
)


def arm(keep):
    return f"keep {keep:g} (rate {1 - keep:.1g})" if keep < 1 else "No dropout"


experiment = Experiment(
    title="Dropout rates",
    source="Exercise 2, after section 7.3",
    cells=arms(
        {
            arm(keep): tuned(RUN, keep=(keep,), learning_rate=(0.02, 0.05, 0.1))
            for keep in (1.0, *KEEPS)
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 32, examples=500, update_ms=10
        ),
        "quick": Budget(
            updates=800,
            seeds=(4, 8),
            choice_updates=300,
            width=1 / 2,
            examples=1_000,
            update_ms=1.5,
        ),
        "cpu": Budget(added=2, updates=10_000, seeds=(5, 10), choice_updates=5_000, update_ms=2),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=3, update_ms=2, gpu_update_ms=0.1
        ),
    },
    hold_out=True,
    curve_points=12,
    search=Search(
        template=RUN,
        axes={
            "keep_input": (0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
            "keep": (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0),
            "learning_rate": (0.05, 0.1),
        },
        baselines={
            "No dropout": RUN,
            "The paper's choice": replace(RUN, keep_input=0.8, keep=0.5, learning_rate=0.1),
        },
        heat=("keep_input", "keep"),
    ),
    brackets=WIDER_RATES,
    view=View(kind="curve"),
    bests=(Best(among="dropout rates", arms=tuple(map(arm, KEEPS)), than="No dropout"),),
    claims=(
        *(
            below(arm(keep), "No dropout", f"{arm(keep)} helps", smallest=SMALLEST)
            for keep in (0.7, 0.5)
        ),
        below(arm(0.5), arm(0.9), "The sweet spot: 0.5 is better than 0.9", smallest=SMALLEST),
        Claim(
            text="0.3 fits the training images less well than 0.9",
            better=arm(0.9),
            worse=arm(0.3),
            split="train",
            measure="nll",
            smallest=0.0005,
        ),
    ),
)
