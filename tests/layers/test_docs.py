"""Every public name has a docstring whose example runs."""

import doctest
import importlib
import pkgutil

import pytest

import layers

MODULES = [module.name for module in pkgutil.iter_modules(layers.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(f"layers.{name}")
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", sorted(set(layers.__all__) - {"MonteCarloPrediction"}))
def test_every_public_name_has_an_example_and_a_reference(name):
    text = getattr(layers, name).__doc__
    assert ">>>" in text
    assert "Args" in text
    assert "Reference" in text or name == "RateSchedule"
