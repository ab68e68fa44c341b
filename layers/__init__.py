"""Dropout layers for Keras 3, as Srivastava et al. (2014) define them and their successors.

Needs Keras only. `rate` is the fraction dropped: 1 - p for the paper's p. See README.md beside
this file for which layer to use when, and `from_scratch` for the definitions in NumPy.
"""

from layers.constraints import MaxNorm
from layers.conventions import fold_weight_scaling, paper_to_inverted
from layers.dropblock import DropBlock2D
from layers.dropconnect import DropConnect
from layers.dropout import Dropout, GaussianDropout, WeightScaledDropout
from layers.maxout import Maxout, MaxPieces
from layers.monte_carlo import MonteCarloPrediction, monte_carlo_predict
from layers.recurrent import VariationalRNN
from layers.regularizers import KLSparsity
from layers.schedule import RateSchedule
from layers.structured import (
    SequenceDropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

__all__ = [
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
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "VariationalRNN",
    "WeightScaledDropout",
    "fold_weight_scaling",
    "monte_carlo_predict",
    "paper_to_inverted",
]
