"""In this repository, the installed name of `layers`: both names are one package.

`pip install .` installs the folder `layers/` itself under this name, and leaves out this file.
"""

import importlib
import pkgutil
import sys
from pathlib import Path

import layers

if Path(layers.__file__ or "").parent != Path(__file__).parent / "layers":
    raise ImportError(
        "dropout_layers, used from its repository, is the folder `layers`, which another module of "
        "that name hides: install it by `pip install .`, or rename the other. "
        f"Received: {layers.__file__}"
    )

for module in pkgutil.walk_packages(layers.__path__, "layers."):
    alias = module.name.replace("layers", __name__, 1)
    sys.modules[alias] = importlib.import_module(module.name)
sys.modules[__name__] = layers
