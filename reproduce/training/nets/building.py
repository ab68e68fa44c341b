"""Run and data shape -> an ordinary Keras model: which file builds which network."""

import math

from reproduce.spec import Autoencoder, ConvNet, Machine, Recurrent, Residual, Run, Transformer
from reproduce.training.nets import beyond_paper, boltzmann
from reproduce.training.nets.models import Built, Stack


def build(run: Run, shape: tuple[int, ...], classes: int) -> Built:
    """The network of `run` for inputs of `shape`, with weights and masks drawn from its seed.

    An autoencoder, RBM or DBM returns one logit per pixel, in order; other networks one per class.
    """
    if isinstance(run.net, Recurrent | Residual | Transformer | Machine):
        is_machine = isinstance(run.net, Machine)
        model = (
            boltzmann.build(run, shape) if is_machine else beyond_paper.build(run, shape, classes)
        )
        count = len(model.trainable_variables)
        return Built(model, [1.0] * count, [0.0] * count)
    if not run.net.hidden and min(run.keeps) < 1:
        raise ValueError(f"`keep` is of hidden layers; this net has none. Received: {run.keep}")
    stack = Stack(run, shape)
    outputs = classes
    if isinstance(run.net, ConvNet):
        keeps = run.keep_conv or (1.0,) * len(run.net.filters)
        for filters, keep in zip(run.net.filters, keeps, strict=True):
            stack.convolve(filters, next_keep=keep)
    elif isinstance(run.net, Autoencoder):
        outputs = math.prod(shape)
    stack.flatten()
    if run.noise == "slice":
        stack.sliced(outputs)
        return stack.built("mlp")
    above = boltzmann.above(run, stack.x)
    for units, keep in zip(run.net.hidden, run.keeps, strict=False):  # there may be no hidden layer
        stack.beside(above)
        stack.hidden(units, next_keep=keep)
    stack.dense(outputs)
    return stack.built(type(run.net).__name__.lower())
