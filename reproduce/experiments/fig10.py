"""Figure 10: the effect of the training set's size on dropout's gain, 784-1024-1024-2048-10.

The paper: no gain at 100 images, the largest at 5,000, smaller ones beyond. Cost at `cpu`: 11 ms an
update. Learning rates are chosen on validation data, at every size and for both arms.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Cell, Claim, Experiment, Mlp, Run, View, tuned

SIZES = (100, 500, 1_000, 5_000, 10_000, 50_000)
RATES = (0.01, 0.03, 0.1, 0.2)
PLAIN = Run(
    data="mnist",
    net=Mlp((1024, 1024, 2048), "relu"),
    batch_size=100,
    learning_rate=0.03,
    momentum=0.95,
    decay="linear",
)
# With the paper's bound for MNIST (B.1). The paper leaves the other arm's settings open.
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5, max_norm=2.0)

UNSTABLE = (
    "with dropout the largest rate that learned was chosen, by one run for each candidate, and at "
    "that rate some seeds hardly learn: one run could not show it. Half that rate, chosen before, "
    "had no such seeds."
)
SMALL_SETS = (
    "our nets without dropout err about as much as the paper's here, those with dropout less. We "
    "choose the learning rate at every size, for both arms; the paper does not say that it does, "
    "and a rate chosen once, on all images, may not suit dropout on few. Only the arm with dropout "
    "has max-norm, as the paper's has on MNIST, and that may help it most where images are few."
)
# In points: errors are a quarter and an eighth of the images.
MORE = {
    size: {"smallest": d, "or_equal": True, "why": why}
    for size, d, why in ((100, 1.0, UNSTABLE), (500, 0.5, SMALL_SETS))
}


def gain(better, worse, size, text, more):
    return Claim(text=text, better=better, worse=worse, x=size, paper="section 7.4", **more)


experiment = Experiment(
    title="Effect of the data set's size",
    source="Figure 10, section 7.4",
    cells=tuple(
        Cell(arm, size, tuned(run, examples=(size,), learning_rate=RATES))
        for size in SIZES
        for arm, run in (("No dropout", PLAIN), ("Dropout", DROPPED))
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 32, xs=(100, 500), update_ms=10
        ),
        "quick": Budget(
            updates=800,
            seeds=3,
            choice_updates=200,
            width=1 / 4,
            # With more images, dropout needs more updates than a tour has.
            xs=(500, 1_000),
            update_ms=2,
        ),
        "cpu": Budget(
            added=2, updates=10_000, seeds=(3, 6, 12), choice_updates=3_000, update_ms=11
        ),
        "tenth": Budget(
            added=2,
            updates=100_000,
            seeds=(3, 6, 12),
            choice_updates=20_000,
            update_ms=11,
            gpu_update_ms=0.15,
        ),
        "paper": Budget(
            added=2,
            updates=1_000_000,
            seeds=(5, 10, 20),
            choice_seeds=2,
            update_ms=11,
            gpu_update_ms=0.15,
        ),
    },
    brackets=WIDER_RATES,
    view=View(
        kind="against_x",
        x_label="training images",
        log_x=True,
        log_y=True,
        paper="Figure 10",
        tolerance_points=0.3,
    ),
    claims=(
        *(
            gain("Dropout", "No dropout", size, f"Dropout helps at {size:,} images", smallest)
            for size, smallest in ((5_000, {"smallest": 0.2}), (50_000, {"smallest": 0.1}))
        ),
        *(
            gain("No dropout", "Dropout", size, f"No gain at {size} images", MORE[size])
            for size in (100, 500)
        ),
        *(
            gain(
                "Dropout",
                "No dropout",
                5_000,
                f"The relative gain is larger at 5,000 than at {than:,} images",
                {"smallest": 5.0, "than_x": than, "why": why},
            )
            for than, why in ((500, SMALL_SETS), (50_000, ""))
        ),
        Claim(
            text="Dropout helps at 1,000 images",
            better="Dropout",
            worse="No dropout",
            x=1_000,
            smallest=0.5,
        ),
    ),
)
