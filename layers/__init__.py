"""Dropout layers for Keras 3, as Srivastava et al. (2014) define them. Needs Keras only."""

from layers.constraints import MaxNorm
from layers.conventions import paper_to_inverted
from layers.dropout import Dropout, WeightScaledDropout
from layers.regularizers import KLSparsity

__all__ = ["Dropout", "KLSparsity", "MaxNorm", "WeightScaledDropout", "paper_to_inverted"]
