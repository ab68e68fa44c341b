"""Figure 4: error against updates for six networks, with and without dropout.

2, 3 and 4 layers of 1024 and 2048 units, ReLU, max-norm. The paper draws test errors during
training; ours are validation errors, and the test set is read once. The paper's axis of updates is
linear; ours is logarithmic, so that fewer updates can be seen beside its million. Cost at `cpu`: 10
ms an update, for the 3 x 1024 net alone; `paper` has all six.
"""

from dataclasses import replace
from itertools import product

from reproduce import WIDER_RATES, Budget, Experiment, Mlp, Run, View, arms, below, tuned

NETS = {f"{depth} x {units}": (units,) * depth for depth, units in product((2, 3, 4), (1024, 2048))}
RATES = (0.02, 0.1)
WITHOUT = Run(
    data="mnist",
    net=Mlp((1024, 1024), "relu"),
    batch_size=100,
    learning_rate=0.02,
    momentum=0.95,
    decay="linear",
    max_norm=2.0,
)
# All six take four hours on two cores at 20,000 updates.
ONE_NET = ("With dropout, 3 x 1024", "Without dropout, 3 x 1024")
KINDS = {"Without": WITHOUT, "With": replace(WITHOUT, keep_input=0.8, keep=0.5)}


experiment = Experiment(
    title="Networks with and without dropout, as they learn",
    source="Figure 4, section 6.1.1",
    cells=arms(
        {
            f"{kind} dropout, {name}": tuned(run, net=(Mlp(hidden, "relu"),), learning_rate=RATES)
            for kind, run in KINDS.items()
            for name, hidden in NETS.items()
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits",
            updates=200,
            seeds=2,
            width=1 / 64,
            arms=("Without dropout, 2 x 1024", "With dropout, 2 x 1024"),
            update_ms=10,
        ),
        "cpu": Budget(
            added=2,
            updates=20_000,
            seeds=(3, 6, 12),
            choice_updates=8_000,
            arms=ONE_NET,
            update_ms=10,
        ),
        "tenth": Budget(
            added=2,
            updates=100_000,
            seeds=(3, 6, 12),
            choice_updates=20_000,
            arms=ONE_NET,
            update_ms=10,
            gpu_update_ms=0.6,
        ),
        "paper": Budget(
            added=2, updates=1_000_000, seeds=(3, 6, 12), update_ms=25, gpu_update_ms=0.6
        ),
    },
    hold_out=True,
    curve_points=25,
    brackets=WIDER_RATES,
    view=View(kind="curve", log_x=True, paper="Figure 4"),
    claims=tuple(
        below(
            f"With dropout, {name}",
            f"Without dropout, {name}",
            f"Dropout helps the {name} net",
            smallest=0.1,
            paper="section 6.1.1, Figure 4",
        )
        for name in NETS
    ),
)
