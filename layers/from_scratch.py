"""Dropout from scratch, forward and backward, in NumPy: the readable definition.

Every layer has `forward(x, training)` and `backward(gradient)`; the backward pass takes the
gradient of the loss with respect to the layer's outputs and returns that with respect to its
inputs, by the chain rule, using what the forward pass remembered. Read it top to bottom.
`python -m layers.from_scratch` prints a worked example; `docs/lesson.md` of the repository reads
the file with you.

Example:

>>> rng = np.random.default_rng(0)
>>> net = Network([4, 8, 3], keep_input=0.8, keep=0.5, rng=rng)
>>> x, labels = rng.normal(size=(5, 4)), np.array([0, 1, 2, 0, 1])
>>> before = net.loss(x, labels, training=False)
>>> for _ in range(100):
...     loss = net.loss(x, labels, training=True)
...     _ = net.backward()
...     net.update(learning_rate=0.1)
>>> bool(net.loss(x, labels, training=False) < before)
True
"""

from itertools import pairwise

import numpy as np


class InvertedDropout:
    """Drops units in training and divides the kept ones by `keep`; does nothing at test time."""

    def __init__(self, keep, rng):
        self.keep, self.rng = keep, rng

    def forward(self, x, training):
        if not training:
            self.factor = np.ones_like(x)
        else:
            self.factor = (self.rng.random(x.shape) < self.keep) / self.keep
        return x * self.factor

    def backward(self, gradient):
        # y = factor * x, unit by unit: a dropped unit passes no gradient.
        return gradient * self.factor


class WeightScaledDropout:
    """The paper's form: drops units in training; at test time multiplies all of them by `keep`."""

    def __init__(self, keep, rng):
        self.keep, self.rng = keep, rng

    def forward(self, x, training):
        if not training:
            self.factor = np.full(x.shape, self.keep)
        else:
            self.factor = (self.rng.random(x.shape) < self.keep) * 1.0
        return x * self.factor

    def backward(self, gradient):
        return gradient * self.factor


class Linear:
    """y = x W + b."""

    def __init__(self, inputs, outputs, rng):
        self.W = rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs))
        self.b = np.zeros(outputs)

    def forward(self, x, training):
        self.x = x
        return x @ self.W + self.b

    def backward(self, gradient):
        # Each weight's gradient sums over the batch: input times gradient of its output.
        self.dW = self.x.T @ gradient
        self.db = gradient.sum(axis=0)
        return gradient @ self.W.T


class Relu:
    """y = max(x, 0)."""

    def forward(self, x, training):
        self.on = x > 0
        return x * self.on

    def backward(self, gradient):
        return gradient * self.on


class SoftmaxLoss:
    """Mean over the batch of -log(softmax(logits)[label])."""

    def forward(self, logits, labels):
        shifted = logits - logits.max(axis=1, keepdims=True)  # the same softmax, without overflow
        exponentials = np.exp(shifted)
        self.probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
        self.labels = labels
        return -np.log(self.probabilities[np.arange(len(labels)), labels]).mean()

    def backward(self):
        # d loss / d logit = probability - 1 for the right class, probability for the others.
        gradient = self.probabilities.copy()
        gradient[np.arange(len(self.labels)), self.labels] -= 1
        return gradient / len(self.labels)


class Network:
    """Linear layers with ReLU between them, and dropout before each of them."""

    def __init__(self, sizes, keep_input, keep, rng, dropout=InvertedDropout):
        self.layers: list = []
        for depth, (inputs, outputs) in enumerate(pairwise(sizes)):
            if depth:
                self.layers.append(Relu())
            self.layers.append(dropout(keep if depth else keep_input, rng))
            self.layers.append(Linear(inputs, outputs, rng))
        self.softmax = SoftmaxLoss()

    def logits(self, x, training):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def loss(self, x, labels, training):
        return self.softmax.forward(self.logits(x, training), labels)

    def backward(self):
        gradient = self.softmax.backward()
        for layer in reversed(self.layers):
            gradient = layer.backward(gradient)
        return gradient

    def update(self, learning_rate):
        for layer in self.layers:
            if isinstance(layer, Linear):
                layer.W -= learning_rate * layer.dW
                layer.b -= learning_rate * layer.db


if __name__ == "__main__":
    import sys

    if __package__:
        from .worked_example import show
    else:  # run as a file, which needs nothing but NumPy
        from worked_example import show  # type: ignore[no-redef]
    show(sys.modules["__main__"])
