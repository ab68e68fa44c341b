"""Do dropout networks spread information over units? Hidden units are removed after training.

Tests the paper's reason for dropout (section 1: no co-adaptation), which the paper does not test.
Cost at `cpu`, up to the first look: 6 choice runs of 8,000 and 6 final runs of 20,000 updates, 9 ms
an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Claim, Experiment, View, arms, tuned
from reproduce.experiments.table2 import PLAIN, RATES

NETS = {
    "No dropout": tuned(PLAIN, learning_rate=RATES),
    "Dropout": tuned(replace(PLAIN, keep=0.5), learning_rate=RATES),
}


def lower(text, measure, x, smallest, why=""):
    return Claim(
        text=text,
        better="Dropout",
        worse="No dropout",
        measure=measure,
        x=x,
        smallest=smallest,
        why=why,
    )


def against_depth(measure):
    return View(kind="against_x", measures=(measure,), x_label="hidden layer")


experiment = Experiment(
    title="Hidden units removed after training",
    source="Sections 1 and 2 (co-adaptation), classroom exercise",
    cells=arms(NETS),
    budgets={
        "smoke": Budget(data="digits", updates=200, seeds=2, width=1 / 64, update_ms=10),
        "cpu": Budget(added=2, updates=20_000, seeds=(3, 6), choice_updates=8_000, update_ms=9),
        "tenth": Budget(
            added=2,
            updates=100_000,
            seeds=(3, 6, 12),
            choice_updates=20_000,
            update_ms=9,
            gpu_update_ms=0.15,
        ),
        "paper": Budget(
            added=2,
            updates=1_000_000,
            seeds=(5, 10, 20),
            choice_seeds=2,
            update_ms=9,
            gpu_update_ms=0.15,
        ),
    },
    probes=("redundancy",),
    brackets=WIDER_RATES,
    view=View(
        kind="against_x",
        measures=("lesion_error_percent",),
        x_label="fraction of hidden units removed",
        y_label="test error (%)",
    ),
    panels=(against_depth("effective_rank_percent"), against_depth("correlation")),
    claims=(
        lower(
            "Dropout nets err less without half of their units", "lesion_error_percent", 0.5, 1.0
        ),
        lower(
            "Features of dropout nets correlate less (third layer)",
            "correlation",
            3,
            0.01,
            why="a unit that may be missing at any time does its work only if others do the same. "
            "So what the upper layers tell is there more than once, and fewer directions carry it.",
        ),
    ),
)
