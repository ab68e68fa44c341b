"""Figure 7: the features of an autoencoder of 256 ReLU units, without and with dropout (p = 0.5).

The paper gives the architecture and p; squared error and momentum 0.9 are deepnet's. We chose to
let rate and momentum grow at first: otherwise two units in five never fire, in either arm. We saw
this in a first set of rows at `cpu`, including its results on test images. Cost at `cpu`: 10 choice
runs of 10,000 and 6 final runs of 30,000 updates, 1.5 ms an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Autoencoder, Budget, Claim, Experiment, Run, View, arms, tuned

PLAIN = Run(
    data="mnist",
    net=Autoencoder((256,), "relu"),
    batch_size=100,
    learning_rate=0.01,
    momentum=0.9,
    momentum_start=0.5,
    momentum_ramp_fraction=0.2,
    warm_up_fraction=0.1,
    decay="linear",
)
RATES = (0.01, 0.03, 0.1, 0.3, 1.0)
WITHOUT, WITH = "Without dropout", "Dropout with p = 0.5"
CELLS = arms(
    {
        WITHOUT: tuned(PLAIN, learning_rate=RATES),
        WITH: tuned(replace(PLAIN, keep=0.5), learning_rate=RATES),
    }
)
BUDGETS = {
    "smoke": Budget(data="digits", updates=200, seeds=2, width=1 / 8, update_ms=10),
    "quick": Budget(updates=900, seeds=3, choice_updates=300, update_ms=4),
    "cpu": Budget(added=2, updates=30_000, seeds=3, choice_updates=10_000, update_ms=1.5),
    "paper": Budget(
        added=2,
        updates=100_000,
        seeds=(5, 10, 20),
        choice_seeds=2,
        update_ms=1.5,
        gpu_update_ms=0.1,
    ),
}

experiment = Experiment(
    title="Features of an autoencoder",
    source="Figure 7, section 7.1",
    cells=CELLS,
    budgets=BUDGETS,
    brackets=WIDER_RATES,
    measures=("squared_error",),
    probes=("features",),
    view=View(
        kind="pictures", picture="features", x_label="features of the first layer", most_tiles=8
    ),
    claims=(
        Claim(
            text="Features learned with dropout are smoother",
            better=WITH,
            worse=WITHOUT,
            measure="feature_roughness",
            smallest=0.05,
            paper="section 7.1",
        ),
        Claim(
            text="Both reconstruct test images alike, to 0.5 in half the squared error",
            better=WITH,
            worse=WITHOUT,
            measure="squared_error",
            within=0.5,
            paper="section 7.1",
            why="the paper names neither the loss nor what it counts as similar. Without dropout "
            "the net learns to copy images almost exactly; with it, half of the units are missing "
            "at every update, and the others cannot.",
        ),
    ),
)
