"""The canonical download of a data set, with Keras's own progress bar."""

import socket
import threading
import urllib.error
import urllib.request
from pathlib import Path

from reproduce.data.formats import (
    PICKLE_EXCESS,
    Arrays,
    cifar_batch_from_pickle,
    decode,
    sizes,
)
from reproduce.data.npz import read_npz
from reproduce.data.reading import Unusable, one_line, read_file
from reproduce.data.sources.archives import SILENCE_SECONDS, tar_members

TORONTO = "https://www.cs.toronto.edu/~kriz"
URLS = {
    "mnist": ("https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",),
    "cifar10": (f"{TORONTO}/cifar-10-python.tar.gz",),
    # Not the python version, which Keras fetches: it contains pickles.
    "cifar100": (f"{TORONTO}/cifar-100-binary.tar.gz",),
    "svhn": tuple(
        f"http://ufldl.stanford.edu/housenumbers/{part}_32x32.mat"
        for part in ("test", "train", "extra")
    ),
}


def download(name: str, folder: Path) -> Arrays:
    """The data set from the files that its authors, or Keras, publish."""
    paths = [_get(url, folder) for url in URLS[name]]
    if name == "mnist":
        return read_npz(name, paths[0])
    if name == "cifar10":
        batches = {file.removesuffix(".bin"): size for file, size in sizes(name).items()}
        most = {batch: size + PICKLE_EXCESS for batch, size in batches.items()}
        files = tar_members(paths[0], "cifar-10-batches-py/", most, cifar_batch_from_pickle)
        return decode(name, {f"{member}.bin": content for member, content in files.items()})
    return decode(name, {path.name: read_file(path, sizes(name)[path.name]) for path in paths})


def _get(url: str, folder: Path) -> Path:
    from reproduce.machine import import_tensorflow

    import_tensorflow()
    import keras

    _probe(url)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        return Path(keras.utils.get_file(origin=url, cache_dir=folder, cache_subdir=""))
    except Exception as error:  # Keras re-raises every network error as a bare Exception
        reason = str(error).removeprefix(f"URL fetch failure on {url}: ")
        raise Unusable(f"downloading {url} failed ({reason})") from None
    finally:
        socket.setdefaulttimeout(before)


def _probe(url: str) -> None:
    """Raises Unusable unless the server answers within SILENCE_SECONDS in total. Looking up its
    name and trying each of its addresses in turn could take several times as long."""
    failures: list[str] = ["no answer"]

    def ask() -> None:
        try:
            urllib.request.urlopen(
                urllib.request.Request(url, method="HEAD"), timeout=SILENCE_SECONDS
            ).close()
            failures.clear()
        except urllib.error.HTTPError:
            failures.clear()  # still an answer; the download will report the error
        except OSError as error:
            failures[0] = one_line(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SILENCE_SECONDS)
    if failures:
        raise Unusable(f"downloading {url} failed ({failures[0]} within {SILENCE_SECONDS} s)")
