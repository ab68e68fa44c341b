import pytest
from scipy import stats

from reproduce.judge import student_quantile


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 5, 8, 11, 30, 99, 500])
@pytest.mark.parametrize("probability", [0.6, 0.9, 0.975, 0.99, 0.9999])
def test_quantiles_are_scipys(probability, freedom):
    expected = stats.t.ppf(probability, freedom)
    assert student_quantile(probability, freedom) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("probability", "freedom"), [(0.4, 3), (1.0, 3), (0.975, 0)])
def test_other_arguments_are_refused(probability, freedom):
    with pytest.raises(ValueError, match="Received"):
        student_quantile(probability, freedom)
