"""Where dropout does not help, or needs care: common warnings, measured.

A tiny network; recurrent connections; a residual net with batch normalisation; and a Transformer,
where a rate of 0.1 is usual. 10,000 images. Cost at `cpu`,
up to the first look: 27 choice runs of 2,000 and 27 final runs of 5,000 updates, 30 ms.
"""

from reproduce import (
    WIDER_RATES,
    Budget,
    Claim,
    Experiment,
    Mlp,
    Recurrent,
    Residual,
    Run,
    Transformer,
    View,
    arms,
    below,
    tuned,
)

RUN = Run(
    data="mnist",
    net=Mlp((16,), "relu"),
    batch_size=100,
    examples=10_000,
    learning_rate=0.03,
    momentum=0.9,
    decay="linear",
)
# In points.
SMALLEST = 0.2
TINY, LSTM = RUN.net, Recurrent((128,))
NAIVE, RESIDUAL, TRANSFORMER = Recurrent((128,), "naive"), Residual((8, 16, 32)), Transformer(64, 2)


def trained(net, keep=1.0):
    return tuned(RUN, net=(net,), keep=(keep,), learning_rate=(0.03, 0.1, 0.3))


NETS = {
    "Tiny net": trained(TINY),
    "Tiny net, keep 0.5": trained(TINY, keep=0.5),
    "LSTM": trained(LSTM),
    "LSTM, keep 0.7, a mask for each step": trained(NAIVE, keep=0.7),
    "LSTM, keep 0.7, one mask a sequence": trained(LSTM, keep=0.7),
    "Residual net": trained(RESIDUAL),
    "Residual net, keep 0.5": trained(RESIDUAL, keep=0.5),
    "Transformer": trained(TRANSFORMER),
    "Transformer, keep 0.9": trained(TRANSFORMER, keep=0.9),
}

experiment = Experiment(
    title="Where dropout needs care",
    source="Classroom exercise, after common warnings",
    cells=arms(NETS),
    budgets={
        "smoke": Budget(
            data="digits",
            updates=100,
            seeds=2,
            width=1 / 8,
            examples=500,
            arms=("Tiny net", "Tiny net, keep 0.5", "LSTM, keep 0.7, a mask for each step"),
            update_ms=20,
        ),
        "cpu": Budget(added=2, updates=5_000, seeds=(3, 6), choice_updates=2_000, update_ms=30),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=30, gpu_update_ms=3
        ),
    },
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    claims=(
        Claim(
            text="Dropout harms a tiny net",
            better="Tiny net",
            worse="Tiny net, keep 0.5",
            underfits=True,
            smallest=SMALLEST,
        ),
        below(
            "LSTM, keep 0.7, one mask a sequence",
            "LSTM, keep 0.7, a mask for each step",
            "A mask for each step is worse than one a sequence",
            smallest=SMALLEST,
        ),
        below(
            "LSTM, keep 0.7, one mask a sequence",
            "LSTM",
            "One mask a sequence helps",
            smallest=SMALLEST,
        ),
        below(
            "Residual net",
            "Residual net, keep 0.5",
            "Dropout harms a residual net with batch normalisation",
            smallest=SMALLEST,
        ),
        below(
            "Transformer, keep 0.9",
            "Transformer",
            "A rate of 0.1 helps a Transformer",
            smallest=SMALLEST,
        ),
    ),
)
