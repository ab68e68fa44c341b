"""Differences as they would be on other test images too: intervals over seeds and images."""

import math

import numpy as np

from reproduce.judge import Judged, spent, student_quantile
from reproduce.record import unpack_predictions
from reproduce.report.evidence import Evidence
from reproduce.spec import Arms, Claim, as_tuple


def over_images(e: Evidence, claim: Claim, judged: Judged) -> tuple[float, float] | None:
    """The interval of a difference in test error, in points, over seeds and test images.

    The claim's own interval is about these 10,000 images; this one is about all images like them.
    Both arms are compared image by image. The variance is that of the seeds' means plus that of
    the images' means, which counts their interaction twice, so it is rather too wide (Owen 2007,
    Annals of Applied Statistics 1, 386). None if the claim is about something else than test
    errors, or if the predictions of some runs were not kept.
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
    variance = sum(gains.mean(axis=axis).var(ddof=1) / gains.shape[1 - axis] for axis in (0, 1))
    error = spent(judged.looks)[judged.look - 1]
    half = student_quantile(1 - error / 2, len(seeds) - 1) * math.sqrt(variance)
    return float(gains.mean()) - half, float(gains.mean()) + half


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
