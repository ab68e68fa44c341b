"""A trained network -> what it shows besides its error: rows and pictures.

In: a finished `Training` whose run names its probes. Out: `run_probes`, their rows and pictures.

A probe is a function that yields `Measured` rows and `Picture`s; `PROBES` maps the names in a run
to these functions. Probes see the test images, after training. Open `trained.py` first, then
`features.py`.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from reproduce.machine import import_tensorflow

import_tensorflow()

from reproduce.probes import (
    activations,
    closed_form,
    features,
    masks,
    monte_carlo,
    redundancy,
    uncertainty,
)
from reproduce.probes.trained import Picture, Trained, mosaic
from reproduce.training import Measured, Training

__all__ = ["Picture", "Trained", "mosaic", "run_probes"]

# Pictures are kept only for the runs with this seed: one for each arm.
PICTURED_SEED = 1
PROBES: dict[str, Callable[[Trained], Iterator[Measured | Picture]]] = {
    "activations": activations.find,
    "closed_form": closed_form.find,
    "features": features.find,
    "inputs": features.find_inputs,
    "probabilities": activations.find_probabilities,
    "machines": features.find_machines,
    "map_masks": masks.find_in_maps,
    "masks": masks.find,
    "monte_carlo": monte_carlo.find,
    "redundancy": redundancy.find,
    "uncertainty": uncertainty.find,
}


def run_probes(
    training: Training, data_dir: Path | None = None
) -> tuple[list[Measured], dict[str, str]]:
    """The rows of all probes of a run, and its pictures by name."""
    trained = Trained(training, data_dir)
    rows, pictures = [], {}
    for name in training.run.probes:
        for found in PROBES[name](trained):
            if isinstance(found, Measured):
                rows.append(found)
            elif training.run.seed == PICTURED_SEED:
                pictures[found.name] = found.text()
    return rows, pictures
