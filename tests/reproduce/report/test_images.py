"""The interval over seeds and images, beside simulations of other seeds and other images."""

from types import SimpleNamespace

import numpy as np
import pytest

from reproduce import Claim
from reproduce.judge import Interval, Judged, interval
from reproduce.record import pack_predictions, unpack_predictions
from reproduce.report.evidence import over_images

CLAIM = Claim(text="", better="B", worse="A", smallest=0.1)
JUDGED = Judged("open", Interval(6, 0, 0, 0, 0), 1, (6,))


def evidence(wrong):
    """Runs with the predictions that `wrong`, arm -> (seeds, images), says."""
    return SimpleNamespace(
        runs={
            f"{arm}{seed}": {
                "arm": arm,
                "x": None,
                "run": {"seed": seed},
                "predictions": pack_predictions(row.astype(np.uint8).tobytes()),
            }
            for arm, rows in wrong.items()
            for seed, row in enumerate(rows, start=1)
        }
    )


def drawn(rng, images):
    """Errors of 6 seeds: hard images are hard for both arms and all seeds; A errs more."""
    hard = rng.random(images) ** 8
    return {
        arm: rng.random((6, images)) < hard * (0.3 + more + 0.05 * rng.normal(size=(6, 1)))
        for arm, more in (("A", 0.06), ("B", 0.0))
    }


def test_it_covers_the_difference_of_the_population_and_images_make_it_wider():
    true = 100 * 0.06 / 9  # the mean of u to the eighth is a ninth
    covered = []
    for seed in range(200):
        wrong = drawn(np.random.default_rng(seed), 500)
        low, high = over_images(evidence(wrong), CLAIM, JUDGED)
        covered.append(low <= true <= high)
        middle = 100 * (wrong["A"].mean() - wrong["B"].mean())
        assert (low + high) / 2 == pytest.approx(middle)
    # 95 % is asked for; an interval that covers all would say too little.
    assert 0.93 < np.mean(covered) < 0.99


def test_more_images_make_it_narrower():
    width = {}
    for images in (200, 20_000):
        wrong = drawn(np.random.default_rng(0), images)
        low, high = over_images(evidence(wrong), CLAIM, JUDGED)
        width[images] = high - low
    assert width[20_000] < width[200]
    gains = 100 * (wrong["A"].mean(axis=1) - wrong["B"].mean(axis=1))
    assert width[20_000] >= 2 * interval(list(gains)).half  # the claim's own


def test_without_all_predictions_or_for_other_measures_there_is_none():
    found = evidence(drawn(np.random.default_rng(0), 100))
    nll = Claim(text="", better="B", worse="A", smallest=0.1, measure="nll")
    assert over_images(found, nll, JUDGED) is None
    assert over_images(found, CLAIM, Judged("open", JUDGED.found, 0, (6,))) is None
    del found.runs["A3"]["predictions"]
    assert over_images(found, CLAIM, JUDGED) is None


def test_ten_thousand_predictions_take_a_kilobyte():
    wrong_by = np.zeros(10_000, np.uint8)
    wrong_by[np.random.default_rng(0).choice(10_000, 150, replace=False)] = 5
    text = pack_predictions(wrong_by.tobytes())
    assert len(text) < 1_024
    assert unpack_predictions(text) == wrong_by.tobytes()
    with pytest.raises(ValueError):
        unpack_predictions(text[:-8])
