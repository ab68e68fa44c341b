"""Figure 8: sparsity, the activations of Figure 7's autoencoders on test images.

The paper: means of about 2.0 without and 0.7 with dropout, read off where the histograms peak. Some
of our units never fire (the paper's Figure 7 has a few blank tiles); the peaks come from the
others. Cost: Figure 7's.
"""

from reproduce import WIDER_RATES, Claim, Experiment, View
from reproduce.experiments.fig7 import BUDGETS, CELLS, WITH, WITHOUT


def lower(text, measure, smallest, paper=""):
    stated = {"smallest": smallest, "paper": paper}
    return Claim(text=text, better=WITH, worse=WITHOUT, measure=measure, **stated)


experiment = Experiment(
    title="Activations of an autoencoder's hidden units",
    source="Figure 8, section 7.2",
    cells=CELLS,
    budgets=BUDGETS,
    brackets=WIDER_RATES,
    measures=("squared_error",),
    probes=("activations",),
    view=View(
        kind="against_x",
        measures=("unit_mean_share_percent",),
        x_label="mean activation of a unit",
        y_label="hidden units (%)",
        paper_xs=((WITHOUT, 2.0), (WITH, 0.7)),
    ),
    panels=(
        View(
            kind="against_x",
            measures=("activation_share_percent",),
            x_label="activation",
            y_label="activations (%)",
            top=6.0,
            paper="Figure 8",
        ),
    ),
    claims=(
        lower("Dropout lowers the mean activation", "activation_mean", 0.1, "section 7.2"),
        lower("The units' mean activations peak lower", "unit_mean_mode", 0.1),
        lower("Fewer units are active on an image", "active_percent", 5.0, "section 7.2"),
    ),
)
