"""Dropout layers for Keras 3, as Srivastava et al. (2014) define them and their successors.

Installed, its name is `dropout_layers`. Needs Keras only. `rate` is the fraction dropped: 1 - p for
the paper's p. See README.md beside this file for which layer to use when, and `from_scratch` for
the definitions in NumPy.
"""

try:
    import keras  # noqa: F401
except (ImportError, ValueError) as error:  # ValueError: for the name of a backend
    raise ImportError(
        "dropout_layers needs Keras 3 and one of its backends, TensorFlow, JAX or PyTorch: install "
        "one, for example by `pip install tensorflow`, and name it in the environment's "
        f"KERAS_BACKEND if it is not TensorFlow. Received: {error}"
    ) from None

from .boltzmann.dbm import DBM
from .boltzmann.rbm import RBM
from .constraints import MaxNorm
from .conventions import fold_weight_scaling, paper_to_inverted
from .maxout import Maxout, MaxPieces
from .monte_carlo.prediction import monte_carlo_predict
from .monte_carlo.summary import MonteCarloPrediction
from .regularizers import KLSparsity
from .schedule import RateSchedule, early_dropout, late_dropout
from .units.alpha import AlphaDropout
from .units.concrete import ConcreteDropout
from .units.dropblock import DropBlock2D
from .units.dropout import Dropout, GaussianDropout, WeightScaledDropout
from .units.recurrent import VariationalRNN
from .units.stochastic_depth import CompactedStochasticDepth, StochasticDepth
from .units.structured import (
    SequenceDropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from .weights.dropconnect import DropConnect
from .weights.slices import SliceDropout

__version__ = "0.2.0"

__all__ = [
    "DBM",
    "RBM",
    "AlphaDropout",
    "CompactedStochasticDepth",
    "ConcreteDropout",
    "DropBlock2D",
    "DropConnect",
    "Dropout",
    "GaussianDropout",
    "KLSparsity",
    "MaxNorm",
    "MaxPieces",
    "Maxout",
    "MonteCarloPrediction",
    "RateSchedule",
    "SequenceDropout",
    "SliceDropout",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "StochasticDepth",
    "VariationalRNN",
    "WeightScaledDropout",
    "early_dropout",
    "fold_weight_scaling",
    "late_dropout",
    "monte_carlo_predict",
    "paper_to_inverted",
]
