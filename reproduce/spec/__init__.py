"""The value types that describe an experiment: frozen and checked. Standard library only.

In: nothing. Out: `Experiment`, `Run` and their parts, which all later rooms read.

Numbers follow the paper's convention: `keep` is the paper's p, the probability to keep a unit.
Learning rates, norm bounds and penalty strengths are for a network that is scaled at test time.
`training/nets/` converts them to Keras's inverted dropout. A default means "off"; everything else
must be given.

Open `experiment.py` first, then `run.py`.
"""

from reproduce.spec.budget import PROFILES, Budget
from reproduce.spec.claim import Arms, Best, Claim, as_tuple, below
from reproduce.spec.experiment import WIDER_RATES, Bracket, Cell, Experiment, arms, tuned
from reproduce.spec.nets import (
    Autoencoder,
    ConvNet,
    Dbm,
    GaussianSvm,
    LinearRegression,
    Machine,
    Mlp,
    Net,
    Rbm,
    Reconstructing,
    Recurrent,
    Residual,
    Transformer,
)
from reproduce.spec.run import Run
from reproduce.spec.search_space import Search
from reproduce.spec.settings import derived_seed, format_setting, format_settings, key_of
from reproduce.spec.view import View

__all__ = [
    "PROFILES",
    "WIDER_RATES",
    "Arms",
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
    "Machine",
    "Mlp",
    "Net",
    "Rbm",
    "Reconstructing",
    "Recurrent",
    "Residual",
    "Run",
    "Search",
    "Transformer",
    "View",
    "arms",
    "as_tuple",
    "below",
    "derived_seed",
    "format_setting",
    "format_settings",
    "key_of",
    "tuned",
]
