"""What a profile spends on an experiment."""

from dataclasses import dataclass

PROFILES = ("smoke", "quick", "cpu", "paper")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one profile spends: the only place where an experiment is made smaller."""

    updates: int
    seeds: int
    # Expected milliseconds an update of one run, as in a campaign on two cores: the cost in `list`.
    # For `paper` a guess: one H200 took 0.7 ms for 3 x 1024 and 2.3 ms for 2 x 8192 with dropout.
    update_ms: float
    # Seeds of the runs that choose each arm's settings on the validation part.
    choice_seeds: int = 1
    # Updates of those runs; None: as many as the final ones make.
    choice_updates: int | None = None
    # Fraction of the layers' widths.
    width: float = 1.0
    examples: int | None = None
    data: str | None = None
    # The x values, and the arms, run at this profile; None: all.
    xs: tuple[float, ...] | None = None
    arms: tuple[str, ...] | None = None

    def describe(self) -> str:
        """What is spent, in words."""
        parts = [f"{self.updates:,} updates"]
        parts += [f"chosen after {self.choice_updates:,}"] if self.choice_updates else []
        parts += [f"width x {self.width:g}"] if self.width != 1 else []
        parts += [f"{self.examples:,} examples"] if self.examples else []
        return ", ".join(parts + ([self.data] if self.data else []))
