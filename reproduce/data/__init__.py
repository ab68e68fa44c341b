"""Data set name -> checked arrays.

In: a name, and the user's data folder if there is one. Out: `load`, which returns a `Dataset`;
`split_indices`, which images a run trains on and is measured on; `obtain`, the raw arrays.

Open `loading.py` first; `sources/` is where the files come from.
"""

from reproduce.data.dataset import Dataset, split_indices
from reproduce.data.loading import load
from reproduce.data.sources import obtain

__all__ = ["Dataset", "load", "obtain", "split_indices"]
