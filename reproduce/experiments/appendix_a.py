"""Appendix A: do the guide's rules of thumb hold? Learning rate, momentum, max-norm bound.

The guide: 10 to 100 times the learning rate that is best without dropout, momentum 0.95 to 0.99,
bounds of 3 to 4. No settings are chosen here: each axis is swept with the others fixed, and judged
on validation images. More momentum also means longer steps, learning rate / (1 - momentum), so the
paper's claim is compared at steps of the same length. Cost at `cpu`: 66 runs of 10,000 updates,
9 ms.
"""

from dataclasses import replace

from reproduce import Budget, Cell, Claim, Experiment, Mlp, Run, View

PLAIN = Run(
    data="mnist",
    net=Mlp((1024, 1024, 1024), "relu"),
    batch_size=100,
    learning_rate=0.05,
    momentum=0.9,
    decay="linear",
)
DROPPED = replace(PLAIN, keep_input=0.8, keep=0.5, max_norm=3.0)
RATES, MOMENTA, BOUNDS = (
    (0.003, 0.01, 0.03, 0.1, 0.3, 1.0),
    (0.0, 0.5, 0.9, 0.95, 0.99),
    (1, 2, 3, 4, 8),
)
# Different from the other sweeps, so that no run belongs to two of them.
FASTER = replace(DROPPED, learning_rate=0.1, momentum=0.95)
NO_DROPOUT, RATE = "No dropout", "Dropout"
MOMENTUM, BOUND = "Dropout with a rate of 0.05", "Dropout with a rate of 0.1"


def sweep(arm, run, field, values):
    return tuple(Cell(arm, float(x), (replace(run, **{field: float(x)}),)) for x in values)


def panel(x_label, *arms, **more):
    look = {"x_label": x_label, "lowest": True, **more}
    return View(kind="against_x", arms=arms, splits=("validation",), **look)


def lower(text, arm, x, worse_x, place="", worse=None):
    return Claim(
        text=text,
        better=arm,
        worse=worse or arm,
        x=x,
        worse_x=worse_x,
        split="validation",
        smallest=0.1,
        paper=place and f"Appendix {place}",
    )


experiment = Experiment(
    title="The practical guide's rules of thumb",
    source="Appendix A",
    cells=(
        *sweep(NO_DROPOUT, PLAIN, "learning_rate", RATES),
        *sweep(RATE, DROPPED, "learning_rate", RATES),
        *sweep(MOMENTUM, DROPPED, "momentum", MOMENTA),
        *sweep(BOUND, FASTER, "max_norm", BOUNDS),
    ),
    budgets={
        "smoke": Budget(
            data="digits", updates=200, seeds=2, width=1 / 64, xs=(0.03, 0.1, 0.9, 2.0), update_ms=5
        ),
        "cpu": Budget(updates=10_000, seeds=3, update_ms=9),
        "paper": Budget(updates=1_000_000, seeds=(3, 6, 12), update_ms=9, gpu_update_ms=0.15),
    },
    hold_out=True,
    view=panel("learning rate", NO_DROPOUT, RATE, log_x=True, log_y=True),
    panels=(panel("momentum", MOMENTUM), panel("max-norm bound c", BOUND)),
    claims=(
        # The guide's factor is one between the best rates with dropout and without: it is seen only
        # if both of these hold. The first alone is no claim of the paper's.
        lower("With dropout a learning rate of 0.1 is better than 0.01", RATE, 0.1, 0.01),
        lower(
            "Without dropout a learning rate of 0.01 is better than 0.1",
            NO_DROPOUT,
            0.01,
            0.1,
            "A.2",
        ),
        lower(
            "With dropout momentum 0.95 is better than 0.9 at steps of the same length "
            "(stated after the rows)",
            MOMENTUM,
            0.95,
            0.1,
            "A.2",
            worse=RATE,
        ),
        lower("Momentum 0.95 is better than 0.9, with steps twice as long", MOMENTUM, 0.95, 0.9),
        lower(
            "Momentum 0.95 is better than 0.5, with steps ten times as long", MOMENTUM, 0.95, 0.5
        ),
        lower("A bound of 3 is better than 1", BOUND, 3.0, 1.0, "A.3"),
        lower("A bound of 3 is better than 8", BOUND, 3.0, 8.0, "A.3"),
    ),
)
