"""The processes of a search that one command runs side by side."""

from pathlib import Path


def process_of(role, parent):
    """The process identifier of that part of a search, `chief` or `tuner0` and so on, which the
    process `parent` has started; None while there is none."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes().split(b"\0")
            status = (folder / "status").read_text()
        except OSError:
            continue
        if f"KERASTUNER_TUNER_ID={role}".encode() in environment and f"PPid:\t{parent}\n" in status:
            return int(folder.name)
    return None
