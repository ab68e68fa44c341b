"""Five regularisers alone and in all combinations: a full factorial design on few images.

L2, dropout, batch normalisation, random shifts and early stopping, on 784-512-512-10 and 5,000
images (1,000 at `quick`). Cost at `cpu`, up to the first look: 64 choice runs of 3,000 and 96 final
runs of 6,000 updates, 2 ms an update.
"""

from dataclasses import replace
from itertools import combinations

from reproduce import Budget, Claim, Experiment, Mlp, Run, View, arms, tuned

RUN = Run(
    data="mnist",
    net=Mlp((512, 512), "relu"),
    batch_size=100,
    examples=5_000,
    learning_rate=0.03,
    momentum=0.9,
    decay="linear",
)

FACTORS: dict[str, dict] = {
    "L2": {"l2": 1e-4},
    "dropout": {"keep_input": 0.8, "keep": 0.5},
    "batch normalisation": {"net": Mlp((512, 512), "relu", batch_norm=True)},
    "shifts": {"shift_pixels": 2},
    "early stopping": {"early_stopping": True},
}
# In points.
SMALLEST = 0.1
SETS = [c for size in range(len(FACTORS) + 1) for c in combinations(FACTORS, size)]


def arm(factors):
    return " + ".join(factors) or "none"


def run(factors):
    return replace(RUN, **{name: value for f in factors for name, value in FACTORS[f].items()})


def contrast(text, is_better):
    """The mean over half of all combinations against the mean over the other half."""
    better = tuple(arm(factors) for factors in SETS if is_better(factors))
    worse = tuple(arm(factors) for factors in SETS if not is_better(factors))
    return Claim(text=text, better=better, worse=worse, smallest=SMALLEST)


experiment = Experiment(
    title="Five regularisers, alone and combined",
    source="Section 6.5, classroom exercise",
    cells=arms({arm(factors): tuned(run(factors), learning_rate=(0.03, 0.1)) for factors in SETS}),
    budgets={
        "smoke": Budget(
            data="digits",
            updates=200,
            seeds=2,
            width=1 / 32,
            examples=500,
            arms=("none", "L2", "dropout", "L2 + dropout"),
            update_ms=10,
        ),
        "quick": Budget(
            updates=300, seeds=3, choice_updates=100, width=1 / 4, examples=1_000, update_ms=3.2
        ),
        "cpu": Budget(updates=6_000, seeds=(3, 6), choice_updates=3_000, update_ms=2),
        "paper": Budget(
            updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=2, gpu_update_ms=0.1
        ),
    },
    hold_out=True,
    curve_points=10,
    view=View(kind="claims"),
    panels=(View(kind="combinations"),),
    claims=(
        *(
            contrast(f"The test error is lower with {factor}", lambda s, f=factor: f in s)
            for factor in FACTORS
        ),
        *(
            contrast(
                f"Dropout and {other} help each other",
                lambda s, other=other: ("dropout" in s) == (other in s),
            )
            for other in FACTORS
            if other != "dropout"
        ),
    ),
)
