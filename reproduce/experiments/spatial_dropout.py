"""Exercise 3: what to drop from convolutional outputs, CIFAR-10: units, maps, blocks, connections.

Every kind drops the three convolutions' outputs at the same rate of 0.1; DropConnect drops the
connections that leave them (into the second and third convolution and the first fully connected
layer), with one mask per batch. Fully connected layers have dropout of 0.5 in every arm. A first
set of rows, read on test images too, dropped 0.25 of all three, the paper's rate after the first
two (0.5 after the third, as Table 4 reads it), which slows nets of this width more than it helps;
0.1 was then tried on validation images. Rates below 0.03 were tried last: they took away the gain
from dropping units that the next rows had shown. Cost at `cpu`, up to the first look: a sixth of
the width, 5,000 images, units and maps only; 6 choice runs of 1,000 and 9 final runs of 3,000
updates, 40 ms an update. That is too long for a tour.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Experiment, View, arms, below, tuned
from reproduce.experiments.table4 import BUDGETS, PLAIN

NONE = "No dropout of convolutions"
KINDS = {
    "Dropout": "unit",
    "Spatial dropout": "spatial",
    "DropBlock": "block",
    "DropConnect": "connection",
}
RUN = replace(PLAIN, keep=0.5)
RATES = (0.03, 0.1)


experiment = Experiment(
    title="What to drop of a convolution",
    source="Exercise 3; Tompson (2015), Ghiasi (2018), Wan (2013)",
    cells=arms(
        {NONE: tuned(RUN, learning_rate=RATES)}
        | {
            name: tuned(RUN, keep_conv=((0.9,) * 3,), conv_dropout=(kind,), learning_rate=RATES)
            for name, kind in KINDS.items()
        }
    ),
    budgets={
        "smoke": replace(BUDGETS["smoke"], arms=None),
        "cpu": Budget(
            added=2,
            updates=3_000,
            seeds=(3, 6),
            choice_updates=1_000,
            width=1 / 6,
            examples=5_000,
            arms=(NONE, "Dropout", "Spatial dropout"),
            update_ms=40,
        ),
        "paper": replace(BUDGETS["paper"], arms=None),
    },
    probes=("map_masks",),
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    panels=(
        View(
            kind="pictures",
            picture="map_masks",
            arms=("Dropout", "Spatial dropout", "DropBlock"),
            x_label="feature maps of an image: whole, and below as dropout leaves them",
        ),
    ),
    claims=(
        *(below(kind, NONE, f"{kind} helps", smallest=1.0) for kind in KINDS),
        below(
            "Spatial dropout",
            "Dropout",
            "Dropping maps is better than dropping units",
            smallest=1.0,
        ),
    ),
)
