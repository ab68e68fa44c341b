"""Figure 10 at 500 images: where does our gain from dropout come from, the paper showing none?

Our nets of Figure 10 have a learning rate chosen at every size, and max-norm with dropout only.
Here both are taken apart: each rate, with and without dropout, with and without max-norm (2, B.1).
Nothing is chosen. Cost at `cpu`: 48 runs of 3,000 updates, 10 ms an update.
"""

from dataclasses import replace

from reproduce import Budget, Cell, Claim, Experiment, Mlp, Run, View

RATES = (0.01, 0.03, 0.1, 0.2)
PLAIN = Run(
    data="mnist",
    net=Mlp((1024, 1024, 2048), "relu"),
    batch_size=100,
    examples=500,
    learning_rate=0.03,
    momentum=0.95,
    decay="linear",
)
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5)
NONE, DROPOUT, MAX_NORM, BOTH = "No dropout", "Dropout", "Max-norm", "Dropout + max-norm"
NETS = {
    NONE: PLAIN,
    DROPOUT: DROPPED,
    MAX_NORM: replace(PLAIN, max_norm=2.0),
    BOTH: replace(DROPPED, max_norm=2.0),
}


def below(better, worse, rate, text):
    # In points, of about 14 %.
    return Claim(text=text, better=better, worse=worse, x=rate, smallest=0.5)


experiment = Experiment(
    title="Dropout on 500 images",
    source="Figure 10, after section 7.4",
    cells=tuple(
        Cell(arm, rate, (replace(net, learning_rate=rate),))
        for arm, net in NETS.items()
        for rate in RATES
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 32, xs=(0.01, 0.1), update_ms=10
        ),
        "cpu": Budget(updates=3_000, seeds=(3, 6), update_ms=10),
        "tenth": Budget(updates=100_000, seeds=(3, 6), update_ms=10, gpu_update_ms=0.15),
        "paper": Budget(updates=1_000_000, seeds=(3, 6), update_ms=10, gpu_update_ms=0.15),
    },
    view=View(kind="against_x", x_label="learning rate", log_x=True),
    claims=(
        *(
            below(DROPOUT, NONE, rate, f"Dropout alone helps at a rate of {rate:g}")
            for rate in (0.01, 0.1)
        ),
        below(MAX_NORM, NONE, 0.1, "Max-norm alone helps at a rate of 0.1"),
        below(BOTH, DROPOUT, 0.1, "Max-norm helps a dropout net at a rate of 0.1"),
    ),
)
