"""Five regularisers alone and in all combinations: a full factorial design on few images.

L2, dropout, batch normalisation, random shifts and early stopping, on 784-512-512-10 and 5,000
images (1,000 at `quick`). Cost at `cpu`, up to the first look: 64 choice runs of 3,000 updates, 56
beyond the grid, and 96 final runs of 6,000, 2 ms an update on fast cores, 6 in the committed rows.
The claims about single arms were stated after the rows of `cpu` had been seen, where `L2 + batch
normalisation + shifts` had the lowest test error. That two help each other is half of what their
joint gain exceeds the sum of their gains by.
"""

from dataclasses import replace
from itertools import combinations

from reproduce import (
    WIDER_RATES,
    Best,
    Budget,
    Claim,
    Experiment,
    Mlp,
    Run,
    View,
    arms,
    below,
    tuned,
)

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
# In points: of an effect over half of all combinations, and of two arms.
SMALLEST, SMALLEST_OF_ARMS = 0.1, 0.3
SETS = [c for size in range(len(FACTORS) + 1) for c in combinations(FACTORS, size)]


def arm(factors):
    return " + ".join(factors) or "none"


# Without early stopping, which changes little in any combination.
BEST = "L2 + batch normalisation + shifts"
TOUR = ("none", *FACTORS, "dropout + shifts", BEST)


def run(factors):
    return replace(RUN, **{name: value for f in factors for name, value in FACTORS[f].items()})


WHY = {
    "early stopping": "the learning rate falls to zero over the run, so that the last weights are "
    "about as good as the best ones, and stopping early gains nothing.",
    "shifts": "both remedy the same lack of images. Shifts supply more of them; once they do, "
    "dropout's noise mainly slows learning at this budget.",
}


def contrast(text, is_better, why=""):
    """The mean over half of all combinations against the mean over the other half."""
    better = tuple(arm(factors) for factors in SETS if is_better(factors))
    worse = tuple(arm(factors) for factors in SETS if not is_better(factors))
    return Claim(text=text, better=better, worse=worse, smallest=SMALLEST, why=why)


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
            updates=800,
            seeds=(3, 6),
            choice_updates=200,
            width=1 / 2,
            examples=1_000,
            arms=TOUR,
            update_ms=2,
        ),
        "cpu": Budget(added=2, updates=6_000, seeds=(3, 6), choice_updates=3_000, update_ms=2),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=2, gpu_update_ms=0.1
        ),
    },
    brackets=WIDER_RATES,
    hold_out=True,
    curve_points=10,
    view=View(kind="claims"),
    panels=(View(kind="combinations"),),
    bests=tuple(
        Best(among=among, arms=tuple(arm(s) for s in SETS if len(s) in sizes), than="none")
        for among, sizes in (("single regularisers", {1}), ("combinations", {2, 3, 4, 5}))
    ),
    claims=(
        below("dropout", "none", "Dropout alone helps", smallest=SMALLEST_OF_ARMS),
        below("shifts", "none", "Random shifts alone help", smallest=SMALLEST_OF_ARMS),
        below("shifts", "dropout", "Shifts help more than dropout", smallest=SMALLEST_OF_ARMS),
        below(
            "dropout + shifts", "dropout", "Shifts help a dropout net", smallest=SMALLEST_OF_ARMS
        ),
        below(
            "dropout + shifts",
            "shifts",
            "Dropout helps a net with shifts",
            smallest=SMALLEST_OF_ARMS,
        ),
        below(
            BEST,
            "dropout",
            "L2, batch normalisation and shifts together help more than dropout",
            smallest=SMALLEST_OF_ARMS,
        ),
        *(
            contrast(
                f"The test error is lower with {factor}",
                lambda s, f=factor: f in s,
                WHY["early stopping"] if factor == "early stopping" else "",
            )
            for factor in FACTORS
        ),
        *(
            contrast(
                f"Dropout and {other} help each other",
                lambda s, other=other: ("dropout" in s) == (other in s),
                WHY.get(other, ""),
            )
            for other in FACTORS
            if other != "dropout"
        ),
    ),
)
