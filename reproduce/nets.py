"""The networks that a run can name: their sizes only. `models.py` builds them."""

from dataclasses import dataclass, replace


def _scaled(widths: tuple[int, ...], factor: float) -> tuple[int, ...]:
    return tuple(max(1, round(units * factor)) for units in widths)


@dataclass(frozen=True)
class Mlp:
    """Fully connected hidden layers: their widths in units, and their activation.

    A unit of activation "maxout" is the largest of `pieces` linear functions.
    """

    hidden: tuple[int, ...]
    activation: str
    pieces: int = 1

    def __post_init__(self) -> None:
        if (self.activation == "maxout") != (self.pieces > 1):
            raise ValueError(
                "maxout units have 2 pieces or more, others 1. Received: "
                f"activation={self.activation!r}, pieces={self.pieces}"
            )

    def scaled(self, width: float) -> "Mlp":
        return replace(self, hidden=_scaled(self.hidden, width))


@dataclass(frozen=True)
class ConvNet:
    """5 x 5 convolutions, each followed by 3 x 3 max-pooling with stride 2, then fully connected
    layers: the paper's network for CIFAR and SVHN (B.2, B.3), where the defaults stand."""

    filters: tuple[int, ...]
    hidden: tuple[int, ...]
    activation: str

    def scaled(self, width: float) -> "ConvNet":
        return replace(
            self, filters=_scaled(self.filters, width), hidden=_scaled(self.hidden, width)
        )


@dataclass(frozen=True)
class Autoencoder:
    """One hidden layer, and logistic outputs that reproduce the inputs (Figures 7 and 8)."""

    hidden: tuple[int, ...]
    activation: str

    def scaled(self, width: float) -> "Autoencoder":
        return replace(self, hidden=_scaled(self.hidden, width))
