"""Figure 13: how sparse the hidden units of an RBM are on test images, without and with dropout.

Of the activations, 5.5 % without and 19.6 % with dropout lie in [0, 0.01], read off the paper's
histograms to about 5 % of each; their totals suggest 1,024 hidden units. Settings are those of
Figure 12. Cost at `cpu`: 6 runs of 10,000 updates, 40 ms an update in the committed rows.
"""

from reproduce import Claim, Experiment, View
from reproduce.experiments.fig12 import WITH, WITHOUT, budgets, cells, lower

experiment = Experiment(
    title="Activations of a restricted Boltzmann machine",
    source="Figure 13, section 8.3",
    cells=cells(1024),
    budgets=budgets(updates=10_000, update_ms=40),
    measures=("squared_error",),
    probes=("probabilities",),
    view=View(
        kind="against_x",
        measures=("probability_share_percent",),
        x_label="probability of a hidden unit on an image",
        y_label="activations (%)",
        log_y=True,
        paper="Figure 13",
    ),
    claims=(
        Claim(
            text="Without dropout fewer activations lie in [0, 0.01]",
            better=WITHOUT,
            worse=WITH,
            measure="probability_share_percent",
            x=0.005,
            smallest=2.0,
            paper="section 8.3, Figure 13",
        ),
        lower(
            "The mean probability is lower with dropout (stated after the rows)",
            "hidden_probability_mean",
            0.01,
            "",
            why="with dropout more units are near 0 on an image, but the others are less sure: "
            "fewer lie from 0.01 to 0.37 and above 0.99, more between. Figure 12's machines of 256 "
            "units, trained for three times as many updates, show the reverse.",
        ),
    ),
)
