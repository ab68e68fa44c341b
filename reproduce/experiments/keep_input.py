"""Appendix A.4: how many inputs to keep. The guide: 0.8 for real-valued inputs, hidden p at 0.5.

10,000 images, so that the net can overfit. Cost at `cpu`, up to the first look:
15 choice runs of 5,000 and 25 final runs of 10,000 updates, 2 ms an update.
"""

from reproduce import WIDER_RATES, Budget, Cell, Claim, Experiment, Mlp, Run, View, tuned

KEEPS = (0.4, 0.6, 0.8, 0.9, 1.0)
RUN = Run(
    data="mnist",
    net=Mlp((512, 512), "relu"),
    batch_size=100,
    examples=10_000,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
    keep=0.5,
)


def better(than):
    return Claim(
        text=f"Keeping 0.8 of the inputs is better than {than:g}",
        better="Dropout",
        worse="Dropout",
        x=0.8,
        worse_x=than,
        smallest=0.2,
        paper="Appendix A.4",
    )


experiment = Experiment(
    title="How many inputs to keep",
    source="Appendix A.4",
    cells=tuple(
        Cell("Dropout", keep, tuned(RUN, keep_input=(keep,), learning_rate=(0.05, 0.1, 0.2)))
        for keep in KEEPS
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 32, examples=500, update_ms=10
        ),
        "cpu": Budget(added=2, updates=10_000, seeds=(5, 10), choice_updates=5_000, update_ms=2),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=2, gpu_update_ms=0.1
        ),
    },
    brackets=WIDER_RATES,
    view=View(kind="against_x", x_label="probability to keep an input", splits=("test", "train")),
    claims=(better(than=1.0), better(than=0.4)),
)
