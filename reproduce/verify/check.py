"""What one check found."""

from dataclasses import dataclass, field


@dataclass
class Check:
    """`faults`: a sentence each; `summary`: what was looked at."""

    summary: str = ""
    faults: list[str] = field(default_factory=list)
