"""Committed rows stay current: what a run's key is made of never changes by accident."""

import csv
import hashlib
import json
from pathlib import Path

import pytest

from reproduce import experiments, plan

KEYS = Path(__file__).with_name("keys.csv")
COMMITTED = sorted((Path(__file__).parents[3] / "results").glob("*/*.json"))


def keys_of(name, profile):
    """The keys of every run that the two stages could have, whatever the choice will be."""
    experiment = experiments.load(name)
    seeds = range(1, experiment.budgets[profile].looks[0] + 1)
    return {
        "choice": [p.run.key for p in plan.choice_runs(experiment, profile)],
        "final": [
            plan.final_run(run, experiment, seed).key
            for cell in plan.budgeted_cells(experiment, profile)
            for run in cell.candidates
            for seed in seeds
        ],
    }


def table():
    """Lines of keys.csv: a digest of the sorted keys of each stage."""
    yield "experiment", "profile", "stage", "runs", "digest"
    for name in experiments.names():
        for profile in experiments.load(name).budgets:
            for stage, keys in keys_of(name, profile).items():
                digest = hashlib.sha256("\n".join(sorted(keys)).encode()).hexdigest()[:16]
                yield name, profile, stage, str(len(keys)), digest


def test_the_keys_are_those_of_the_list():
    """The list was made before the modules moved; experiments added since are not in it. Whoever
    changes a declaration on purpose prints its new lines with `PYTHONPATH=. python
    tests/reproduce/experiments/test_keys.py`."""
    with KEYS.open(newline="") as file:
        listed = {tuple(line) for line in csv.reader(file)}
    missing = listed - set(table())
    changed = sorted({f"{line[0]} at {line[1]}" for line in missing})
    assert not changed, "the keys of these differ from keys.csv: " + ", ".join(changed)


@pytest.mark.parametrize("path", COMMITTED, ids=lambda path: path.stem)
def test_every_committed_key_is_the_digest_of_its_settings(path):
    entries = json.loads(path.read_text())
    assert entries
    for key, entry in entries.items():
        text = json.dumps(entry["run"], sort_keys=True)
        assert hashlib.sha256(text.encode()).hexdigest()[:16] == key


if __name__ == "__main__":
    print("\n".join(map(",".join, table())))
