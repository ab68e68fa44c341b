"""Augmentation and dropout on CIFAR-10, alone and combined: a factorial design of two factors.

Images are mirrored, and shifted by up to 4 pixels. Cost at `cpu`, up to the first look: a third of
the width, 10,000 images; 12 choice runs of 2,000 and 12 final runs of 8,000 updates, 50 ms an
update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Experiment, View, arms, below, tuned
from reproduce.experiments.table4 import ALL, BUDGETS, IN_ALL, NONE, PLAIN, RATES

AUGMENTED = {"flip": (True,), "shift_pixels": (4,)}
NEITHER, AUGMENTATION, DROPOUT, BOTH = "Neither", "Augmentation", "Dropout", "Both"


experiment = Experiment(
    title="Augmentation and dropout",
    source="Classroom exercise, on Table 4's network",
    cells=arms(
        {
            NEITHER: tuned(PLAIN, learning_rate=RATES[NONE]),
            AUGMENTATION: tuned(PLAIN, learning_rate=RATES[NONE], **AUGMENTED),
            DROPOUT: tuned(IN_ALL, learning_rate=RATES[ALL]),
            BOTH: tuned(IN_ALL, learning_rate=RATES[ALL], **AUGMENTED),
        }
    ),
    budgets={profile: replace(budget, arms=None) for profile, budget in BUDGETS.items()},
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    claims=(
        below((AUGMENTATION, BOTH), (NEITHER, DROPOUT), "Augmentation helps", smallest=1.0),
        below((DROPOUT, BOTH), (NEITHER, AUGMENTATION), "Dropout helps", smallest=1.0),
        below(
            (NEITHER, BOTH),
            (AUGMENTATION, DROPOUT),
            "Augmentation and dropout help each other",
            smallest=1.0,
        ),
        below(AUGMENTATION, DROPOUT, "Augmentation is better than dropout", smallest=1.0),
    ),
)
