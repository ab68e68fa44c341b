"""The installed packages beside the lock file."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from reproduce.verify.check import Check

LOCK = Path(__file__).parents[2] / "requirements.txt"


def check(lock: Path = LOCK) -> Check:
    """Whether each package that the lock file names is installed, in the version that it names."""
    found = Check()
    text = lock.read_text("utf-8").replace("\\\n", " ")
    lines = (line.partition("#")[0].partition(" --hash")[0].strip() for line in text.splitlines())
    wanted = [Requirement(line) for line in lines if line]
    here = [each for each in wanted if each.marker is None or each.marker.evaluate()]
    for each in here:
        try:
            installed = version(each.name)
        except PackageNotFoundError:
            found.faults.append(f"{each.name} of {lock.name} is not installed")
            continue
        if not each.specifier.contains(installed, prereleases=True):
            found.faults.append(
                f"{each.name} is installed as {installed}, but {lock.name} says {each.specifier}"
            )
    found.summary = f"environment: {len(here)} packages compared with {lock.name}"
    return found
