"""results/bench.csv and bench.json -> the table of measured speed. `make bench` writes both."""

import csv
import json
from pathlib import Path

from reproduce.tables import Table


def table(results_dir: Path, brief: bool = False) -> Table | None:
    """Ours beside each peer's, as measured; None before the first `make bench`.

    With `brief` memory is told beside its limits only.
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


def _row(row: dict[str, str]) -> tuple[str, ...]:
    several = int(row["n"]) > 1
    spread = f" [{row['ratio_min']}, {row['ratio_max']}]" if several else ""
    told = (row["case"], row["peer"], row["ours"], row["theirs"], row["unit"])
    return (*told, row["ratio"] + spread, row["n"])
