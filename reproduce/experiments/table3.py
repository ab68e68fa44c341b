"""Table 3: SVHN, standard and extra training images, 604,388 in all; colours standardised (B.2).

The network is CIFAR's. The paper does not retrain on the validation part, and neither do we.
No package contains the data: put its three .mat files into the data folder if they cannot be
downloaded (1.5 GB). It needs 20 GB of memory. Cost at `cpu`: as Table 4's, on all images.
"""

from reproduce import WIDER_RATES, Experiment, View
from reproduce.experiments.table4 import CLAIMS, cells
from reproduce.experiments.table4_all import experiment as of_cifar10

experiment = Experiment(
    title="Dropout in a convolutional network, SVHN",
    source="Table 3, section 6.1.2",
    cells=cells("svhn_standardised"),
    budgets=of_cifar10.budgets,
    brackets=WIDER_RATES,
    hold_out=True,
    view=View(kind="arms", paper="Table 3", tolerance_points=0.2),
    claims=CLAIMS,
)
