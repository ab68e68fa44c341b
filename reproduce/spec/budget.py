"""The budget of an experiment at one profile."""

from dataclasses import dataclass

PROFILES = ("smoke", "quick", "cpu", "paper")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one profile spends. This is the only place where an experiment is made smaller."""

    updates: int
    seeds: int
    # Expected milliseconds per update of one run, in a campaign on two cores: the cost in `list`.
    # A guess for `paper`: one H200 took 0.7 ms for 3 x 1024 and 2.3 ms for 2 x 8192 with dropout.
    update_ms: float
    # Number of seeds of the runs that choose each arm's settings on the validation split.
    choice_seeds: int = 1
    # Updates of those runs; None: the same number as in the final runs.
    choice_updates: int | None = None
    # The layers' widths, as a fraction of those declared.
    width: float = 1.0
    examples: int | None = None
    data: str | None = None
    # The x values and the arms that this profile runs; None: all.
    xs: tuple[float, ...] | None = None
    arms: tuple[str, ...] | None = None

    def describe(self) -> str:
        """The budget as text."""
        parts = [f"{self.updates:,} updates"]
        parts += [f"chosen after {self.choice_updates:,}"] if self.choice_updates else []
        parts += [f"width x {self.width:g}"] if self.width != 1 else []
        parts += [f"{self.examples:,} examples"] if self.examples else []
        return ", ".join(parts + ([self.data] if self.data else []))
