"""The original files of each data set, as bytes: their sizes and hashes, and their arrays.

Data from every source is first converted to the bytes of its original files, so that one check
covers all sources. Nothing is ever unpickled.
"""

import hashlib
import io
import itertools
import pickletools
import tarfile
from typing import NamedTuple

import numpy as np

from reproduce.data.reading import Unusable

# x_train, y_train, x_test, y_test: uint8; images (n, height, width) or (n, height, width, 3).
Arrays = dict[str, np.ndarray]
Files = dict[str, bytes]
KEYS = ("x_train", "y_train", "x_test", "y_test")


class Original(NamedTuple):
    """What an original file must be; no more bytes than `size` are ever read."""

    size: int
    md5: str


ORIGINALS = {
    "mnist": {
        "train-images-idx3-ubyte": Original(47_040_016, "6bbc9ace898e44ae57da46a324031adb"),
        "train-labels-idx1-ubyte": Original(60_008, "a25bea736e30d166cdddb491f175f624"),
        "t10k-images-idx3-ubyte": Original(7_840_016, "2646ac647ad5339dbf082846283269ea"),
        "t10k-labels-idx1-ubyte": Original(10_008, "27ae3e4e09519cfbb04c329615203637"),
    },
    "cifar10": {
        "data_batch_1.bin": Original(30_730_000, "5dd7e06a14cb22eb9f671a540d1b7c25"),
        "data_batch_2.bin": Original(30_730_000, "5ea93a67294ea407fff1d09f752e9692"),
        "data_batch_3.bin": Original(30_730_000, "942cd6a4bcdd0dd3c604fbe906cb4421"),
        "data_batch_4.bin": Original(30_730_000, "ae636b3ba5c66a11e91e8cb52e771fcb"),
        "data_batch_5.bin": Original(30_730_000, "53f37980c15c3d472c316c40844f3f0d"),
        "test_batch.bin": Original(30_730_000, "803d5f7f4d78ea53de84dbe85f74fb6d"),
    },
    # The md5 is published by its authors on https://www.cs.toronto.edu/~kriz/cifar.html. Its size,
    # and those of SVHN, are in TensorFlow Datasets' url_checksums.
    "cifar100": {
        "cifar-100-binary.tar.gz": Original(168_513_733, "03b5dce01913d631647c71ecec9e9cb8")
    },
    # The hashes that torchvision checks; the authors publish none.
    "svhn": {
        "train_32x32.mat": Original(182_040_794, "e26dedcc434d2e4c54c9b2d4a06d8373"),
        "extra_32x32.mat": Original(1_329_278_602, "a93ce644f1a588dc4d68dda5feec44a7"),
        "test_32x32.mat": Original(64_275_384, "eb5a983be6a315427106f1b164d9cef3"),
    },
}
# Training and test images, and the shape of one.
COUNTS = {
    "mnist": (60_000, 10_000),
    "cifar10": (50_000, 10_000),
    "cifar100": (50_000, 10_000),
    "svhn": (604_388, 26_032),
}
IMAGES = {"mnist": (28, 28)} | dict.fromkeys(("cifar10", "cifar100", "svhn"), (32, 32, 3))
# The data sets whose original files can be rebuilt from arrays; the others' are compressed.
REBUILT = ("mnist", "cifar10")
# In bytes: by how much at most a batch of CIFAR-10's python version, which also holds the images'
# file names, is longer than its binary form; the real ones by 306,000.
PICKLE_EXCESS = 500_000
# The real pickles hold about 40,000 opcodes.
MOST_OPCODES = 100_000
CIFAR_BATCH_IMAGES = 10_000
CIFAR_PIXELS = 3072


def sizes(name: str) -> dict[str, int]:
    return {file: original.size for file, original in ORIGINALS[name].items()}


def decode(name: str, files: Files) -> Arrays:
    """The arrays in the original files of `name`; raises Unusable unless every md5 is correct."""
    missing = sorted(set(ORIGINALS[name]) - set(files))
    if missing:
        raise Unusable(f"{', '.join(missing)} of {name} missing")
    for file, original in ORIGINALS[name].items():
        if hashlib.md5(files[file]).hexdigest() != original.md5:
            raise Unusable(f"{file} is truncated, or is not the {name} file (its md5 differs)")
    decoders = {
        "mnist": _decode_mnist,
        "cifar10": _decode_cifar10,
        "cifar100": _decode_cifar100,
        "svhn": _decode_svhn,
    }
    return decoders[name](files)


def encode(name: str, arrays: Arrays) -> Files:
    """The bytes of the original files of MNIST or CIFAR-10 that hold these arrays."""
    if name == "mnist":
        return {file: _idx(arrays[key]) for key, file in zip(KEYS, ORIGINALS["mnist"], strict=True)}
    images = [*np.split(arrays["x_train"], 5), arrays["x_test"]]
    labels = [*np.split(arrays["y_train"], 5), arrays["y_test"]]
    return {
        file: cifar_batch(x.transpose(0, 3, 1, 2), y)
        for file, x, y in zip(ORIGINALS["cifar10"], images, labels, strict=True)
    }


def _idx(array: np.ndarray) -> bytes:
    header = np.array([0x800 + array.ndim, *array.shape], ">i4").tobytes()
    return header + as_bytes(array).tobytes()


def as_bytes(values: np.ndarray) -> np.ndarray:
    """The values as uint8; raises ValueError if the cast would change one."""
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind not in "iu" or values.min() < 0 or values.max() > 255:
        raise ValueError(f"{values.dtype} values where only integers from 0 to 255 are valid")
    return values.astype(np.uint8)


def _decode_mnist(files: Files) -> Arrays:
    arrays = {}
    for key, file in zip(KEYS, ORIGINALS["mnist"], strict=True):
        axes = 3 if "idx3" in file else 1
        shape = np.frombuffer(files[file], ">i4", count=axes, offset=4)
        arrays[key] = np.frombuffer(files[file], np.uint8, offset=4 + 4 * axes).reshape(shape)
    return arrays


def cifar_batch(images: np.ndarray, labels: np.ndarray) -> bytes:
    """An official binary batch: a label byte, then 3,072 bytes channel by channel, per image."""
    pixels = as_bytes(images).reshape(len(labels), CIFAR_PIXELS)
    return np.concatenate([as_bytes(labels).reshape(-1, 1), pixels], axis=1).tobytes()


def cifar_batch_from_pickle(content: bytes) -> bytes:
    """The binary form of a batch of CIFAR-10's python version, read without executing the pickle:
    its opcodes hold one long byte string (the pixels) and 10,000 small integers after "labels"."""
    pixels, labels, key = "", [], ""
    for opcode, argument, _ in itertools.islice(pickletools.genops(content), MOST_OPCODES):
        if isinstance(argument, bytes):
            argument = argument.decode("latin-1")
        if isinstance(argument, str) and len(argument) == CIFAR_BATCH_IMAGES * CIFAR_PIXELS:
            pixels = argument
        elif isinstance(argument, str):
            key = argument
        elif opcode.name == "BININT1" and key == "labels":
            labels.append(argument)
    if len(labels) != CIFAR_BATCH_IMAGES or not pixels:
        raise ValueError("it holds no batch of 10,000 images")
    return cifar_batch(np.frombuffer(pixels.encode("latin-1"), np.uint8), np.array(labels))


def _decode_cifar10(files: Files) -> Arrays:
    batches = [files[file] for file in ORIGINALS["cifar10"]]
    return _cifar_arrays(b"".join(batches[:-1]), batches[-1], labels=1)


def _decode_cifar100(files: Files) -> Arrays:
    (content,) = files.values()
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        train, test = (
            archive.extractfile(f"cifar-100-binary/{part}.bin").read()  # type: ignore[union-attr]
            for part in ("train", "test")
        )
    return _cifar_arrays(train, test, labels=2)


def _cifar_arrays(train: bytes, test: bytes, labels: int) -> Arrays:
    """Arrays from one record per image: its labels, of which the last is used (CIFAR-100 has the
    coarse one first), then its pixels channel by channel."""
    arrays = {}
    for part, content in (("train", train), ("test", test)):
        rows = np.frombuffer(content, np.uint8).reshape(-1, labels + CIFAR_PIXELS)
        pixels = rows[:, labels:].reshape(-1, 3, 32, 32)
        arrays[f"x_{part}"] = pixels.transpose(0, 2, 3, 1).copy()
        arrays[f"y_{part}"] = rows[:, labels - 1].copy()
    return arrays


def _decode_svhn(files: Files) -> Arrays:
    """The standard training images, then the extra ones; MATLAB's label 10 is the digit 0."""
    from scipy.io import loadmat

    read = {file: loadmat(io.BytesIO(content)) for file, content in files.items()}
    images = {file: each["X"].transpose(3, 0, 1, 2) for file, each in read.items()}
    labels = {file: (each["y"].ravel() % 10).astype(np.uint8) for file, each in read.items()}
    parts = {"train": ("train_32x32.mat", "extra_32x32.mat"), "test": ("test_32x32.mat",)}
    return {
        f"{key}_{part}": np.concatenate([values[file] for file in names])
        for key, values in (("x", images), ("y", labels))
        for part, names in parts.items()
    }
