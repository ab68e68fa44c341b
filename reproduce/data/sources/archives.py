"""Shared by the network sources: the timeout, and how archives are read."""

import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from reproduce.data.formats import Files, Unusable, one_line

# A server that does not answer, or sends nothing, for this long is abandoned.
SILENCE_SECONDS = 20


def tar_members(path: Path, prefix: str, read: Callable[[bytes], bytes] = bytes) -> Files:
    """The archive's regular files below `prefix` that belong to the data, converted by `read`."""
    wanted = (".bin", "_batch", "-ubyte", ".png", ".json")
    files = {}
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member)
                short = member.name.removeprefix(prefix)
                data = content and member.name.startswith(prefix) and "/" not in short
                if content and data and (short.endswith(wanted) or short.startswith("data_batch")):
                    files[short] = read(content.read())
    except (OSError, EOFError, ValueError, tarfile.TarError, zlib.error) as error:
        raise Unusable(f"{path.name} is truncated or corrupt ({one_line(error)})") from None
    return files
