"""In this repository, the installed name of `layers`: both names are one package.

`pip install .` installs the folder `layers/` itself under this name, and leaves out this file.
"""

import importlib
import pkgutil
import sys

import layers

for module in pkgutil.walk_packages(layers.__path__, "layers."):
    alias = module.name.replace("layers", __name__, 1)
    sys.modules[alias] = importlib.import_module(module.name)
sys.modules[__name__] = layers
