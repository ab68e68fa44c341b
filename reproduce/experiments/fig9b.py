"""Figure 9b: the effect of the retention rate p with p x n fixed: widths 256/p, 256/p, 512/p.

The paper: best near p = 0.6, and 0.5 close to it. Whether inputs are dropped it does not say; here
they are not, as in Figure 9a. Cost at `cpu`: 15 ms an update. Learning rates are chosen on
validation data at every p.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Cell, Experiment, Mlp, View, tuned
from reproduce.experiments.fig9a import BUDGETS, CLAIMS, KEEPS, RATES, RUN, lower


def run(keep):
    widths = tuple(round(retained / keep) for retained in (256, 256, 512))
    return replace(RUN, keep=keep, net=Mlp(widths, "relu"))


experiment = Experiment(
    title="Effect of the retention rate, number of retained units fixed",
    source="Figure 9b, section 7.3",
    cells=tuple(Cell("Dropout", keep, tuned(run(keep), learning_rate=RATES)) for keep in KEEPS),
    # Includes 0.6, the paper's best value here.
    budgets=BUDGETS
    | {
        "cpu": replace(BUDGETS["cpu"], xs=(0.1, 0.4, 0.5, 0.6, 0.8, 1.0), update_ms=15),
    },
    brackets=WIDER_RATES,
    view=View(
        kind="against_x",
        x_label="probability p to retain a unit",
        splits=("test", "train"),
        top=8.0,
        paper="Figure 9b",
        tolerance_points=0.2,
    ),
    claims=(
        CLAIMS[0],
        *CLAIMS[2:],
        lower(
            "p = 0.5 and p = 0.6, the paper's best, err alike, to 0.2 points", 0.5, 0.6, within=0.2
        ),
    ),
)
