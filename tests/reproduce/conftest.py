"""Shared by all tests: TensorFlow loaded quietly, two threads, the embedded data."""

import pytest

from reproduce.machine import import_tensorflow

import_tensorflow()

from reproduce import Mlp, Run
from reproduce.data import Dataset, load


@pytest.fixture(scope="session")
def digits() -> Dataset:
    return load("digits")


@pytest.fixture(scope="session")
def run() -> Run:
    """A tiny complete run on digits."""
    return Run(
        data="digits",
        net=Mlp((16, 12), "relu"),
        batch_size=20,
        learning_rate=0.05,
        momentum=0.9,
        updates=120,
        seed=1,
        measures=("error_percent", "nll"),
    )
