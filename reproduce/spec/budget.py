"""The budget of an experiment at one profile."""

from dataclasses import dataclass
from fractions import Fraction

PROFILES = ("smoke", "quick", "cpu", "tenth", "paper")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What one profile spends. This is the only place where an experiment is made smaller."""

    updates: int
    # The number of final seeds, or the numbers at which the claims are judged in turn: a cell gets
    # the seeds of the next look only while one of its claims is open.
    seeds: int | tuple[int, ...]
    # Expected milliseconds per update of one run, in a campaign on two cores: the cost in `list`
    # until runs have ended.
    update_ms: float
    # The same on one H100, of a run among others in one program, where that is meant. Measured:
    # 0.09 for 16 of 3 x 1024 with dropout and max-norm, 0.14 for 5, 0.31 for one alone; 2.3 for
    # 2 x 8192; 1.3 (TF32) for the CIFAR net. The others are guesses from these.
    gpu_update_ms: float | None = None
    # Number of seeds of the runs that choose each arm's settings on the validation split.
    choice_seeds: int = 1
    # Updates of those runs; None: the same number as in the final runs.
    choice_updates: int | None = None
    # Updates of each run that others start from.
    start_updates: int = 0
    # How many candidates a cell may get beyond those declared, of each of the brackets' settings.
    added: int = 0
    # The layers' widths, as a fraction of those declared.
    width: float = 1.0
    examples: int | None = None
    data: str | None = None
    # The x values and the arms that this profile runs; None: all.
    xs: tuple[float, ...] | None = None
    arms: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        looks = self.looks
        if not looks or looks[0] < 1 or list(looks) != sorted(set(looks)):
            raise ValueError(f"looks are positive and increasing. Received: seeds={self.seeds}")

    @property
    def looks(self) -> tuple[int, ...]:
        """The numbers of seeds at which claims are judged."""
        return (self.seeds,) if isinstance(self.seeds, int) else self.seeds

    @property
    def fraction_of_width(self) -> str:
        """The width as text, such as 1/3."""
        return str(Fraction(self.width).limit_denominator(64))

    def describe(self) -> str:
        """The budget as text."""
        parts = [f"{self.updates:,} updates"]
        parts += [f"chosen after {self.choice_updates:,}"] if self.choice_updates else []
        parts += [f"each RBM and DBM {self.start_updates:,} before"] if self.start_updates else []
        parts += [f"width x {self.fraction_of_width}"] if self.width != 1 else []
        parts += [f"{self.examples:,} examples"] if self.examples else []
        return ", ".join(parts + ([self.data] if self.data else []))
