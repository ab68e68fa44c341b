"""Data set name -> `Dataset`, prepared as in the paper."""

import hashlib
import os
import time
import zlib
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np

from reproduce.data.dataset import Dataset
from reproduce.data.formats import ORIGINALS
from reproduce.data.preprocessing import EPSILON_SHARE, standardised, whitened
from reproduce.data.reading import Unusable, check_file, read_array, read_file, refusing
from reproduce.data.sources import cache_dir, notify, obtain
from reproduce.errors import UserError

# The paper sets aside 10,000 (MNIST) and 5,000 (CIFAR) random training images (B.1, B.3).
VALIDATION_EXAMPLES = {"mnist": 10_000, "cifar10": 5_000, "cifar100": 5_000, "digits": 287}
# SVHN: the number of standard training images, which come before the extra ones, and the validation
# images per class from the standard and from the extra images (B.2).
SVHN_STANDARD, SVHN_VALIDATION = 73_257, (400, 200)
# Data sets prepared as in the paper: the original's name, and the function applied to its images.
PREPARED = {
    "cifar10_zca": ("cifar10", whitened),
    "cifar100_zca": ("cifar100", whitened),
    "svhn_standardised": ("svhn", standardised),
}
# The suffix of the file next to a cached file that holds the checksum of its images.
CHECKSUM = ".crc32"
# Writing that file takes less.
SECONDS_TO_KEEP = 600
DIGITS_FILE = "sklearn/datasets/data/digits.csv.gz"
DIGITS_TEST_EXAMPLES = 360
SPLIT_SEED = 0


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set `name`, from the user's folder, the cache, or the network, in this order.

    Raises:
        UserError: for an unknown name, a file that is not what its name says, an unwritable cache,
            or when no source has the data.
    """
    if name == "digits":
        return _digits()
    if name in PREPARED:
        return _prepared(name, data_dir)
    if name not in ORIGINALS:
        known = ", ".join(sorted([*ORIGINALS, *PREPARED, "digits"]))
        raise UserError(f"unknown data set {name!r}; the data sets are {known}")
    arrays = obtain(name, data_dir)
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    labels = np.concatenate([arrays["y_train"], arrays["y_test"]])
    return _dataset(name, images, labels, len(arrays["y_train"]), 255)


def _dataset(name: str, images: np.ndarray, labels: np.ndarray, training: int, top: int) -> Dataset:
    digest = hashlib.sha256(images.tobytes() + labels.astype(np.uint8).tobytes()).hexdigest()[:16]
    scaled = np.divide(images, np.float32(top), dtype=np.float32)
    order = np.random.default_rng(SPLIT_SEED).permutation(training)
    if name == "svhn":
        order, held_out = _svhn_order(order, labels)
    else:
        held_out = VALIDATION_EXAMPLES[name]
    return Dataset(name, scaled, labels.astype(np.int32), training, digest, order, held_out)


def _svhn_order(order: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, int]:
    """The order with `SVHN_VALIDATION` images per class first, and the number of those images."""
    held_out = np.zeros(len(order), bool)
    is_extra = order >= SVHN_STANDARD
    for label in np.unique(labels):
        for extra, count in enumerate(SVHN_VALIDATION):
            held_out[np.flatnonzero((labels[order] == label) & (is_extra == extra))[:count]] = True
    return np.concatenate([order[held_out], order[~held_out]]), int(held_out.sum())


def _prepared(name: str, data_dir: Path | None) -> Dataset:
    """The data set with prepared images, kept in the cache. The preparation is fitted on the
    training images outside the validation split, so it is the same for every run."""
    original, prepare = PREPARED[name]
    dataset = load(original, data_dir)
    # Hash what determines the prepared images: their own last bits differ between machines.
    text = f"{name} {dataset.digest} {EPSILON_SHARE} {dataset.held_out}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    path = cache_dir() / f"{name}-{digest}.npy"
    images = _kept(path, dataset.images.shape)
    if images is None:
        notify(f"preparing {name} (once; half a minute on two cores)")
        images = prepare(dataset.images, dataset.order[dataset.held_out :])
        _keep(path, images)
    return replace(dataset, name=name, images=images, digest=digest)


def _checksum(images: np.ndarray) -> bytes:
    return b"%08x" % zlib.crc32(np.ascontiguousarray(images).data)


def _kept(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """The images in a cached file; None if the file is missing or damaged."""
    try:
        check_file(path)
        with refusing(path), path.open("rb") as stream:
            images = read_array(stream, np.float32, (shape,))
        wanted = read_file(path.with_suffix(CHECKSUM), 8)
    except Unusable:
        return None
    return images if _checksum(images) == wanted else None


def _keep(path: Path, images: np.ndarray) -> None:
    part = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for leftover in path.parent.glob(f".*-{path.name}"):  # left by a killed process
            if time.time() - leftover.stat().st_mtime > SECONDS_TO_KEEP:
                leftover.unlink(missing_ok=True)
        np.save(part, images)  # the name ends in .npy, so NumPy adds no suffix
        checksum = path.with_suffix(CHECKSUM)
        checksum.unlink(missing_ok=True)  # writing to a pipe would wait for a reader
        checksum.write_bytes(_checksum(images))
        os.replace(part, path)
    except OSError as error:
        notify(f"{path} cannot be written ({error.strerror}); it will be made again next time")
        part.unlink(missing_ok=True)


def _digits() -> Dataset:
    # Not by `load_digits`: importing scikit-learn takes two seconds in each process.
    file = metadata.distribution("scikit-learn").locate_file(DIGITS_FILE)
    pixels, labels = np.split(np.loadtxt(str(file), np.uint8, delimiter=","), [64], axis=1)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(labels))
    images, labels = pixels.reshape(-1, 8, 8)[order], labels[order, 0]
    return _dataset("digits", images, labels, len(labels) - DIGITS_TEST_EXAMPLES, 16)
