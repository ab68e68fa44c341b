"""Figure 12: the features of a binary RBM of 256 hidden units, without and with dropout (p = 0.5).

The paper trains by CD-1 and gives no rate, length or weight cost. Ours are those that Hinton and
Salakhutdinov (Science, 2006) published with their code for MNIST: rate 0.1, momentum 0.5, then 0.9
(here a ramp), weight cost 0.0002, 50 epochs; nothing is chosen. A unit is dead if no test image
moves its probability by more than 0.05. Cost at `cpu`: 6 runs of 30,000 updates,
20 to 50 ms an update in the committed rows.
"""

from dataclasses import replace

from reproduce import Budget, Claim, Experiment, Rbm, Run, View, arms

PLAIN = Run(
    data="mnist",
    net=Rbm((256,)),
    batch_size=100,
    learning_rate=0.1,
    momentum=0.9,
    momentum_start=0.5,
    momentum_ramp_fraction=0.1,
    l2=1e-4,
)
WITHOUT, WITH = "RBM", "Dropout RBM with p = 0.5"


def cells(units):
    run = replace(PLAIN, net=Rbm((units,)))
    return arms({WITHOUT: [run], WITH: [replace(run, keep=0.5)]})


def budgets(updates, update_ms):
    return {
        "smoke": Budget(data="digits", updates=200, seeds=2, width=1 / 8, update_ms=5),
        "cpu": Budget(updates=updates, seeds=(3, 6), update_ms=update_ms),
        "paper": Budget(updates=100_000, seeds=(5, 10, 20), update_ms=update_ms, gpu_update_ms=0.2),
    }


def lower(text, measure, smallest, place, why=""):
    stated = {"measure": measure, "smallest": smallest, "paper": place, "why": why}
    return Claim(text=text, better=WITH, worse=WITHOUT, **stated)


experiment = Experiment(
    title="Features of a restricted Boltzmann machine",
    source="Figure 12, section 8.2",
    cells=cells(256),
    budgets=budgets(updates=30_000, update_ms=25),
    measures=("squared_error",),
    probes=("features", "probabilities"),
    view=View(kind="pictures", picture="features", x_label="all features, the largest first"),
    claims=(
        lower("Features are coarser with dropout", "feature_roughness", 0.05, "section 8.2"),
        lower(
            "Fewer units are dead with dropout",
            "dead_units_percent",
            1.0,
            "section 8.2",
            why="with these settings no unit of either machine dies. How many do depends on the "
            "rate, the weight cost and the initial biases, which the paper does not state.",
        ),
    ),
)
