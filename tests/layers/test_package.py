"""The package as others install it: by its own name, from a folder with a `layers.py`."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from backend import BACKEND, array, ones

import layers

ROOT = Path(layers.__file__).parents[1]
pytestmark = pytest.mark.skipif(
    BACKEND != "tensorflow", reason="what is installed is the same for every backend"
)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with what `pip install .` installs, as `pip wheel` packs it."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    source.mkdir()
    for name in ("layers", "pyproject.toml", "LICENSE"):
        (source / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--quiet", "-w", folder, source], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        wheel.extractall(folder / "packages")
    return folder / "packages"


def python(code, installed, folder):
    """What a program prints that runs in a folder with a `layers.py` of the user's."""
    (folder / "layers.py").write_text("raise SystemExit('this is the layers.py of the user')\n")
    environment = {**os.environ, "PYTHONPATH": str(installed), "KERAS_BACKEND": "tensorflow"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_it_works_where_there_is_a_layers_py_and_loads_what_the_repository_saved(
    installed, tmp_path
):
    drop = layers.Dropout(0.5, seed=1, name="drop")
    connect = layers.DropConnect(keras.layers.Dense(3), 0.5, seed=2, name="connect")
    model = keras.Sequential([keras.Input((4,)), drop, connect], name="model")
    model.save(tmp_path / "model.keras")
    code = (
        "import dropout_layers, keras, numpy\n"
        "from importlib.metadata import version\n"
        "from dropout_layers.noise.masks import random_bernoulli\n"
        "from pathlib import Path\n"
        "assert dropout_layers.__version__ == version('dropout-layers')\n"
        "folder = Path(dropout_layers.__file__).parent\n"
        "assert all((folder / name).exists() for name in ('py.typed', 'masks.svg', 'README.md'))\n"
        "import runpy\n"
        "runpy.run_module('dropout_layers.from_scratch', None, '__main__', True)\n"
        "model = keras.saving.load_model('model.keras')\n"
        "assert type(model.layers[0]) is dropout_layers.Dropout\n"
        "model.save('again.keras')\n"
        "numpy.save('outputs.npy', model(numpy.ones((5, 4), 'float32'), training=True))\n"
    )
    done = python(code, installed, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "largest relative error" in done.stdout
    again = keras.saving.load_model(tmp_path / "again.keras")
    outputs = np.load(tmp_path / "outputs.npy")
    np.testing.assert_array_equal(array(model(ones((5, 4)), training=True)), outputs)
    np.testing.assert_array_equal(array(again(ones((5, 4)), training=True)), outputs)


def test_without_a_backend_it_says_so_in_one_sentence(installed, tmp_path):
    code = "import sys; sys.modules['tensorflow'] = None; from dropout_layers import DropConnect"
    done = python(code, installed, tmp_path)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: dropout_layers needs Keras 3 and one of its backends")
    assert "tensorflow" in last.split("Received")[1]
    assert "During handling" not in done.stderr


@pytest.mark.parametrize("first", ["layers", "dropout_layers"])
def test_in_the_repository_both_names_are_the_same_objects(first):
    code = (
        f"import {first}; import layers, dropout_layers, dropout_layers.noise.masks\n"
        "from layers.units.dropout import Dropout\n"
        "import dropout_layers.units.dropout as other\n"
        "assert layers is dropout_layers and other.Dropout is Dropout is dropout_layers.Dropout\n"
        "assert layers.noise.masks is dropout_layers.noise.masks"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_public_functions_and_layers_have_type_hints():
    for name in layers.__all__:
        public = getattr(layers, name)
        function = public.__init__ if isinstance(public, type) else public
        if name != "MonteCarloPrediction":
            names = set(function.__code__.co_varnames[: function.__code__.co_argcount])
            assert names - {"self", "cls"} <= set(function.__annotations__), name
