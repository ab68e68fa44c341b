"""What is timed: networks, settings and sizes, the same for every contestant."""

from dataclasses import dataclass

BATCH_SIZE = 100
LEARNING_RATE, MOMENTUM = 0.01, 0.95
SEED = 1
THIRD = 1 / 3


@dataclass(frozen=True)
class Case:
    """A network to train, in the inverted convention: rates are fractions dropped."""

    name: str
    # Input shape; examples held in memory.
    shape: tuple[int, ...]
    examples: int
    filters: tuple[int, ...]
    hidden: tuple[int, ...]
    # Updates between two readings of the clock. They take several seconds, since stock Keras's
    # `fit` sometimes stalls for a quarter of a second.
    updates: int
    input_rate: float = 0.0
    conv_rates: tuple[float, ...] = ()
    rate: float = 0.0
    max_norm: float | None = None

    @property
    def rates(self) -> tuple[float, ...]:
        """The dropout rate on the input of each weight matrix, from the first layer up."""
        convolutional = self.conv_rates or (0.0,) * len(self.filters)
        return (self.input_rate, *convolutional, *(self.rate,) * len(self.hidden))

    @property
    def max_norms(self) -> tuple[float | None, ...]:
        """The bound of each weight matrix: the paper's, times the probability to keep."""
        if self.max_norm is None:
            return (None,) * len(self.rates)
        return tuple(self.max_norm * (1 - rate) for rate in self.rates)


def _mlp(name: str, *hidden: int, updates: int, **settings) -> Case:
    return Case(name, (784,), 60_000, (), hidden, updates, **settings)


def _cifar(name: str, width: float, updates: int, **settings) -> Case:
    filters = tuple(round(n * width) for n in (96, 128, 256))
    hidden = tuple(round(n * width) for n in (2048, 2048))
    return Case(name, (32, 32, 3), 10_000, filters, hidden, updates, **settings)


DROPOUT = {"input_rate": 0.2, "rate": 0.5}
DROPOUT_CIFAR = {"input_rate": 0.1, "conv_rates": (0.25, 0.25, 0.5), "rate": 0.5}
CASES = {
    case.name: case
    for case in (
        _mlp("3x1024 none", 1024, 1024, 1024, updates=300),
        _mlp("3x1024 dropout", 1024, 1024, 1024, updates=300, **DROPOUT),
        _mlp("3x1024 dropout + max-norm", 1024, 1024, 1024, updates=300, **DROPOUT, max_norm=2.0),
        _mlp("2x4096 dropout + max-norm", 4096, 4096, updates=40, **DROPOUT, max_norm=2.0),
        # For a GPU: a block of ours is a whole number of its programs' loops, for 16 runs too.
        _mlp("3x1024 on a GPU", 1024, 1024, 1024, updates=6_400, **DROPOUT, max_norm=2.0),
        _mlp("2x8192 on a GPU", 8192, 8192, updates=1_000, **DROPOUT, max_norm=2.0),
        _cifar("CIFAR third width none", THIRD, 40),
        _cifar("CIFAR third width dropout", THIRD, 40, **DROPOUT_CIFAR),
        _cifar("CIFAR third width dropout + max-norm", THIRD, 40, **DROPOUT_CIFAR, max_norm=4.0),
        _cifar("CIFAR full width none", 1.0, 8),
        _cifar("CIFAR full width dropout + max-norm", 1.0, 8, **DROPOUT_CIFAR, max_norm=4.0),
        _cifar("CIFAR full width on a GPU", 1.0, 1_000, **DROPOUT_CIFAR, max_norm=4.0),
    )
}
