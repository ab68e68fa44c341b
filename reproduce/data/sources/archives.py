"""Shared by the network sources: the timeout, and how archives are read."""

import io
import itertools
import tarfile
from collections.abc import Callable
from pathlib import Path

from reproduce.data.formats import Files
from reproduce.data.reading import Unusable, read_file, refusing

# A server that does not answer, or sends nothing, for this long is abandoned.
SILENCE_SECONDS = 20
# Room in an archive for what is not data, such as a package's code and texts: bytes, and members,
# of which a crafted archive can have endlessly many.
OTHER_BYTES, MOST_MEMBERS = 1_000_000, 1_000


def tar_members(
    path: Path, prefix: str, most: dict[str, int], read: Callable[[bytes], bytes] = bytes
) -> Files:
    """From a `.tar.gz` archive, the regular files below `prefix` that `most` names, with the most
    bytes that each may have, converted by `read`. Links are not followed."""
    unzipped = read_file(path, sum(most.values()) + OTHER_BYTES, unzip=True)
    files = {}
    with refusing(path), tarfile.open(fileobj=io.BytesIO(unzipped), mode="r:") as archive:
        for member in itertools.islice(archive, MOST_MEMBERS):
            short = member.name.removeprefix(prefix)
            if not (member.isreg() and member.name.startswith(prefix) and short in most):
                continue
            # A sparse member can be larger than its archive.
            if member.size > most[short]:
                raise Unusable(f"{member.name} in {path} has {member.size:,} bytes, too many")
            files[short] = read(archive.extractfile(member).read())  # type: ignore[union-attr]
    return files
