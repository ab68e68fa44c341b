"""results/bench.csv and bench.json -> the table of measured speed. `make bench` writes both."""

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
)


def table(results_dir: Path, brief: bool = False) -> Table | None:
    """Our measurements beside each peer's; None before the first `make bench`.

    With `brief`, memory is shown only beside its limits.
    """
    path, about = results_dir / "bench.csv", results_dir / "bench.json"
    if not path.exists() or not about.exists():
        return None
    with path.open(newline="") as file:
        found = list(csv.DictReader(file))
    rows = [_row(r) for r in found if not brief or r["unit"] != "MiB" or r["peer"] == "limit"]
    machine = json.loads(about.read_text())
    versions = machine["ours"] | machine["peers"]
    packages = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))
    title = f"Speed and memory on {machine['cpu']}, {machine['threads']} threads; {packages}"
    columns = ("case", "beside", "ours", "theirs", "unit", "ours / theirs [least, most]", "n")
    return Table(title, columns, rows)


def targets(results_dir: Path) -> Table | None:
    """The targets, and whether the measured ratios reach them."""
    path = results_dir / "bench.csv"
    if not path.exists():
        return None
    with path.open(newline="") as file:
        ratios = {(row["case"], row["peer"]): row["ratio"] for row in csv.DictReader(file)}
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
