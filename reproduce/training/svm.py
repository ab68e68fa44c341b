"""The Gaussian-kernel support vector machine of Table 2, from scikit-learn: it has no updates."""

import time

from reproduce.data import Dataset, split_indices
from reproduce.spec import GaussianSvm, Run
from reproduce.training.measures import MEASURED_EXAMPLES, Measured

CACHE_MEBIBYTES = 2_000


def train_svm(run: Run, dataset: Dataset) -> tuple[list[Measured], float]:
    """The error of the support vector machine on each split, and the seconds that it took."""
    from sklearn.svm import SVC  # takes two seconds, and no other run needs it

    began, net = time.monotonic(), run.net
    assert isinstance(net, GaussianSvm)
    pixels = dataset.images.reshape(len(dataset.images), -1)
    ids = split_indices(dataset, run)
    machine = SVC(C=net.cost, gamma=net.gamma, cache_size=CACHE_MEBIBYTES)
    machine.fit(pixels[ids["train"]], dataset.labels[ids["train"]])
    history = []
    for split, each in ids.items():
        measured = each[:MEASURED_EXAMPLES] if split == "train" else each
        right = machine.score(pixels[measured], dataset.labels[measured])
        history.append(Measured(split, "error_percent", run.updates, 100 * (1 - right)))
    return history, time.monotonic() - began
