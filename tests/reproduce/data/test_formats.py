"""Encoding is the inverse of decoding; on the real data's layout, with small made-up content."""

import hashlib
import io
import pickle
import tarfile

import numpy as np
import pytest
from scipy.io import savemat

from reproduce.data import formats
from reproduce.data.formats import Original, decode, encode
from reproduce.data.reading import Unusable


def mnist_arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (6, 28, 28), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 6, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (3, 28, 28), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 3, dtype=np.uint8),
    }


def cifar_arrays():
    rng = np.random.default_rng(0)
    return {
        "x_train": rng.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8),
        "y_train": rng.integers(0, 10, 10, dtype=np.uint8),
        "x_test": rng.integers(0, 256, (2, 32, 32, 3), dtype=np.uint8),
        "y_test": rng.integers(0, 10, 2, dtype=np.uint8),
    }


ARRAYS = {"mnist": mnist_arrays, "cifar10": cifar_arrays}


def cifar100_files(arrays):
    """An archive like the official one: a coarse and a fine label, then the channels."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for part in ("train", "test"):
            labels = arrays[f"y_{part}"].reshape(-1, 1)
            pixels = arrays[f"x_{part}"].transpose(0, 3, 1, 2).reshape(len(labels), -1)
            rows = np.concatenate([labels // 5, labels, pixels], axis=1).astype(np.uint8).tobytes()
            member = tarfile.TarInfo(f"cifar-100-binary/{part}.bin")
            member.size = len(rows)
            archive.addfile(member, io.BytesIO(rows))
    return {"cifar-100-binary.tar.gz": content.getvalue()}


def svhn_files(arrays):
    """MATLAB files like the official ones: images along the last axis, and 10 for the digit 0."""
    parts = {
        "train_32x32.mat": (arrays["x_train"][:6], arrays["y_train"][:6]),
        "extra_32x32.mat": (arrays["x_train"][6:], arrays["y_train"][6:]),
        "test_32x32.mat": (arrays["x_test"], arrays["y_test"]),
    }
    files = {}
    for file, (images, labels) in parts.items():
        content = io.BytesIO()
        y = np.where(labels == 0, 10, labels).reshape(-1, 1)
        savemat(content, {"X": images.transpose(1, 2, 3, 0), "y": y}, do_compression=True)
        files[file] = content.getvalue()
    return files


def make_genuine_files(monkeypatch, name):
    """The same for data sets whose files cannot be had back from the arrays."""
    arrays = cifar_arrays()
    files = {"cifar100": cifar100_files, "svhn": svhn_files}[name](arrays)
    pass_for_original(monkeypatch, name, arrays, files)
    return arrays, files


def make_genuine(monkeypatch, name):
    """Made-up arrays whose files pass for the real ones."""
    arrays = ARRAYS[name]()
    pass_for_original(monkeypatch, name, arrays, encode(name, arrays))
    return arrays


def pass_for_original(monkeypatch, name, arrays, files):
    originals = {
        file: Original(len(content), hashlib.md5(content).hexdigest())
        for file, content in files.items()
    }
    monkeypatch.setitem(formats.ORIGINALS, name, originals)
    counts = len(arrays["y_train"]), len(arrays["y_test"])
    monkeypatch.setitem(formats.COUNTS, name, counts)


def pickled(images, labels):
    """A batch as Python 2 wrote it: protocol 2, byte strings as BINSTRING, labels as BININT1."""
    pixels = images.transpose(0, 3, 1, 2).tobytes()
    numbers = b"]q\x04(" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    data = b"T" + len(pixels).to_bytes(4, "little") + pixels
    return b"\x80\x02}q\x01(U\x06labelsq\x03" + numbers + b"U\x04dataq\x05" + data + b"u."


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_decode_inverts_encode_and_checks_every_file(name, monkeypatch):
    arrays = make_genuine(monkeypatch, name)
    files = encode(name, arrays)
    again = decode(name, files)
    for key, array in arrays.items():
        np.testing.assert_array_equal(again[key], array)
    for file, content in files.items():
        with pytest.raises(Unusable, match=file):
            decode(name, files | {file: content[:-1]})
        with pytest.raises(Unusable, match=file):
            decode(name, files | {file: bytes([content[0] ^ 1]) + content[1:]})


@pytest.mark.parametrize("name", ["cifar100", "svhn"])
def test_the_larger_sets_are_read_from_their_official_files(name, monkeypatch):
    arrays, files = make_genuine_files(monkeypatch, name)
    again = decode(name, files)
    for key, array in arrays.items():
        np.testing.assert_array_equal(again[key], array)
        assert again[key].dtype == np.uint8
    for file, content in files.items():
        with pytest.raises(Unusable, match=file):
            decode(name, files | {file: content[:-1]})


def test_idx_files_have_the_published_header():
    header = encode("mnist", mnist_arrays())["train-images-idx3-ubyte"][:16]
    assert header == bytes.fromhex("00000803 00000006 0000001c 0000001c")


def test_cifar_batches_are_label_then_channels():
    arrays = cifar_arrays()
    batch = encode("cifar10", arrays)["test_batch.bin"]
    assert len(batch) == 2 * 3073
    assert batch[0] == arrays["y_test"][0]
    assert batch[1:1025] == arrays["x_test"][0, :, :, 0].tobytes()


def test_a_pickled_batch_is_read_without_running_it(monkeypatch):
    monkeypatch.setattr(formats, "CIFAR_BATCH_IMAGES", 2)
    arrays = cifar_arrays()
    content = pickled(arrays["x_test"], arrays["y_test"])
    assert formats.cifar_batch_from_pickle(content) == encode("cifar10", arrays)["test_batch.bin"]


def test_of_a_pickle_of_endless_opcodes_only_the_first_are_read():
    nones = b"\x80\x02(" + b"N" * formats.MOST_OPCODES
    with pytest.raises(ValueError, match="no batch"):  # what comes next is not even looked at
        formats.cifar_batch_from_pickle(nones + b"\xff")


def test_a_malicious_pickle_is_not_executed(tmp_path):
    class Bomb:
        def __reduce__(self):
            return open, (str(tmp_path / "bomb"), "w")

    content = pickle.dumps({"labels": [1], "data": Bomb()}, protocol=2)
    with pytest.raises(ValueError, match="no batch"):
        formats.cifar_batch_from_pickle(content)
    assert not (tmp_path / "bomb").exists()
