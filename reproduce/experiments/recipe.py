"""Which recipe brings Table 2's 3 x 1024 net with dropout and max-norm to a low error soonest?

The paper trains for a million updates. Here the budget is fixed, and one thing at a time is changed
about the same net: how the learning rate falls, a warm-up, and whether the final weights are a mean
over the last quarter of training. A larger batch late in training is left out: it lowers the noise
of the gradient as a falling rate does (Smith et al., ICLR 2018). Learning rates are chosen for each
recipe. Cost at `cpu`, up to the first look: 15 choice runs of 6,000 and 25 final runs of 20,000
updates, 9 ms an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Experiment, Mlp, Run, View, arms, below, tuned

CONSTANT = Run(
    data="mnist",
    net=Mlp((1024, 1024, 1024), "relu"),
    batch_size=100,
    learning_rate=0.05,
    momentum=0.95,
    keep_input=0.8,
    keep=0.5,
    max_norm=2.0,
)
LINEAR = replace(CONSTANT, decay="linear")
FLAT, FLAT_MEAN = "Constant rate", "Constant rate, weights averaged"
FALLING, FALLING_MEAN = "Linear decay", "Linear decay, weights averaged"
WARM = "Linear decay after a warm-up"
RECIPES = {
    FLAT: CONSTANT,
    FLAT_MEAN: replace(CONSTANT, average_fraction=0.25),
    FALLING: LINEAR,
    FALLING_MEAN: replace(LINEAR, average_fraction=0.25),
    WARM: replace(LINEAR, warm_up_fraction=0.1),
}
# In points: ten of the test images.
SMALLEST = 0.1

experiment = Experiment(
    title="Recipes for the 3 x 1024 net",
    source="Table 2, beyond the paper",
    cells=arms(
        {name: tuned(recipe, learning_rate=(0.02, 0.05, 0.1)) for name, recipe in RECIPES.items()}
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 64, arms=(FLAT, FLAT_MEAN), update_ms=10
        ),
        "cpu": Budget(added=2, updates=20_000, seeds=(5, 10), choice_updates=6_000, update_ms=9),
        "tenth": Budget(
            added=2,
            updates=100_000,
            seeds=(5, 10),
            choice_updates=20_000,
            update_ms=9,
            gpu_update_ms=0.15,
        ),
        "paper": Budget(
            added=2,
            updates=1_000_000,
            seeds=(5, 10),
            choice_seeds=2,
            update_ms=9,
            gpu_update_ms=0.15,
        ),
    },
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    claims=(
        below(FALLING, FLAT, "A falling rate is better than a constant one", smallest=SMALLEST),
        below(FLAT_MEAN, FLAT, "Averaging helps at a constant rate", smallest=SMALLEST),
        below(FALLING_MEAN, FALLING, "Averaging helps at a falling rate", smallest=SMALLEST),
        below(WARM, FALLING, "A warm-up helps", smallest=SMALLEST),
    ),
)
