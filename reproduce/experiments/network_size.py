"""Appendix A.1: with dropout a layer needs n / p units if n are best without it.

n = 256 and p = 0.5, on 10,000 images. That dropout wants more units is that more of them help it
more than they help the net without it: the first claim is half of that difference. It was stated
after the rows, which show that they help both. Cost at `cpu`, up to the first look: 12
choice runs of 5,000 and 20 final runs of 10,000 updates, 2 ms an update.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Experiment, Mlp, Run, View, arms, below, tuned

PLAIN = Run(
    data="mnist",
    net=Mlp((256, 256), "relu"),
    batch_size=100,
    examples=10_000,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
)
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5)
NETS = {f"{units} units": (Mlp((units, units), "relu"),) for units in (256, 512)}
RATES = (0.02, 0.05, 0.1)


experiment = Experiment(
    title="Units with and without dropout",
    source="Appendix A.1",
    cells=arms(
        {
            f"{kind}, {name}": tuned(run, net=net, learning_rate=RATES)
            for kind, run in (("No dropout", PLAIN), ("Dropout", DROPPED))
            for name, net in NETS.items()
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 16, examples=500, update_ms=10
        ),
        "cpu": Budget(added=2, updates=10_000, seeds=(5, 10), choice_updates=5_000, update_ms=2),
        "paper": Budget(
            added=2, updates=100_000, seeds=(10, 20), choice_seeds=2, update_ms=2, gpu_update_ms=0.1
        ),
    },
    brackets=WIDER_RATES,
    view=View(kind="arms"),
    claims=(
        below(
            ("Dropout, 512 units", "No dropout, 256 units"),
            ("Dropout, 256 units", "No dropout, 512 units"),
            "Dropout wants more units: twice as many help more with it than without "
            "(stated after the rows)",
            smallest=0.1,
            paper="Appendix A.1",
            why="the rule starts from the number of units that is best without dropout, and 256 "
            "are not: though the net without dropout fits all its training images at either size, "
            "it too errs less with 512. Where more units no longer help it, they may still help "
            "the net with dropout.",
        ),
        below(
            "Dropout, 512 units",
            "Dropout, 256 units",
            "Twice the units help a dropout net",
            smallest=0.2,
        ),
        below(
            "Dropout, 512 units",
            "No dropout, 256 units",
            "n / p units with dropout beat n",
            smallest=0.2,
        ),
    ),
)
