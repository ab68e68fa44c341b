"""Every public name has a docstring whose example runs, and a snippet in README.md that runs."""

import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest
from backend import ONCE

import layers

MODULES = [module.name for module in pkgutil.walk_packages(layers.__path__, "layers.")]
README = (Path(layers.__file__).parent / "README.md").read_text()
SNIPPETS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@ONCE
@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name):
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


@pytest.mark.parametrize("name", sorted(set(layers.__all__) - {"MonteCarloPrediction"}))
def test_every_public_name_has_an_example_and_a_reference(name):
    text = getattr(layers, name).__doc__
    assert ">>>" in text
    assert "Args" in text
    assert "Reference" in text or name == "RateSchedule"


@ONCE
@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda text: text.split("import ")[-1][:20])
def test_a_snippet_of_the_readme_runs_and_is_short(snippet):
    assert sum(bool(line.strip()) for line in snippet.splitlines()) <= 6
    exec(snippet, {})


def test_every_public_name_is_in_a_snippet_and_in_the_table():
    snippets = "\n".join(SNIPPETS)
    table = README.split("## Which layer when")[1].split("##")[0]
    table = table.replace(
        "SpatialDropout1D/2D/3D", "SpatialDropout1D SpatialDropout2D SpatialDropout3D"
    )
    for name in layers.__all__:
        assert re.search(rf"\b{name}\b", snippets), name
        assert re.search(rf"\b{name}\b", table) or name == "MonteCarloPrediction", name
