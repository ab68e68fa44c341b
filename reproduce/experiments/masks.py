"""What dropout does to one digit: ten forward passes of a trained network, each with its own masks.

Cost at `cpu`: one run of 3,000 updates.
"""

from reproduce import Budget, Experiment, Mlp, Run, View, arms

NET = Run(
    data="mnist",
    net=Mlp((512, 512), "relu"),
    batch_size=100,
    learning_rate=0.05,
    momentum=0.95,
    decay="linear",
    keep_input=0.8,
    keep=0.5,
)


def pictured(picture, what):
    return View(kind="pictures", picture=picture, x_label=what)


experiment = Experiment(
    title="Ten forward passes of one digit",
    source="Figure 1, classroom exercise",
    cells=arms({"Dropout": [NET]}),
    budgets={
        "smoke": Budget(data="digits", updates=200, seeds=1, width=1 / 16, update_ms=5),
        "quick": Budget(updates=600, seeds=1, update_ms=10),
        "cpu": Budget(updates=3_000, seeds=1, update_ms=4),
        "paper": Budget(updates=3_000, seeds=1, update_ms=4, gpu_update_ms=0.3),
    },
    probes=("masks",),
    view=pictured("mask_0", "the inputs' masks: dropped is black, kept is grey"),
    panels=(
        pictured("masked_0", "the digit under them"),
        pictured("mask_1", "the first hidden layer's masks in the same passes"),
        pictured("masked_1", "its units' activations under them"),
        View(
            kind="against_x",
            measures=("pass_missed_percent", "mean_missed_percent"),
            x_label="forward pass",
            y_label="how far the right class is from 100 % (percentage points)",
        ),
    ),
    claims=(),
)
