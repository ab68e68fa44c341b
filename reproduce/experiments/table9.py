"""Table 9: six ways to regularise 784-1024-1024-2048-10 (ReLU, MNIST).

The paper picks every strength on validation data and prints none; here each arm has six candidates.
Cost at `cpu`, up to the first look: 36 choice runs of 10,000 and 18 final runs of 24,000 updates,
11 ms an update.
"""

from dataclasses import replace

from reproduce import (
    WIDER_RATES,
    Bracket,
    Budget,
    Experiment,
    Mlp,
    Run,
    Search,
    View,
    arms,
    below,
    tuned,
)

PLAIN = Run(
    data="mnist",
    net=Mlp((1024, 1024, 2048), "relu"),
    batch_size=100,
    learning_rate=0.02,
    momentum=0.95,
    decay="linear",
)
# "Towards the end of training": the last quarter, our guess.
LATE_L1 = replace(PLAIN, l2=3e-5, l1_start_fraction=0.75)
SPARSE = replace(PLAIN, l2=3e-5, sparsity_target=0.1)
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5)
# In points: ten of the test images.
SMALLEST = 0.1
STRONGER = (
    Bracket(setting="max_norm", factor=2.0, low=0.5, high=16.0),
    *(
        Bracket(setting=setting, factor=3.0, low=1e-8, high=1.0)
        for setting in ("l1", "sparsity_cost", "l2")
    ),
)
RATES, DROPOUT_RATES = (0.02, 0.05), (0.05, 0.1)


SETTINGS = (
    "each arm here has a learning rate of its own, chosen together with its penalty; the paper "
    "prints no settings, and its own nets without dropout differ: 1.35 % with max-norm in Table 9, "
    "1.65 to 1.82 % in Figures 4 and 9."
)
BASELINE = f"our net with L2 errs less than the paper's, so that there is less to gain; {SETTINGS}"

experiment = Experiment(
    title="Comparison of regularisers",
    source="Table 9, section 6.5",
    cells=arms(
        {
            "L2": tuned(PLAIN, learning_rate=RATES, l2=(1e-5, 3e-5, 1e-4)),
            "L2 + L1 towards end of training": tuned(
                LATE_L1, learning_rate=RATES, l1=(1e-6, 3e-6, 1e-5)
            ),
            "L2 + KL-sparsity": tuned(
                SPARSE, learning_rate=RATES, sparsity_cost=(1e-4, 1e-3, 1e-2)
            ),
            "Max-norm": tuned(PLAIN, learning_rate=RATES, max_norm=(1.0, 2.0, 4.0)),
            "Dropout + L2": tuned(DROPPED, learning_rate=DROPOUT_RATES, l2=(1e-6, 3e-6, 1e-5)),
            "Dropout + Max-norm": tuned(
                DROPPED, learning_rate=DROPOUT_RATES, max_norm=(1.5, 2.0, 3.0)
            ),
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits",
            updates=200,
            seeds=2,
            width=1 / 32,
            arms=("L2", "L2 + L1 towards end of training", "Dropout + Max-norm"),
            update_ms=10,
        ),
        "cpu": Budget(
            added=2, updates=24_000, seeds=(3, 6, 12), choice_updates=10_000, update_ms=11
        ),
        "tenth": Budget(
            added=4,
            updates=100_000,
            seeds=(3, 6, 12),
            choice_updates=20_000,
            update_ms=11,
            gpu_update_ms=0.15,
        ),
        "paper": Budget(
            added=4,
            updates=1_000_000,
            seeds=(5, 10, 20),
            choice_seeds=2,
            update_ms=11,
            gpu_update_ms=0.15,
        ),
    },
    search=Search(
        template=replace(PLAIN, max_norm=2.0, sparsity_target=0.1, l1_start_fraction=0.75),
        axes={
            "keep_input": (0.8, 1.0),
            "keep": (0.5, 0.6, 0.8, 1.0),
            "max_norm": (1.0, 2.0, 3.0, 4.0),
            "l2": (0.0, 1e-6, 1e-5, 1e-4),
            "l1": (0.0, 1e-6, 1e-5),
            "sparsity_cost": (0.0, 1e-4, 1e-3, 1e-2),
            "learning_rate": (0.02, 0.05, 0.1),
        },
        baselines={
            "No regularisation": PLAIN,
            "The paper's choice": replace(DROPPED, max_norm=2.0, learning_rate=0.1),
        },
        heat=("keep", "max_norm"),
    ),
    brackets=(*WIDER_RATES, *STRONGER),
    view=View(kind="arms", paper="Table 9", tolerance_points=0.1),
    # The paper's sentence: dropout with max-norm has the lowest error of all. Differences of 0.02
    # to 0.07 points between its first three rows, without error bars, are no claim.
    claims=(
        *(
            below(
                "Dropout + Max-norm",
                other,
                smallest=SMALLEST,
                paper="section 6.5, Table 9",
                why=BASELINE if other == "L2" else SETTINGS,
            )
            for other in ("L2", "Max-norm", "Dropout + L2")
        ),
        *(
            below(better, "L2", smallest=SMALLEST, paper="Table 9", why=BASELINE)
            for better in ("Dropout + L2", "Max-norm")
        ),
    ),
)
