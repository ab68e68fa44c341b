"""The paper's experiments, from declaration to report.

An experiment's file imports what it needs from here: `from reproduce import Experiment, Run`. All
of these names are defined in `reproduce/spec`.
"""

from reproduce.spec import (
    PROFILES,
    WIDER_RATES,
    Autoencoder,
    Best,
    Bracket,
    Budget,
    Cell,
    Claim,
    ConvNet,
    Dbm,
    Experiment,
    GaussianSvm,
    LinearRegression,
    Mlp,
    Rbm,
    Recurrent,
    Residual,
    Run,
    Search,
    Transformer,
    View,
    arms,
    below,
    tuned,
)

__all__ = [
    "PROFILES",
    "WIDER_RATES",
    "Autoencoder",
    "Best",
    "Bracket",
    "Budget",
    "Cell",
    "Claim",
    "ConvNet",
    "Dbm",
    "Experiment",
    "GaussianSvm",
    "LinearRegression",
    "Mlp",
    "Rbm",
    "Recurrent",
    "Residual",
    "Run",
    "Search",
    "Transformer",
    "View",
    "arms",
    "below",
    "tuned",
]
