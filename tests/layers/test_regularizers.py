import keras
import numpy as np
import pytest

from layers import KLSparsity


def by_hand(mean, target, family):
    if family == "bernoulli":
        return target * np.log(target / mean) + (1 - target) * np.log((1 - target) / (1 - mean))
    return target * np.log(target / mean) + mean - target


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_penalty_is_the_divergence_of_the_batch_means(family):
    x = np.random.default_rng(0).uniform(0.05, 0.6, (10, 4)).astype("float32")
    expected = 0.3 * by_hand(x.mean(0), 0.1, family).sum()
    # Keras divides what the regularizer returns by the batch size.
    layer = keras.layers.Activation("linear", activity_regularizer=KLSparsity(0.3, 0.1, family))
    layer(x)
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_penalty_is_zero_at_the_target_and_positive_elsewhere(family):
    penalty = KLSparsity(1.0, 0.2, family)
    assert float(penalty(np.full((3, 2), 0.2, "float32"))) == pytest.approx(0, abs=1e-6)
    assert float(penalty(np.full((3, 2), 0.1, "float32"))) > 0
    assert float(penalty(np.full((3, 2), 0.4, "float32"))) > 0


def test_penalty_is_finite_for_dead_and_large_units():
    assert np.isfinite(float(KLSparsity(1.0, 0.1, "poisson")(np.array([[0.0, 9.0]], "float32"))))
    assert np.isfinite(float(KLSparsity(1.0, 0.1, "bernoulli")(np.array([[0.0, 1.0]], "float32"))))


@pytest.mark.parametrize("family", ["bernoulli", "poisson"])
def test_pull_on_a_unit_that_is_all_but_dead_is_bounded(family):
    penalty = KLSparsity(1.0, 0.1, family)
    dead, dying = (float(penalty(np.array([[mean]], "float32"))) for mean in (0.0, 0.0005))
    # 100 at a hundredth of the target, no more below; less the pull towards silence, 1.
    assert (dead - dying) / 0.0005 == pytest.approx(100 - 1, rel=0.01)


@pytest.mark.parametrize(
    "arguments",
    [
        (-1, 0.1, "poisson"),
        (1, 0, "poisson"),
        (1, 1, "bernoulli"),
        (1, 0.1, "x"),
        ("1", 0.1, "poisson"),
        (1, None, "poisson"),
        (True, 0.1, "poisson"),
        (float("inf"), 0.1, "poisson"),
    ],
)
def test_values_outside_their_ranges_are_refused(arguments):
    with pytest.raises(ValueError, match="Received"):
        KLSparsity(*arguments)


def test_config_round_trip():
    regularizer = KLSparsity(0.01, 0.2, "poisson")
    again = keras.regularizers.deserialize(keras.regularizers.serialize(regularizer))
    assert again.get_config() == regularizer.get_config()
