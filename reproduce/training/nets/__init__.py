"""Run and data shape -> a Keras model; the one place where the paper's keep becomes Keras's rate.

In: a `Run`, the shape of its images, the number of classes. Out: `build`, which gives a `Built`:
the model, and the factors that inverted dropout needs.

Open `models.py` first (the paper's networks), then `beyond_paper.py` (recurrent, residual and
Transformer nets) and `augmentation.py`.
"""

from reproduce.training.nets.models import Built, build

__all__ = ["Built", "build"]
