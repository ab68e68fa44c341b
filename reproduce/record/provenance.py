"""Where a row comes from: the command and the git commit that every record states."""

import subprocess
from pathlib import Path


def origin(command: str) -> dict[str, str]:
    """The part of a record that is the same for all runs of one command."""
    return {"command": command, "commit": commit()}


def commit() -> str:
    """The current commit, marked -dirty if the code differs from it."""

    def git(*arguments: str) -> str:
        root = Path(__file__).parents[2]
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        return done.stdout.strip()

    try:
        head = git("rev-parse", "HEAD")
        changed = git("status", "--porcelain", "--", "layers", "reproduce", "requirements.txt")
    except OSError:
        return "unknown"
    return (head + ("-dirty" if changed else "")) if head else "unknown"
