"""The committed page, and evidence of a few committed experiments."""

from pathlib import Path

import pytest

from reproduce.report import evidence

RESULTS = Path(__file__).parents[4] / "results"
# An experiment along x with relative gains, one with other measures, one of a single arm.
NAMES = ("fig10", "fig7", "fig11")


@pytest.fixture(scope="session")
def found():
    return [evidence.gather(name, "cpu", RESULTS) for name in NAMES]
