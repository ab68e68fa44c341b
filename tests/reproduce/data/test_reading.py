"""Whatever stands where a file should be, one sentence says what it is: no hang, no traceback, no
full memory, and the network is not asked first."""

import gzip
import os
import socket

import numpy as np
import pytest
from test_formats import make_genuine, make_genuine_files

from reproduce import data
from reproduce.data import loading, reading
from reproduce.data.formats import encode
from reproduce.data.reading import Unusable, read_file
from reproduce.data.sources import web
from reproduce.errors import UserError

LABELS = "t10k-labels-idx1-ubyte"


def _bind(path):
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


STRANGE = {
    "a named pipe": os.mkfifo,
    "a socket": _bind,
    "a device": lambda path: path.symlink_to("/dev/zero"),
    "a folder": os.mkdir,
    "a link to nowhere, which does not exist": lambda path: path.symlink_to("nowhere"),
    "symbolic links": lambda path: path.symlink_to(path.name),
}


@pytest.fixture
def folder(tmp_path, mnist):
    """A user's folder with all files of MNIST but one."""
    folder = tmp_path / "data"
    folder.mkdir()
    for file, content in encode("mnist", mnist).items():
        if file != LABELS:
            (folder / file).write_bytes(content)
    return folder


@pytest.mark.parametrize("what", STRANGE)
@pytest.mark.parametrize("file", ["mnist.npz", LABELS, "t10k-labels.idx1-ubyte.gz"])
def test_what_is_no_file_is_named_at_once(at_once, folder, monkeypatch, what, file):
    monkeypatch.chdir(folder)  # a socket's path may not be long
    STRANGE[what](reading.Path(file))
    with pytest.raises(UserError, match=rf"{folder / file} .*{what}.*; replace or remove"):
        data.load("mnist", folder)


@pytest.mark.parametrize("what", STRANGE)
def test_so_it_is_in_the_cache(at_once, cache, mnist, monkeypatch, what):
    cache.mkdir(parents=True)
    monkeypatch.chdir(cache)
    STRANGE[what](reading.Path("mnist.npz"))
    with pytest.raises(UserError, match=rf"mnist\.npz .*{what}.*; mend or remove it"):
        data.load("mnist")


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_so_it_is_for_the_other_sets(at_once, tmp_path, name):
    file = {"cifar10": "test_batch", "cifar100": "cifar-100-binary.tar.gz"}.get(name)
    paths = [tmp_path / (file or "test_32x32.mat")]
    if name == "cifar10":
        paths += [tmp_path / f"data_batch_{n}" for n in range(1, 6)]
    if name == "svhn":
        paths += [tmp_path / f"{part}_32x32.mat" for part in ("train", "extra")]
    for path in paths:
        os.mkfifo(path)
    with pytest.raises(UserError, match="is a named pipe where a file should be"):
        data.load(name, tmp_path)


def test_a_file_that_may_not_be_read_is_named_at_once(at_once, cache, mnist, monkeypatch, tmp_path):
    np.savez(tmp_path / "mnist.npz", **mnist)
    cache.mkdir(parents=True)
    np.savez(cache / "mnist.npz", **mnist)
    monkeypatch.setattr(reading.os, "access", lambda *_: False)  # root may read all
    for folder in (tmp_path, None):
        with pytest.raises(UserError, match=r"mnist\.npz cannot be read \(you lack the permission"):
            data.load("mnist", folder)


def test_a_folder_that_may_not_be_read_is_named_at_once(at_once, mnist, monkeypatch, tmp_path):
    def denied(*_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(reading.Path, "iterdir", denied)
    with pytest.raises(UserError, match=rf"{tmp_path} cannot be read \(Permission denied\)"):
        data.load("mnist", tmp_path)


@pytest.mark.parametrize(
    ("name", "found", "meant"),
    [
        ("mnist", "MNIST.npz", "mnist.npz"),
        ("mnist", "Train-Images-idx3-ubyte.GZ", "train-images.idx3-ubyte.gz"),
        ("mnist", "train_images_idx3_ubyte", "train-images.idx3-ubyte"),
        ("cifar10", "cifar-10.npz", "cifar10.npz"),
        ("cifar10", "CIFAR-10-batches-bin/x", "cifar-10-batches-bin"),
        ("cifar10", "cifar-10-batches-py/Data_Batch_1", "data_batch_1"),
        ("cifar100", "CIFAR-100-binary.tar.gz", "cifar-100-binary.tar.gz"),
        ("svhn", "train-32x32.mat", "train_32x32.mat"),
    ],
)
def test_a_name_that_is_nearly_right_is_named_at_once(at_once, tmp_path, name, found, meant):
    path = tmp_path / found
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    with pytest.raises(UserError, match=rf"{tmp_path}/.* must be called {meant} to be read"):
        data.load(name, tmp_path)


def test_of_a_set_in_part_what_is_no_file_is_named_first(at_once, mnist, tmp_path):
    (tmp_path / f"{LABELS}.gz").symlink_to("nowhere")
    with pytest.raises(UserError, match=rf"{LABELS}\.gz is a link to nowhere"):
        data.load("mnist", tmp_path)


def test_a_batches_folder_that_is_none_is_named_at_once(at_once, tmp_path):
    (tmp_path / "cifar-10-batches-py").symlink_to("nowhere")
    with pytest.raises(UserError, match="cifar-10-batches-py is not a folder"):
        data.load("cifar10", tmp_path)


def test_other_names_are_none_of_ours(cache, mnist, monkeypatch, tmp_path, capsys):
    for file in ("mnist.csv", "cifar10.npz", "Train_32x32.mat"):
        (tmp_path / file).write_text("x")
    (tmp_path / "mnist_npz").mkdir()
    monkeypatch.setattr(web, "download", lambda *_: mnist)
    assert data.load("mnist", tmp_path).training == 6
    assert "holds no mnist file; trying the cache and the network" in capsys.readouterr().err


def test_a_folder_of_a_files_name_does_not_hide_the_file(at_once, folder, mnist):
    (folder / LABELS).mkdir()  # so Kaggle's archive of MNIST unpacks
    (folder / f"{LABELS}.gz").write_bytes(gzip.compress(encode("mnist", mnist)[LABELS]))
    assert data.load("mnist", folder).training == 6


def test_no_more_of_a_zipped_file_is_unpacked_than_the_original_has(
    at_once, folder, mnist, little_memory
):
    content, path = encode("mnist", mnist)[LABELS], folder / f"{LABELS}.gz"
    bomb = gzip.compress(bytes(30_000_000), 1)
    small = gzip.compress(bytes(100))
    for wrong in (bomb, gzip.compress(content) + small, gzip.compress(content) + b"garbage", b""):
        path.write_bytes(wrong)
        with little_memory(), pytest.raises(UserError, match=LABELS):
            data.load("mnist", folder)
    path.write_bytes(gzip.compress(content[:5]) + gzip.compress(content[5:]))  # which is valid gzip
    assert data.load("mnist", folder).training == 6


@pytest.mark.parametrize("file", [LABELS, f"{LABELS}.gz"])
def test_of_a_file_of_gigabytes_nothing_is_read(at_once, folder, file):
    with (folder / file).open("wb") as stream:
        stream.truncate(40_000_000_000)
    with pytest.raises(UserError, match=rf"{file} has 40,000,000,000 bytes, but at most"):
        data.load("mnist", folder)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "svhn"])
def test_so_it_is_with_the_other_sets(at_once, monkeypatch, tmp_path, name):
    if name == "cifar10":
        files = encode(name, make_genuine(monkeypatch, name))
    else:
        _, files = make_genuine_files(monkeypatch, name)
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    with (tmp_path / min(files)).open("r+b") as stream:
        stream.truncate(40_000_000_000)
    with pytest.raises(UserError, match=f"{min(files)} has 40,000,000,000 bytes"):
        data.load(name, tmp_path)


def test_a_file_that_changes_while_it_is_read_is_not_taken(at_once, folder, mnist, monkeypatch):
    path = folder / LABELS
    whole = encode("mnist", mnist)[LABELS]
    check = reading.check_file
    for meanwhile in (whole[:-1], b"", whole + b"more", bytes(30_000)):

        def changes(file, most, meanwhile=meanwhile):
            check(file, most)
            if file == path:
                path.write_bytes(meanwhile)

        path.write_bytes(whole)
        monkeypatch.setattr(reading, "check_file", changes)
        with pytest.raises(UserError, match=LABELS):
            data.load("mnist", folder)


def test_an_error_of_the_disk_is_one_sentence(tmp_path, monkeypatch):
    def fails(*_):
        raise OSError(5, "Input/output error")

    (tmp_path / "file").write_bytes(b"x")
    monkeypatch.setattr(reading.Path, "open", fails)
    with pytest.raises(Unusable, match=r"file is damaged.*Input/output error"):
        read_file(tmp_path / "file", 1)


def test_a_cache_that_is_a_file_or_read_only_is_named(cache, mnist, monkeypatch):
    monkeypatch.setattr(web, "download", lambda *_: mnist)
    cache.parent.mkdir()
    for make in (cache.write_text, lambda _: cache.symlink_to("nowhere")):
        make("x")
        with pytest.raises(UserError, match=rf"{cache} cannot be written"):
            data.load("mnist")
        cache.unlink()

    def read_only(*_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(data.sources.fetch, "OwnFolder", read_only)
    with pytest.raises(UserError, match=rf"{cache} cannot be written \(Read-only file system\)"):
        data.load("mnist")


@pytest.mark.parametrize("suffix", [".npy", loading.CHECKSUM])
def test_prepared_images_are_made_again_where_their_file_is_none(
    at_once, cache, monkeypatch, tmp_path, suffix
):
    np.savez(tmp_path / "cifar10.npz", **make_genuine(monkeypatch, "cifar10"))
    monkeypatch.setitem(loading.VALIDATION_EXAMPLES, "cifar10", 2)
    monkeypatch.setitem(loading.PREPARED, "cifar10_zca", ("cifar10", lambda images, _: images / 2))
    wanted = data.load("cifar10_zca", tmp_path).images
    (kept,) = cache.glob(f"*{suffix}")
    # An array that no memory holds, in 100 bytes.
    huge = b"{'descr': '<f4', 'fortran_order': False, 'shape': (10000000000000,), }\n"
    huge = b"\x93NUMPY\x01\x00" + len(huge).to_bytes(2, "little") + huge
    for make in (os.mkfifo, lambda path: path.symlink_to("/dev/zero"), os.mkdir):
        kept.unlink()
        make(kept)
        np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, wanted)
        if make is os.mkdir:
            kept.rmdir()
    kept.write_bytes(huge)
    np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, wanted)
