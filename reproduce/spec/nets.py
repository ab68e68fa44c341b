"""The networks that a run can use, described by their sizes; `training/nets/` builds them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace


def _scaled(widths: tuple[int, ...], factor: float) -> tuple[int, ...]:
    return tuple(max(1, round(units * factor)) for units in widths)


def _check_pieces(activation: str, pieces: int) -> None:
    if (activation == "maxout") != (pieces > 1):
        raise ValueError(
            "maxout units have 2 pieces or more, others 1. Received: "
            f"activation={activation!r}, pieces={pieces}"
        )


@dataclass(frozen=True)
class Mlp:
    """Fully connected hidden layers: their widths in units, and their activation.

    A unit with activation "maxout" is the largest of `pieces` linear functions. With `batch_norm`
    each layer has, in this order: linear map, batch normalisation, activation, dropout.
    """

    hidden: tuple[int, ...]
    activation: str
    pieces: int = 1
    batch_norm: bool = False

    def __post_init__(self) -> None:
        _check_pieces(self.activation, self.pieces)
        if self.batch_norm and self.activation == "maxout":
            raise ValueError("batch normalisation comes before an activation; maxout has none")

    def scaled(self, width: float) -> "Mlp":
        return replace(self, hidden=_scaled(self.hidden, width))


@dataclass(frozen=True)
class ConvNet:
    """5 x 5 convolutions, each followed by 3 x 3 max-pooling with stride 2, then fully connected
    layers. With the defaults it is the paper's network for CIFAR and SVHN (B.2, B.3)."""

    filters: tuple[int, ...]
    hidden: tuple[int, ...]
    activation: str
    # Used with activation "maxout", as for `Mlp`.
    pieces: int = 1

    def __post_init__(self) -> None:
        _check_pieces(self.activation, self.pieces)

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


@dataclass(frozen=True)
class Rbm:
    """A restricted Boltzmann machine with one hidden layer, trained by contrastive divergence with
    so many `steps` (section 8). A run's `keep` drops its hidden units, and `l2` is half of the
    weight cost, the factor of the weights in the update. With copies of its units it is to become
    the lowest or the highest layer of a `Dbm`."""

    hidden: tuple[int, ...]
    steps: int = 1
    activation: str = "sigmoid"
    visible_copies: int = 1
    hidden_copies: int = 1

    def __post_init__(self) -> None:
        if len(self.hidden) != 1:
            raise ValueError(f"an RBM has one hidden layer. Received: hidden={self.hidden}")

    def scaled(self, width: float) -> "Rbm":
        return replace(self, hidden=_scaled(self.hidden, width))


@dataclass(frozen=True)
class Dbm:
    """A deep Boltzmann machine, trained by so many rounds of `mean_field` and so many Gibbs `steps`
    of persistent `chains` for each update (`layers/boltzmann/dbm.py`)."""

    hidden: tuple[int, ...]
    mean_field: int = 10
    steps: int = 5
    chains: int = 100
    activation: str = "sigmoid"

    def __post_init__(self) -> None:
        counts = (*self.hidden, self.mean_field, self.steps, self.chains)
        if len(self.hidden) < 2 or not all(isinstance(n, int) and n > 0 for n in counts):
            raise ValueError(
                f"a DBM has two hidden layers or more, and positive integers. Received: {self!r}"
            )

    def scaled(self, width: float) -> "Dbm":
        return replace(self, hidden=_scaled(self.hidden, width))


@dataclass(frozen=True)
class LinearRegression:
    """One linear layer, fitted by least squares to one-hot class labels (section 9.1)."""

    hidden: tuple[int, ...] = ()
    activation: str = "linear"

    def scaled(self, width: float) -> "LinearRegression":
        return self


@dataclass(frozen=True)
class Recurrent:
    """An LSTM that reads an image row by row. Dropout of its recurrent units uses a new mask for
    each step ("naive") or one mask for the whole sequence ("sequence")."""

    hidden: tuple[int, ...]
    masks: str = "sequence"
    activation: str = "tanh"

    def __post_init__(self) -> None:
        if self.masks not in ("naive", "sequence") or len(self.hidden) != 1:
            raise ValueError(
                "a recurrent net has one hidden layer and masks 'naive' or 'sequence'. Received: "
                f"hidden={self.hidden}, masks={self.masks!r}"
            )

    def scaled(self, width: float) -> "Recurrent":
        return replace(self, hidden=_scaled(self.hidden, width))


@dataclass(frozen=True)
class Residual:
    """Residual blocks of two 3 x 3 convolutions with batch normalisation and dropout between the
    two. `filters` gives the width of each block."""

    filters: tuple[int, ...]
    activation: str = "relu"

    def scaled(self, width: float) -> "Residual":
        return replace(self, filters=_scaled(self.filters, width))


@dataclass(frozen=True)
class Transformer:
    """Attention over the rows of an image; dropout after attention and after the feed-forward
    layer of each block."""

    width: int
    blocks: int
    heads: int = 4
    activation: str = "relu"

    def scaled(self, width: float) -> "Transformer":
        # The width stays a multiple of the number of heads.
        return replace(self, width=max(1, round(self.width * width / self.heads)) * self.heads)


@dataclass(frozen=True)
class GaussianSvm:
    """A support vector machine with kernel exp(-gamma |a - b|^2) and penalty `cost` (Table 2)."""

    cost: float
    gamma: float
    hidden: tuple[int, ...] = ()
    activation: str = "linear"

    def scaled(self, width: float) -> "GaussianSvm":
        return self


Net = (
    Mlp
    | ConvNet
    | Autoencoder
    | LinearRegression
    | Rbm
    | Dbm
    | Recurrent
    | Residual
    | Transformer
    | GaussianSvm
)
# Those trained by a loss of their own layer, which others can start from; and those whose outputs
# give the inputs back.
Machine = Rbm | Dbm
Reconstructing = Autoencoder | Rbm | Dbm


def can_start(net: Net, chain: Sequence[Net]) -> bool:
    """Whether a net can begin with the weights of the last of `chain`, whose nets each start from
    the one before."""
    last = chain[-1]
    if not isinstance(last, Machine):
        return False
    if isinstance(net, Rbm):
        return isinstance(last, Rbm)
    rbms = [each for each in chain if isinstance(each, Rbm)]
    widths = last.hidden if isinstance(last, Dbm) else tuple(each.hidden[0] for each in rbms)
    if isinstance(net, Dbm):
        return isinstance(last, Rbm) and net.hidden == widths
    # Copies stand for layers that an Mlp does not have.
    copies = {n for each in rbms for n in (each.visible_copies, each.hidden_copies)}
    if not isinstance(net, Mlp) or net.activation != "sigmoid" or net.batch_norm:
        return False
    return net.hidden == widths and (isinstance(last, Dbm) or copies == {1})
