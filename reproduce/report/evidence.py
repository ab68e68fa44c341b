"""What the rows of one experiment at one profile show: values, and verdicts on claims."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from reproduce import experiments, plan
from reproduce.judge import RENAMED, Judged, interval, spent, student_quantile
from reproduce.paper import PaperNumbers, paper_numbers
from reproduce.plan import Standing
from reproduce.record import COLUMNS, Row, unpack_predictions
from reproduce.spec import Arms, Cell, Claim, Experiment, Run, View, as_tuple

NOT_JUDGED = "not judged"
# At most as many nets are named in a sentence.
FEW = 6


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the files of one experiment contain at one profile.

    `final` and `choice` hold rows with the columns of the CSV, without those of runs that the
    experiment no longer declares; `runs` holds the provenance of the runs behind them.
    """

    name: str
    standing: Standing
    final: pd.DataFrame
    choice: pd.DataFrame
    runs: dict[str, dict]

    @property
    def profile(self) -> str:
        return self.standing.profile

    @property
    def experiment(self) -> Experiment:
        return self.standing.experiment

    @property
    def chosen(self) -> list[tuple[Cell, Run | None]]:
        """Each cell with the candidate that validation data chose; None while undecided."""
        return self.standing.chosen

    @property
    def verdicts(self) -> list[tuple[Claim, Judged | None]]:
        """Each claim with its verdict, the paper's claims first; None if it is not run here."""
        pairs = list(zip(self.experiment.claims, self.standing.verdicts, strict=True))
        return sorted(pairs, key=lambda pair: not pair[0].paper)

    @property
    def budget(self) -> str:
        return plan.describe_budget(self.experiment, self.experiment.budgets[self.profile])

    def budget_of(self, cell: Cell) -> str:
        """The budget as text, without machines for runs that begin with none."""
        budget = self.experiment.budgets[self.profile]
        if not any(run.start for run in cell.candidates):
            budget = replace(budget, start_updates=0)
        return plan.describe_budget(self.experiment, budget)

    def paper(self, view: View, split: str = "test") -> PaperNumbers:
        """The paper's numbers for a view; none where the profile runs on other data."""
        if self.experiment.budgets[self.profile].data:
            return {}
        return paper_numbers(view.paper, split)

    def qualified(self, verdict: str) -> str:
        """The verdict as reported: it mentions the budget, unless that is the paper's own."""
        data = self.experiment.budgets[self.profile].data
        if data:
            return f"{NOT_JUDGED} on {data}"
        return verdict if self.profile == "paper" else f"{verdict} at this budget"

    def values(self, arm: str, x: float | None, split: str, measure: str) -> pd.Series:
        """The last value of a measure for each seed; a value without x counts at every x."""
        rows = self._groups.get((arm, split, measure), self.final.iloc[:0])
        here = rows.x.isna() if x is None else rows.x.isna() | (rows.x == x)
        last = dict(zip(rows.seed[here], rows.value[here], strict=True))
        return pd.Series(last, dtype=float).sort_index()

    @cached_property
    def _groups(self) -> dict[tuple, pd.DataFrame]:
        """The final rows by arm, split and measure, in order of step; a report needs hundreds."""
        return dict(list(self.final.sort_values("step").groupby(["arm", "split", "measure"])))

    def diverged(self, arm: str, x: float | None) -> int:
        return len(self.values(arm, x, "train", "diverged"))

    @property
    def left_out(self) -> str:
        """How many runs are of other settings than those shown, and which nets were tested with
        such settings before: these were chosen after that. Empty if there are none."""
        standing = self.standing
        if not standing.superseded:
            return ""
        said = f"Left out, of settings no longer declared or chosen: {standing.superseded} run(s)."
        tested = {
            (entry["arm"], entry["x"])
            for key, entry in standing.final.runs().items()
            if key not in standing.current and entry["run"].get("test")
        }
        anew = [
            c.arm if c.x is None else f"{c.arm} at {c.x:g}"
            for c, _ in self.chosen
            if (c.arm, c.x) in tested
        ]
        if not anew:
            return said
        nets = ", ".join(anew) if len(anew) <= FEW else f"{len(anew)} of {len(self.chosen)}"
        return f"{said} Tested with other settings before these were chosen: {nets}."


def gather(name: str, profile: str, results_dir: Path) -> Evidence | None:
    """The evidence of an experiment at a profile; None if no run has ended."""
    if profile not in experiments.load(name).budgets:
        return None
    choice, final = plan.stages_of(name, profile, results_dir)
    runs = choice.results.runs() | final.results.runs()
    if not runs:
        return None
    standing = final.standing()
    declared = {planned.run.key for planned in standing.choice_runs}
    final_rows = _frame(standing.rows)
    choice_rows = _frame([row for row in choice.results.rows() if row.run in declared])
    current = declared | standing.current
    runs = {key: entry for key, entry in runs.items() if key in current}
    return Evidence(name, standing, final_rows, choice_rows, runs)


def _frame(rows: list[Row]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(COLUMNS)).replace({"measure": RENAMED})
    return frame.astype({"x": float, "value": float, "step": int, "seed": int})


def over_images(e: Evidence, claim: Claim, judged: Judged) -> tuple[float, float] | None:
    """The interval of a difference in test error, in points, over seeds and test images.

    The claim's own interval is about these 10,000 images; this one is about all images like them.
    Both arms are compared image by image. The variance is that of the seeds' means plus that of
    the images' means, less their interaction, which both contain; the degrees of freedom are
    Satterthwaite's (1946, Biometrics Bulletin 2, 110). It is never narrower than the claim's own.
    None if the claim is about something else than test errors, or if the predictions of some runs
    were not kept.
    """
    compares_errors = claim.measure == "error_percent" and claim.worse_measure is None
    is_on_test = claim.split == "test" and claim.worse_split is None
    if not (compares_errors and is_on_test and claim.than_x is None and judged.look):
        return None
    seeds = range(1, judged.looks[judged.look - 1] + 1)
    worse_x = claim.x if claim.worse_x is None else claim.worse_x
    better = _wrong(e, claim.better, claim.x, seeds)
    worse = _wrong(e, claim.worse, worse_x, seeds)
    if better is None or worse is None or len(seeds) < 2:
        return None
    gains = 100 * (worse - better)
    error = spent(judged.looks)[judged.look - 1]
    half = max(_half_width(gains, error), interval(list(gains.mean(axis=1)), error).half)
    return float(gains.mean()) - half, float(gains.mean()) + half


def _half_width(gains: np.ndarray, error: float) -> float:
    """Of the interval of the mean of (seeds, images), both of them drawn at random."""
    by_seed, by_image = gains.mean(axis=1), gains.mean(axis=0)
    seeds, images = (len(means) - 1 for means in (by_seed, by_image))
    left = gains - by_seed[:, None] - by_image + gains.mean()
    # The variance of the mean that each has, the interaction in both, and the interaction's.
    of_seeds, of_images = by_seed.var(ddof=1) / len(by_seed), by_image.var(ddof=1) / len(by_image)
    of_both = float((left**2).sum()) / (seeds * images * gains.size)
    variance = max(of_seeds + of_images - of_both, of_seeds, of_images)
    if not variance:
        return 0.0
    parts = ((of_seeds, seeds), (of_images, images), (of_both, seeds * images))
    freedom = variance**2 / sum(part**2 / count for part, count in parts)
    return student_quantile(1 - error / 2, max(int(freedom), 1)) * math.sqrt(variance)


def _wrong(e: Evidence, arms: Arms, x: float | None, seeds: range) -> np.ndarray | None:
    """Of shape (seeds, images): the share of the arms that is wrong about an image."""
    kept = {
        (entry["arm"], entry["x"], entry["run"]["seed"]): entry["predictions"]
        for entry in e.runs.values()
        if "predictions" in entry
    }
    each = [[_find(kept, arm, x, seed) for seed in seeds] for arm in as_tuple(arms)]
    if any(text is None for texts in each for text in texts):
        return None
    read = [[np.frombuffer(unpack_predictions(t or ""), np.uint8) > 0 for t in ts] for ts in each]
    return np.mean(read, axis=0)


def _find(kept: dict, arm: str, x: float | None, seed: int) -> str | None:
    return kept.get((arm, x, seed), kept.get((arm, None, seed)))
