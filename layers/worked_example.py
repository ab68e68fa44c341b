"""One example through a tiny network, forward and backward, with every number printed.

`python -m layers.from_scratch` prints it. Change the numbers below and run it again. That module
hands itself over, as it would import this one and be imported by it otherwise.

Example:

>>> from importlib import import_module
>>> show(import_module(show.__module__.replace("worked_example", "from_scratch")))
... # doctest: +ELLIPSIS
Dropout by hand: 2 inputs, 4 hidden units (ReLU), 2 classes...
"""

from itertools import product
from types import ModuleType

import numpy as np

KEEP = 0.5
MASK = (1, 0, 1, 1)  # the second hidden unit is dropped
X, LABEL = np.array([[1.0, 2.0]]), 0
W1 = np.array([[1.0, 0.0, 0.5, -1.0], [0.0, 1.0, 0.5, 0.25]])
W2 = np.array([[0.5, -0.5], [-0.5, 0.25], [-0.5, 0.5], [0.25, -0.25]])
STEP = 1e-6


class _Drawn:
    """A random generator whose draw is known: what makes dropout keep just the units of a mask."""

    def __init__(self, mask):
        self.mask = np.array(mask)

    def random(self, shape):
        return np.where(self.mask, 0.0, 1.0).reshape(shape)


def network(scratch, form, mask):
    """The network in one of the two forms. Both compute the same: the paper's has W2 / KEEP."""
    net = scratch.Network([2, len(mask), 2], 1.0, KEEP, np.random.default_rng(0), dropout=form)
    _, first, _, dropout, second = net.layers
    dropout.rng = _Drawn(mask)
    first.W, second.W = W1.copy(), W2 / (KEEP if form is scratch.WeightScaledDropout else 1)
    return net


def probabilities(logits):
    exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def relative_error(net):
    """The largest, over all weights and biases, of backpropagation against finite differences."""
    _, first, _, _, second = net.layers
    worst = 0.0
    for array, found in (
        (first.W, first.dW),
        (first.b, first.db),
        (second.W, second.dW),
        (second.b, second.db),
    ):
        for index in np.ndindex(array.shape):
            at = array[index]
            losses = []
            for moved in (at + STEP, at - STEP):
                array[index] = moved
                losses.append(net.softmax.forward(net.logits(X, training=True), [LABEL]))
            array[index] = at
            numeric = (losses[0] - losses[1]) / (2 * STEP)
            size = max(abs(numeric), abs(found[index]), 1e-6)
            worst = max(worst, abs(numeric - found[index]) / size)
    return worst


def show(scratch: ModuleType) -> None:
    """Prints the example, step by step, with the layers of the module `from_scratch`."""
    net = network(scratch, scratch.InvertedDropout, MASK)
    loss = net.loss(X, [LABEL], training=True)
    print(
        f"Dropout by hand: {X.shape[1]} inputs, {len(MASK)} hidden units (ReLU), "
        f"{W2.shape[1]} classes; hidden units are kept with probability {KEEP:g}"
    )
    _show_forward(net, loss)
    _show_backward(net)
    print("\n3. Is that the gradient? Every weight and bias is moved up and down by 0.000001")
    _line("largest relative error", f"{relative_error(net):.0e}, under the same mask")
    _show_forms(scratch)
    _show_means(scratch)


def _show_forward(net, loss):
    _, first, relu, dropout, _ = net.layers
    z = first.forward(X, training=True)
    a = relu.forward(z, training=True)
    print("\n1. Forward, inverted form: what is kept is divided by keep")
    _line("input x, label", f"{_text(X)}, {LABEL}")
    _line("z = x W1 + b1", z)
    _line("a = max(z, 0)", a)
    _line("mask m", MASK)
    _line(f"h = a m / {KEEP:g}", dropout.forward(a, training=True))
    _line("logits = h W2 + b2", net.logits(X, training=True))
    _line("softmax", net.softmax.probabilities)
    _line(f"loss = -log(softmax[{LABEL}])", f" {loss:6.2f}")


def _show_backward(net):
    _, first, relu, dropout, second = net.layers
    print("\n2. Backward: the chain rule, from the last line to the first")
    to_logits = net.softmax.backward()
    _line("d logits = softmax - one-hot", to_logits)
    to_h = second.backward(to_logits)
    to_a = dropout.backward(to_h)
    to_z = relu.backward(to_a)
    first.backward(to_z)
    for unit, (kept, row) in enumerate(zip(MASK, second.dW, strict=True)):
        why = "" if row.any() else "   0: its output is 0" if kept else "   0: dropped"
        _line("d W2 = h' d logits" if not unit else "", f"{_text(row)}   unit {unit + 1}{why}")
    _line("d h = d logits W2'", to_h)
    _line(f"d a = d h m / {KEEP:g}", to_a)
    _line("d z = d a where z > 0", to_z)
    for which, row in enumerate(first.dW):
        _line("d W1 = x' d z" if not which else "", f"{_text(row)}   input {which + 1}")
    units = list(enumerate(zip(MASK, relu.on[0], strict=True), start=1))
    dropped = ", ".join(f"unit {unit}" for unit, (kept, _) in units if not kept)
    silent = ", ".join(f"unit {unit}" for unit, (kept, on) in units if kept and not on)
    _line("0 because of the mask", dropped or "no unit")
    _line("0 because of the ReLU", silent or "no unit")


def _show_forms(scratch):
    print(f"\n4. The paper's form, W2 / {KEEP:g}: scales units at test time, not in training")
    forms = {"inverted": scratch.InvertedDropout, "the paper's": scratch.WeightScaledDropout}
    nets = {name: network(scratch, form, MASK) for name, form in forms.items()}
    for name, net in nets.items():
        trained, tested = net.logits(X, training=True), net.logits(X, training=False)
        _line(f"logits, {name}", f"{_text(trained)} in training, {_text(tested)} at test time")
    for name, net in nets.items():
        net.loss(X, [LABEL], training=True)
        net.backward()
        for layer, fed_by in ((net.layers[1], 1.0), (net.layers[4], KEEP)):
            rate = 0.1 * (fed_by**2 if name == "inverted" else 1)
            layer.W -= rate * layer.dW
            layer.b -= 0.1 * layer.db
    after = [net.logits(X, training=False) for net in nets.values()]
    _line("after one update", f"{_text(after[0])} inverted, {_text(after[1])} the paper's")
    print(f"   The learning rate is 0.1; for inverted W2 it is 0.1 x keep^2 = {0.1 * KEEP**2:g}.")


def _show_means(scratch):
    masks, inverted = list(product((0, 1), repeat=len(MASK))), scratch.InvertedDropout
    chances = np.prod(np.where(masks, KEEP, 1 - KEEP), axis=1)[:, None]
    logits = np.concatenate([network(scratch, inverted, m).logits(X, training=True) for m in masks])
    at_test = network(scratch, inverted, MASK).logits(X, training=False)
    drawn = probabilities(logits)
    print(f"\n5. The mean over all {len(masks)} masks, beside the one net of test time")
    normalised = probabilities((chances * np.log(drawn)).sum(0))
    for name, mean, one in (
        ("logits", (chances * logits).sum(0), at_test),
        ("softmax", (chances * drawn).sum(0), probabilities(at_test)),
        ("softmax, geometric mean", normalised, probabilities(at_test)),
    ):
        same = "equal" if np.allclose(mean, one) else "not equal"
        _line(name, f"{_text(mean)} mean, {_text(one)} test time: {same}")


def _line(name, value):
    print(f"   {name:<28} {value if isinstance(value, str) else _text(value)}")


def _text(row):
    rounded = np.round(np.ravel(row), 2) + 0.0  # no minus zero
    return "[" + " ".join(f"{value:6.2f}" for value in rounded) + "]"
