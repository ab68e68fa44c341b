"""Files that are replaced at once."""

import errno
import resource

import pytest

from reproduce.files import replace_file


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "README.md"
    replace_file(path, b"earlier")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, before[1]))
    try:
        with pytest.raises(OSError, match=str(path)) as raised:
            replace_file(path, b"x" * 5_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert raised.value.errno == errno.EFBIG
    assert path.read_bytes() == b"earlier"
    replace_file(path, b"later")
    assert path.read_bytes() == b"later" and [*tmp_path.iterdir()] == [path]
