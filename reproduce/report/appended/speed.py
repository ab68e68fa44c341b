"""results/bench*.csv and .json -> the tables of measured speed. `make bench` writes them."""

import csv
import json
from pathlib import Path

from reproduce.report.tables import Table

# The project's own targets: (what, case, compared with, at most).
FULL = "3x1024 dropout + max-norm"
MONTE_CARLO = "Monte-Carlo prediction, 3x1024, 1,000 examples"
CIFAR = "CIFAR third width dropout"
LOGGED = "a run of 1,000 updates, 3x1024"
FULL_CIFAR = "CIFAR full width dropout + max-norm"
TARGETS = (
    ("dropout + max-norm beside stock Keras's best", FULL, "stock Keras, fit", 0.5),
    ("dropout + max-norm beside PyTorch", FULL, "PyTorch", 0.75),
    ("dropout + max-norm beside JAX", FULL, "JAX, one scan", 1.05),
    ("dropout + max-norm beside neither", FULL, "ours, none", 1.1),
    ("beside the bare matrix products (0.8 of their speed)", FULL, "matrix products alone", 1.25),
    ("CIFAR net, third width, beside stock Keras", CIFAR, "stock Keras, fit", 1.0),
    ("CIFAR net, full width, beside stock Keras", FULL_CIFAR, "stock Keras, fit", 1.0),
    ("CIFAR net, third width: dropout in all layers beside none", CIFAR, "ours, none", 1.1),
    ("CIFAR net, full width: dropout, max-norm beside neither", FULL_CIFAR, "ours, none", 1.1),
    ("Monte-Carlo prediction beside a loop", MONTE_CARLO, "loop over model(x, training=True)", 0.5),
    ("a run with its log beside one without", LOGGED, "not logged", 1.05),
    ("two workers beside one process", "8 small runs, 2 workers", "one process", 0.87),
    *(
        (f"Dropout beside Keras's: {case}", case, "Keras's layers", most)
        for case, most in (
            ("an eager call on (100, 1024)", 2.0),
            ("an update of fit", 1.0),
            ("200 lengths through three dropouts", 1.5),
            ("20 lengths through three dropouts, jax", 1.5),
            ("200 lengths through three dropouts, torch", 1.5),
        )
    ),
    (
        "Dropout's first update beside Keras's",
        "three dropouts, cold start to the first update",
        "Keras's layers, and a second",
        1.0,
    ),
    (
        "SliceDropout at rate 0.5 and width 4096 beside no dropout",
        "SliceDropout, two hidden layers of 4096, a step",
        "no dropout",
        0.6,
    ),
)
# Of the training step beside its peers, and of the layers in a user's own program.
FILES = {
    "bench": "Speed and memory",
    "bench_layers": "Speed of the layers",
    "bench_gpu": "Speed on a GPU",
}


def tables(results_dir: Path) -> list[Table]:
    """Our measurements beside each peer's; none before the first `make bench`."""
    return [made for name in FILES if (made := _table(results_dir / name, FILES[name]))]


def _table(file: Path, title: str) -> Table | None:
    path, about = file.with_suffix(".csv"), file.with_suffix(".json")
    if not path.exists() or not about.exists():
        return None
    with path.open(newline="", encoding="utf-8") as lines:
        found = list(csv.DictReader(lines))
    rows = [_row(r) for r in found]
    machine = json.loads(about.read_text("utf-8"))
    versions = machine["ours"] | machine["peers"]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    where = machine.get("gpu") or f"{machine['cpu']}, {machine['threads']} threads"
    title += f" on {where}; {packages}"
    columns = ("case", "beside", "ours", "theirs", "unit", "ours / theirs [least, most]", "n")
    return Table(title, columns, rows)


def targets(results_dir: Path) -> Table | None:
    """The targets, and whether the measured ratios reach them."""
    ratios: dict[tuple[str, str], str] = {}
    for name in FILES:
        path = results_dir / f"{name}.csv"
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                found = csv.DictReader(file)
                ratios |= {(row["case"], row["peer"]): row["ratio"] for row in found}
    if not ratios:
        return None
    rows = []
    for what, case, beside, most in TARGETS:
        ratio = ratios.get((case, beside))
        state = "not measured" if ratio is None else "reached" if float(ratio) <= most else "missed"
        rows.append((what, f"{most:g}", ratio or "", state))
    return Table("Time aimed at and measured", ("time of", "at most", "measured", ""), rows)


def _row(row: dict[str, str]) -> tuple[str, ...]:
    several = int(row["n"]) > 1
    spread = f" [{row['ratio_min']}, {row['ratio_max']}]" if several else ""
    cells = (row["case"], row["peer"], row["ours"], row["theirs"], row["unit"])
    return (*cells, row["ratio"] + spread, row["n"])
