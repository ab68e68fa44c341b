"""Who takes turns with whom: the groups of contestants whose speeds are compared."""

from dataclasses import dataclass

from benchmarks import layers_alone
from benchmarks.cases import CASES
from benchmarks.events import UPDATES as LOGGED_UPDATES
from benchmarks.limits import WEIGHTS
from benchmarks.predicting import NETWORKS
from benchmarks.working import RUNS, UPDATES

OURS = "ours"


@dataclass(frozen=True)
class Entry:
    """One contestant of a group: the module that it runs, and that module's case."""

    label: str
    module: str
    case: str
    # Keras's backend.
    backend: str = "tensorflow"

    @property
    def is_peer(self) -> bool:
        return self.module in ("stock_keras", "pytorch", "jax_scan")

    @property
    def needs_peers(self) -> bool:
        """Whether it runs in the peers' environment, which has PyTorch."""
        return self.is_peer or self.backend == "torch"


@dataclass(frozen=True)
class Group:
    """Contestants that take turns; the first is this project's, the others are compared with it."""

    case: str
    unit: str
    # The seconds of a block are divided by this and multiplied by `scale`.
    per_block: int
    scale: float
    entries: tuple[Entry, ...]
    # The most memory that the first may take, in MiB.
    limit_mib: float | None = None


def training(case: str, *modules: str, also: tuple[str, ...] = (), limit_mib=None) -> Group:
    labels = {
        "stock_keras": "stock Keras, fit",
        "pytorch": "PyTorch",
        "jax_scan": "JAX, one scan",
    }
    entries = [Entry(OURS, "ours", case)]
    entries += [Entry(labels[module], module, case) for module in modules]
    if CASES[case].filters:
        entries.append(Entry("convolutions and products alone", "limits", case))
    else:
        entries.append(Entry("matrix products alone", "limits", case))
        entries.append(Entry("matrix products, weights moved", "limits", case + WEIGHTS))
    entries += [Entry(f"ours, {other.rsplit(' ', 1)[1]}", "ours", other) for other in also]
    return Group(case, "ms/update", CASES[case].updates, 1e3, tuple(entries), limit_mib)


MLP_PEERS = ("stock_keras", "pytorch", "jax_scan")
TRAINING = (
    training("3x1024 none", *MLP_PEERS),
    training("3x1024 dropout", *MLP_PEERS, also=("3x1024 none",)),
    training("3x1024 dropout + max-norm", *MLP_PEERS, also=("3x1024 none",), limit_mib=1536),
    training("2x4096 dropout + max-norm", *MLP_PEERS),
    training("CIFAR third width none", "stock_keras", "pytorch"),
    training(
        "CIFAR third width dropout", "stock_keras", "pytorch", also=("CIFAR third width none",)
    ),
    training("CIFAR third width dropout + max-norm", "stock_keras", "pytorch"),
    training(
        "CIFAR full width dropout + max-norm",
        "stock_keras",
        "pytorch",
        also=("CIFAR full width none",),
        limit_mib=4096,
    ),
    *(
        Group(
            f"Monte-Carlo prediction, {network}",
            "s",
            1,
            1.0,
            (
                Entry("monte_carlo_predict", "predicting", f"{network}, ours"),
                Entry("loop over model(x, training=True)", "predicting", f"{network}, loop"),
                *extra,
            ),
        )
        for network, extra in (
            (
                NETWORKS[0],
                (
                    Entry("matrix products alone", "predicting", f"{NETWORKS[0]}, bare"),
                    Entry(
                        "the net sampled, nothing added up", "predicting", f"{NETWORKS[0]}, graph"
                    ),
                ),
            ),
            (NETWORKS[1], ()),
        )
    ),
    Group(
        f"a run of {LOGGED_UPDATES:,} updates, 3x1024",
        "s",
        1,
        1.0,
        (Entry("logged", "events", "logged"), Entry("not logged", "events", "not logged")),
    ),
    Group(
        f"{RUNS} small runs, 2 workers",
        "ms/update",
        RUNS * UPDATES,
        1e3,
        (Entry("2 workers", "working", "2"), Entry("one process", "working", "1")),
    ),
)


def on_gpu(case: str, *also: Entry) -> Group:
    """One run beside stacks, peers and the products alone; a block's updates are of all runs."""
    entries = (Entry(OURS, "ours", case), *also, Entry("stock Keras, fit", "stock_keras", case))
    return Group(case, "ms/update", CASES[case].updates, 1e3, entries)


def beside(case: str, *options: str) -> Entry:
    return Entry(f"ours, {', '.join(options)}", "ours", " | ".join([case, *options]))


GPU_NARROW, GPU_WIDE, GPU_CIFAR = (
    f"{name} on a GPU" for name in ("3x1024", "2x8192", "CIFAR full width")
)
GPU = (
    on_gpu(
        GPU_NARROW,
        beside(GPU_NARROW, "x16"),
        beside(GPU_NARROW, "x16", "tf32"),
        Entry("PyTorch", "pytorch", GPU_NARROW),
        Entry("JAX, one scan", "jax_scan", GPU_NARROW),
        Entry("matrix products alone", "limits", GPU_NARROW),
    ),
    on_gpu(GPU_WIDE, Entry("matrix products alone", "limits", GPU_WIDE)),
    on_gpu(GPU_CIFAR, beside(GPU_CIFAR, "tf32"), Entry("PyTorch", "pytorch", GPU_CIFAR)),
)


def beside_keras(case: str, backend: str = "tensorflow") -> Group:
    """This package's layers in place of Keras's own, in the same program."""
    entries = (
        Entry(OURS, "layers_alone", f"{case}, ours", backend),
        Entry("Keras's layers", "layers_alone", f"{case}, Keras", backend),
    )
    name = case if backend == "tensorflow" else f"{case}, {backend}"
    return Group(name, "ms", layers_alone.TIMES[case], 1e3, entries)


def without_dropout(width: int) -> Group:
    """SliceDropout at rate 0.5 beside a net without dropout, and beside Dropout."""
    case = f"two hidden layers of {width}"
    entries = (
        Entry("SliceDropout", "layers_alone", f"{case}, slice"),
        Entry("no dropout", "layers_alone", f"{case}, none"),
        Entry("Dropout", "layers_alone", f"{case}, dropout"),
    )
    name = f"SliceDropout, {case}, a step"
    return Group(name, "ms/update", layers_alone.updates(width), 1e3, entries)


def skipping() -> Group:
    case = "ten residual blocks of 1024"
    entries = (
        Entry("CompactedStochasticDepth", "layers_alone", f"{case}, compacted"),
        Entry("StochasticDepth", "layers_alone", f"{case}, masked"),
        Entry("no dropout", "layers_alone", f"{case}, none"),
    )
    name = f"CompactedStochasticDepth, {case}, a step"
    return Group(name, "ms/update", layers_alone.BLOCK_UPDATES, 1e3, entries)


LAYERS = (
    *(beside_keras(case) for case in layers_alone.TIMES if case != layers_alone.FEW_LENGTHS),
    beside_keras(layers_alone.FEW_LENGTHS, "jax"),
    beside_keras(layers_alone.LENGTHS, "torch"),
    *(without_dropout(width) for width in layers_alone.WIDTHS),
    skipping(),
)
PARTS = {"training": TRAINING, "layers": LAYERS, "gpu": GPU}
