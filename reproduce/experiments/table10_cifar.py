"""Table 10, CIFAR-10: Bernoulli against Gaussian noise of the same variance in all layers.

Paired seeds. Cost at `cpu`, up to the first look: a third of the width, 10,000 images; 6 choice
runs of 2,000 and 6 final runs of 8,000 updates, 48 ms an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Experiment, View, arms, below, tuned
from reproduce.experiments.table4 import ALL, BUDGETS, IN_ALL, RATES

experiment = Experiment(
    title="Bernoulli against Gaussian dropout, CIFAR-10",
    source="Table 10, section 10",
    cells=arms(
        {
            f"{noise.title()} dropout": tuned(IN_ALL, noise=(noise,), learning_rate=RATES[ALL])
            for noise in ("bernoulli", "gaussian")
        }
    ),
    budgets={profile: replace(budget, arms=None) for profile, budget in BUDGETS.items()},
    brackets=WIDER_RATES,
    view=View(kind="arms", paper="Table 10, CIFAR-10", tolerance_points=0.3),
    claims=(
        below(
            "Gaussian dropout",
            "Bernoulli dropout",
            "Gaussian noise errs less than Bernoulli noise",
            smallest=1.0,
            paper="section 10, Table 10",
        ),
    ),
)
