"""Table 10, CIFAR-10: Bernoulli against Gaussian noise of the same variance in all layers.

Paired seeds. Cost at `cpu`: a third of the width, 10,000 images; 6 choice runs of 2,000 and 6 final
runs of 8,000 updates, 48 ms an update.
"""

from dataclasses import replace

from reproduce import Claim, Experiment, View, arms, tuned
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
    view=View(kind="arms", paper="Table 10, CIFAR-10", tolerance_points=0.3),
    claims=(
        Claim(
            text="Gaussian noise does as well or better",
            better="Gaussian dropout",
            worse="Bernoulli dropout",
            margin=-0.3,
        ),
    ),
)
