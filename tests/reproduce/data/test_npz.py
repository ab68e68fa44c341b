"""Four arrays in a file are taken only as they are: no cast, no other shape, nothing unchecked."""

import zipfile

import numpy as np
import pytest
from test_formats import make_genuine, make_genuine_files

from reproduce.data import npz, obtain
from reproduce.data.formats import as_bytes
from reproduce.data.npz import read_npz, write_npz
from reproduce.data.reading import Unusable
from reproduce.data.sources import web

# 30 MB once unpacked, 30 kB in a file.
BOMB = bytes(30_000_000)


@pytest.mark.parametrize("name", ["mnist", "cifar10"])
def test_npz_of_keras_layout_is_read_and_a_damaged_one_refused_by_name(name, monkeypatch, tmp_path):
    arrays = make_genuine(monkeypatch, name)
    path = tmp_path / f"{name}.npz"
    labels = {
        k: v.reshape(-1, 1) if k[0] == "y" and name == "cifar10" else v for k, v in arrays.items()
    }
    np.savez(path, **labels)
    for key, array in read_npz(name, path).items():
        np.testing.assert_array_equal(array, arrays[key])
    whole = path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", b"<html>not found</html>"):
        path.write_bytes(damaged)
        with pytest.raises(Unusable, match=f"{name}.npz"):
            read_npz(name, path)
    np.savez(path, **(arrays | {"y_test": arrays["y_test"] + 1}))
    with pytest.raises(Unusable, match=f"{name}.npz"):
        read_npz(name, path)


@pytest.mark.parametrize(
    ("key", "change"),
    [
        ("x_test", lambda x: x + 256.0),  # each of these has the original's bytes after a cast
        ("x_test", lambda x: x.astype(np.float32)),
        ("x_test", lambda x: x.astype(np.int64)),
        ("x_test", lambda x: x.astype(np.uint16) + 256),
        ("x_test", lambda x: x.view(np.int8)),
        ("x_test", lambda x: x.reshape(3, 784)),
        ("x_test", lambda x: x.reshape(3, 28, 28, 1)),
        ("x_test", lambda x: x.reshape(1, 3 * 28, 28)),
        ("y_test", lambda y: y.astype(np.float64)),
        ("y_test", lambda y: y.astype(np.int16) + 256),
        ("y_test", lambda y: y.astype(np.int64) - 256),
        ("y_test", lambda y: y.astype("timedelta64[s]")),
        ("y_test", lambda y: y.reshape(1, 3)),
        ("y_test", lambda y: y.astype(object)),
    ],
)
def test_values_that_only_a_cast_makes_right_are_refused(mnist, tmp_path, key, change):
    path = tmp_path / "mnist.npz"
    np.savez(path, **mnist | {key: change(mnist[key])})
    with pytest.raises(Unusable, match=r"mnist\.npz") as error:
        read_npz("mnist", path)
    assert "\n" not in str(error.value)


def test_what_is_received_and_what_is_valid_are_both_named(mnist, tmp_path):
    path = tmp_path / "mnist.npz"
    np.savez(path, **mnist | {"x_test": mnist["x_test"] / 255})
    with pytest.raises(Unusable, match=r"x_test .*float64.*valid is uint8 of shape \(3, 28, 28\)"):
        read_npz("mnist", path)


@pytest.mark.parametrize("kind", [np.int64, np.uint16, ">i4"])
def test_labels_of_any_integer_type_are_taken_as_a_column_too(mnist, tmp_path, kind):
    path = tmp_path / "mnist.npz"
    np.savez_compressed(path, **mnist | {"y_train": mnist["y_train"].astype(kind).reshape(-1, 1)})
    read = read_npz("mnist", path)
    np.testing.assert_array_equal(read["y_train"], mnist["y_train"])
    assert read["y_train"].dtype == np.uint8


def test_bytes_are_never_made_by_a_cast_that_changes_a_value():
    for wrong in ([0.5], [256], [-1], [True], ["1"]):
        with pytest.raises(ValueError, match="integers from 0 to 255"):
            as_bytes(np.array(wrong))
    assert as_bytes(np.array([0, 255])).tolist() == [0, 255]


def _header(shape, length=None):
    """What precedes an array in a `.npy` file; `length` makes it version 2 with that length."""
    text = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    if length:
        return b"\x93NUMPY\x02\x00" + length.to_bytes(4, "little") + text
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


BOMBS = {
    "as it says": (_header((len(BOMB),)) + BOMB, zipfile.ZIP_DEFLATED),
    "without the values": (_header((5_000_000_000,)), zipfile.ZIP_DEFLATED),
    "a long header": (_header((3, 28, 28), len(BOMB)) + BOMB, zipfile.ZIP_DEFLATED),
    "behind the array": (_header((3, 28, 28)) + BOMB, zipfile.ZIP_DEFLATED),
    "bzip2": (_header((3, 28, 28)) + BOMB, zipfile.ZIP_BZIP2),
    "lzma": (_header((3, 28, 28)) + BOMB, zipfile.ZIP_LZMA),
}


@pytest.mark.parametrize("content, compression", BOMBS.values(), ids=BOMBS)
def test_a_member_that_unpacks_to_gigabytes_is_not_unpacked(
    mnist, tmp_path, little_memory, content, compression
):
    path = tmp_path / "mnist.npz"
    np.savez(path, **{key: array for key, array in mnist.items() if key != "x_test"})
    with zipfile.ZipFile(path, "a", compression) as archive:
        archive.writestr("x_test.npy", content)
    with little_memory(), pytest.raises(Unusable, match=r"mnist\.npz"):
        read_npz("mnist", path)


def test_a_file_far_larger_than_its_arrays_is_not_opened(mnist, tmp_path):
    path = tmp_path / "mnist.npz"
    with path.open("wb") as file:
        file.truncate(40_000_000_000)
    with pytest.raises(Unusable, match=r"mnist\.npz has 40,000,000,000 bytes, but at most"):
        read_npz("mnist", path)


@pytest.mark.parametrize("name", ["cifar100", "svhn"])
def test_a_cached_set_without_rebuildable_files_is_known_by_its_checksum(
    cache, monkeypatch, capsys, name
):
    arrays, _ = make_genuine_files(monkeypatch, name)
    fetched = []
    monkeypatch.setattr(web, "download", lambda *_: fetched.append(name) or arrays)

    def same():
        found = obtain(name, None)
        assert all((found[key] == arrays[key]).all() for key in arrays)
        return len(fetched)

    assert [same(), same()] == [1, 1]
    kept = cache / f"{name}.npz"
    other = arrays | {"x_test": arrays["x_test"] ^ 1}
    np.savez(kept, **other)
    assert [same(), same()] == [2, 2]
    assert f"{name}.npz is of an earlier version, without a checksum" in capsys.readouterr().err
    np.savez(kept, **other, sha256=npz._checksum(arrays))
    assert [same(), same()] == [3, 3]
    said = capsys.readouterr().err
    assert f"{name}.npz is damaged (its checksum differs); fetching {name} again" in said
    write_npz(name, kept, arrays | {"y_test": arrays["y_test"][:1]})
    assert [same(), same()] == [4, 4]
