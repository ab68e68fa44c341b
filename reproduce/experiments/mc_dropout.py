"""Monte-Carlo dropout: is predictive entropy larger where the network errs, or should be unsure?

Test digits, the same digits rotated, and photographs (CIFAR-10 in grey); averages 50 networks. Cost
at `cpu`, up to the first look: 6 choice runs of 8,000 and 6 final runs of 24,000 updates, and 2
minutes of sampling.
"""

from dataclasses import replace

from reproduce import WIDER_RATES, Budget, Claim, Experiment, View, arms, below, tuned
from reproduce.experiments.table2 import BOUNDED, PLAIN, RATES

NETS = {
    "No dropout": tuned(replace(PLAIN, max_norm=2.0), learning_rate=RATES),
    "Dropout": tuned(BOUNDED, learning_rate=RATES),
}


# In nats, and in points.
NATS, POINTS = 0.05, 0.2


def within_dropout(text, better, worse, **more):
    margin = {} if "within" in more else {"smallest": NATS}
    measures = {"measure": better, "worse_measure": worse}
    return Claim(text=text, better="Dropout", worse="Dropout", **measures, **margin | more)


experiment = Experiment(
    title="Uncertainty by Monte-Carlo dropout",
    source="Section 7.5; Gal and Ghahramani (2016); classroom exercise",
    cells=arms(NETS),
    budgets={
        "smoke": Budget(data="digits", updates=200, seeds=2, width=1 / 64, update_ms=10),
        "quick": Budget(
            updates=2_000,
            seeds=3,
            choice_updates=500,
            width=1 / 4,
            examples=5_000,
            update_ms=2.5,
        ),
        "cpu": Budget(added=2, updates=24_000, seeds=(3, 6), choice_updates=8_000, update_ms=12),
        "tenth": Budget(
            added=2,
            updates=100_000,
            seeds=(3, 6, 12),
            choice_updates=20_000,
            update_ms=12,
            gpu_update_ms=0.15,
        ),
        "paper": Budget(
            added=2,
            updates=1_000_000,
            seeds=(5, 10, 20),
            choice_seeds=2,
            update_ms=12,
            gpu_update_ms=0.15,
        ),
    },
    measures=("error_percent", "nll", "calibration_percent"),
    probes=("uncertainty",),
    also_data=("cifar10",),
    brackets=WIDER_RATES,
    view=View(
        kind="against_x",
        measures=("predictive_entropy",),
        splits=("rotated", "photographs"),
        x_label="rotation (degrees)",
    ),
    panels=(
        View(
            kind="against_x",
            measures=("monte_carlo_error_percent",),
            splits=("rotated",),
            x_label="rotation (degrees)",
        ),
        View(
            kind="against_x",
            measures=(
                "monte_carlo_accuracy_above_confidence_percent",
                "weight_scaling_accuracy_above_confidence_percent",
            ),
            x_label="confidence; a line below 0 is overconfident",
            y_label="accuracy - confidence (%)",
            slope=0,
        ),
        View(
            kind="against_x",
            measures=(
                "monte_carlo_selective_risk_percent",
                "weight_scaling_selective_risk_percent",
            ),
            x_label="coverage: fraction of images, lowest entropy first",
            y_label="error on these images (%)",
        ),
    ),
    claims=(
        below("Dropout", "No dropout", "Dropout lowers the test error", smallest=0.1),
        within_dropout(
            "Predictive entropy is larger at 60 degrees than at 15",
            "predictive_entropy",
            None,
            x=15,
            worse_x=60,
            split="rotated",
        ),
        within_dropout(
            "Predictive entropy is larger where the prediction is wrong",
            "monte_carlo_predictive_entropy_when_right",
            "monte_carlo_predictive_entropy_when_wrong",
        ),
        within_dropout(
            "The mean of 50 networks errs as much as weight scaling, to 0.3 points",
            "monte_carlo_error_percent",
            "error_percent",
            within=0.3,
        ),
        within_dropout(
            "Predictive entropy is larger on photographs than on test digits",
            "predictive_entropy",
            None,
            worse_split="photographs",
        ),
        within_dropout(
            "Entropy ranks errors better (AUROC) by Monte-Carlo averaging than by weight scaling",
            "monte_carlo_one_minus_auroc_percent",
            "weight_scaling_one_minus_auroc_percent",
            smallest=POINTS,
        ),
        Claim(
            text="At 90 % coverage, a dropout net errs less than on all images",
            better="Dropout",
            worse="Dropout",
            measure="monte_carlo_selective_risk_percent",
            x=0.9,
            worse_x=1.0,
            smallest=POINTS,
        ),
        Claim(
            text="Averaged over masks, a dropout net is better calibrated than one without",
            better="Dropout",
            worse="No dropout",
            measure="monte_carlo_calibration_percent",
            smallest=POINTS,
        ),
        Claim(
            text="Weight scaling is better calibrated than no dropout (stated after the cpu rows)",
            better="Dropout",
            worse="No dropout",
            measure="calibration_percent",
            smallest=POINTS,
        ),
    ),
)
