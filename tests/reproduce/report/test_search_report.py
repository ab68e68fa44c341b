import numpy as np
import pandas as pd
import pytest

from reproduce.report.search_report import explained_percent


def test_a_setting_that_decides_all_explains_all_and_one_that_decides_nothing_nothing():
    rng = np.random.default_rng(1)
    values = pd.Series(np.arange(20) % 6)
    assert explained_percent(values, 2.0 * values) == pytest.approx(100)
    by_chance = [explained_percent(values, pd.Series(rng.normal(size=20))) for _ in range(400)]
    # The unadjusted share would be 5 / 19, 26 %.
    assert abs(np.mean(by_chance)) < 4 * np.std(by_chance) / 20


def test_as_many_values_as_trials_say_nothing():
    assert explained_percent(pd.Series([1, 2, 3]), pd.Series([1.0, 2.0, 3.0])) is None
