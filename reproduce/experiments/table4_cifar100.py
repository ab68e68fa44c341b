"""Table 4, CIFAR-100: the same network and preprocessing; 100 classes of 500 images.

No package contains the data: put cifar-100-binary.tar.gz into the data folder if it cannot be
downloaded. Cost at `cpu`, up to the first look: a third of the width; 9 choice runs of 5,000 and 9
final runs of 20,000 updates, 48 ms an update.
"""

from reproduce import WIDER_RATES, Experiment, View
from reproduce.experiments.table4 import CLAIMS, cells
from reproduce.experiments.table4_all import experiment as of_cifar10

experiment = Experiment(
    title="Dropout in a convolutional network, CIFAR-100",
    source="Table 4, section 6.1.3",
    cells=cells("cifar100_zca"),
    budgets=of_cifar10.budgets,
    brackets=WIDER_RATES,
    view=View(kind="arms", paper="Table 4, CIFAR-100", tolerance_points=0.5),
    claims=CLAIMS,
)
