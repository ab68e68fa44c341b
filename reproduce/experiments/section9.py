"""Section 9.1: dropout of a linear regression's inputs is a ridge regression, in closed form.

Least squares from MNIST's pixels onto the ten classes' indicators; the paper gives the formula and
no number. Losses are the expectation over masks on the training images, in percent of that of the
best constant. No settings are chosen: the rate is large, but this convex problem is stable at it.
Cost at `cpu`: 12 runs of 20,000 updates, 1 ms an update.
"""

from dataclasses import replace

from reproduce import Budget, Cell, Claim, Experiment, LinearRegression, Run, View

KEEPS = (0.3, 0.5, 0.7, 0.9)
ARM = "Dropout linear regression"
# Plain least squares are 0.9 points away at p = 0.9, and 41 at p = 0.3.
TOLERANCE_POINTS = 0.5

RUN = Run(
    data="mnist",
    net=LinearRegression(),
    batch_size=100,
    learning_rate=0.03,
    momentum=0.9,
    decay="linear",
)


def lower(text, keep, better, worse, **more):
    """A claim that compares two measures of the same runs."""
    measures = {"measure": better, "worse_measure": worse}
    return Claim(text=f"At p = {keep} {text}", better=ARM, worse=ARM, x=keep, **measures, **more)


def equal(keep):
    text = f"dropout's expected loss is the closed form's, to {TOLERANCE_POINTS:g} points"
    losses = ("closed_form_expected_loss_percent", "expected_loss_percent")
    # The paper states it for every p: that is one claim, the others are our checks of it.
    stated = {"within": TOLERANCE_POINTS, "paper": "section 9.1" if keep == KEEPS[0] else ""}
    return lower(text, keep, *losses, split="train", **stated)


def nearer(keep):
    text = "dropout is nearer to the closed form than to plain least squares"
    distances = ("distance_to_closed_form_percent", "distance_to_least_squares_percent")
    return lower(text, keep, *distances, smallest=1.0)


experiment = Experiment(
    title="Dropout linear regression against its closed form",
    source="Section 9.1",
    cells=tuple(Cell(ARM, keep, (replace(RUN, keep_input=keep),)) for keep in KEEPS),
    budgets={
        "smoke": Budget(data="digits", updates=400, seeds=2, update_ms=5),
        "quick": Budget(updates=8_000, seeds=2, update_ms=0.8),
        "cpu": Budget(updates=20_000, seeds=3, update_ms=1),
        "paper": Budget(updates=1_000_000, seeds=3, update_ms=1, gpu_update_ms=0.05),
    },
    measures=("error_percent",),
    probes=("closed_form",),
    view=View(
        kind="against_x",
        measures=("expected_loss_percent", "closed_form_expected_loss_percent"),
        splits=("train",),
        x_label="probability p to keep a pixel",
        y_label="expected loss (%)",
    ),
    panels=(
        View(
            kind="against_x",
            measures=("distance_to_closed_form_percent", "distance_to_least_squares_percent"),
            x_label="probability p to keep a pixel",
            y_label="distance (%)",
        ),
        View(
            kind="against_x",
            measures=("error_percent", "closed_form_error_percent", "least_squares_error_percent"),
            x_label="probability p to keep a pixel",
            y_label="test error (%)",
        ),
    ),
    claims=tuple(claim(keep) for claim in (equal, nearer) for keep in KEEPS),
)
