"""Run and data shape -> a Keras model; the one place where the paper's keep becomes Keras's rate.

In: a `Run`, the shape of its images, the number of classes. Out: `build`, which gives a `Built`:
the model, and the factors that inverted dropout needs; `begin`, which gives it the weights of
trained RBMs; `parted`, the model without what a frozen machine does in it, which never changes.

Open `building.py` first, then `models.py` (the paper's networks), `boltzmann.py` (RBMs and DBMs),
`beyond_paper.py` (recurrent, residual and Transformer nets) and `augmentation.py`.
"""

from reproduce.training.nets.boltzmann import NOTHING, Machine, Start, begin, machines_of, parted
from reproduce.training.nets.building import build
from reproduce.training.nets.models import Built

__all__ = ["NOTHING", "Built", "Machine", "Start", "begin", "build", "machines_of", "parted"]
