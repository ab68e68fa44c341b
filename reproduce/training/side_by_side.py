"""How many runs to train side by side in one program."""

import tensorflow as tf

from reproduce.data import Dataset
from reproduce.spec import Autoencoder, LinearRegression, Mlp, Run
from reproduce.training.models import build

# On a GPU, a stack of this many runs, or of as many as have this many weights together, keeps it
# busy (`make bench` there); the weights take a few bytes each beside the images.
MOST, WEIGHTS_TOGETHER = 16, 50_000_000


def most_side_by_side(run: Run, dataset: Dataset) -> int:
    """Runs of this architecture that pay in one program on this machine; 1 on a CPU, whose batched
    products are slower, and for nets with convolutions or loops of their own."""
    stacks = isinstance(run.net, Mlp | Autoencoder | LinearRegression) and run.noise != "slice"
    if not stacks or not tf.config.list_physical_devices("GPU"):
        return 1
    with tf.device("CPU"):
        weights = build(run, dataset.shape, dataset.classes).model.count_params()
    return max(1, min(MOST, WEIGHTS_TOGETHER // weights))
