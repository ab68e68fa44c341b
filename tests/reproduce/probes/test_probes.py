"""What trained networks show."""

import base64
import io
import re
from dataclasses import replace
from itertools import product
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from layers import Dropout
from reproduce import Autoencoder, ConvNet, LinearRegression, Mlp, Rbm, experiments
from reproduce.probes import PROBES, Picture, Trained, closed_form, mosaic, run_probes, uncertainty
from reproduce.probes.closed_form import normal_equations, solution
from reproduce.probes.features import CHAINS, DRAWN_STEPS, roughness, sampled
from reproduce.probes.masks import KEPT_GREY
from reproduce.probes.monte_carlo import KS
from reproduce.probes.redundancy import effective_rank_percent
from reproduce.spec import experiment as spec
from reproduce.training import Machine, Training
from reproduce.training.measures import MEASURES


def trained(run, digits):
    training = Training(replace(run, test=True), digits)
    for _ in training:
        pass
    return training


def rows_of(training, *names):
    training.run = replace(training.run, probes=names)
    rows, pictures = run_probes(training)
    assert all(np.isfinite(row.value) for row in rows)
    assert {row.measure for row in rows} == {of for name in names for of in spec.PROBES[name]}
    return {(row.split, row.measure, row.x): row.value for row in rows}, pictures


def decoded(picture):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(picture))))


@pytest.fixture(scope="module")
def dropped(run, digits):
    net = Mlp((64, 48), "relu")
    settings = {"learning_rate": 0.1, "updates": 1_000, "keep_input": 0.8, "keep": 0.5}
    return trained(replace(run, net=net, **settings), digits)


def test_what_is_declared_of_probes_and_measures_is_what_there_is():
    assert PROBES.keys() == spec.PROBES.keys()
    assert tuple(MEASURES) == spec.MEASURES


def test_each_sample_has_masks_of_its_own_and_all_come_from_the_seed(dropped):
    images = Trained(dropped).images
    first = list(Trained(dropped).samples(images, 3))
    again = list(Trained(dropped).samples(images, 3))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[0], first[1])
    np.testing.assert_allclose(np.sum(first, axis=2), 1, atol=1e-5)
    twice = next(Trained(dropped).samples(np.repeat(images[:1], 40, axis=0), 1))
    assert len(np.unique(twice[:, 0])) > 20


def test_averaging_more_networks_lowers_the_spread_and_the_likelihood_loss(dropped):
    rows, _ = rows_of(dropped, "monte_carlo")
    assert {x for _, _, x in rows} == set(KS)
    losses = [rows["test", "monte_carlo_nll", k] for k in (1, 9, 119)]
    assert losses == sorted(losses, reverse=True)
    spread = [rows["test", "monte_carlo_nll_sd", k] for k in (1, 9, 119)]
    assert spread == sorted(spread, reverse=True)


def test_predictive_entropy_is_larger_where_the_network_errs(dropped):
    rows, _ = rows_of(dropped, "uncertainty")
    wrong, right = (
        rows["test", f"monte_carlo_predictive_entropy_when_{w}", None] for w in ("wrong", "right")
    )
    assert wrong > right
    assert rows["test", "monte_carlo_selective_risk_percent", 1.0] == pytest.approx(
        rows["test", "monte_carlo_error_percent", None]
    )
    unturned = rows["rotated", "predictive_entropy", 0]
    assert unturned == pytest.approx(rows["test", "predictive_entropy", None], rel=0.05)


def test_photographs_are_the_middles_of_the_other_set_in_grey(dropped, monkeypatch):
    colours = np.zeros((3, 32, 32, 3), np.uint8)
    colours[:, 12, 12] = (0, 153, 255)
    monkeypatch.setattr(uncertainty, "obtain", lambda name, folder: {"x_test": colours})
    of = SimpleNamespace(shape=(28, 28), name="mnist")
    beside = Trained(SimpleNamespace(dataset=of))
    found = uncertainty._photographs(beside)
    assert found.shape == (3, 28, 28)
    assert found[0, 10, 10] == pytest.approx(136 / 255)
    assert np.count_nonzero(found) == 3


def test_nothing_removed_is_the_network_itself(dropped):
    rows, _ = rows_of(dropped, "redundancy")
    assert rows["test", "lesion_error_percent", 0.0] == dropped.last("test", "error_percent")
    assert rows["test", "lesion_error_percent", 0.9] > rows["test", "lesion_error_percent", 0.1]


def test_effective_rank_counts_directions_of_equal_variance():
    generator = np.random.default_rng(1)
    independent = generator.normal(size=(20_000, 10))
    assert effective_rank_percent(independent) == pytest.approx(100, abs=0.5)
    assert effective_rank_percent(np.repeat(independent[:, :2], 5, axis=1)) == pytest.approx(
        20, abs=0.1
    )


def test_noise_is_rough_and_a_slope_is_not():
    noise = np.random.default_rng(1).normal(size=(100, 100))
    assert roughness(noise) == pytest.approx(1, abs=0.03)
    assert roughness(np.add.outer(np.arange(100.0), np.arange(100.0))) < 0.01


def test_ten_passes_see_ten_masks_of_one_digit(dropped):
    rows, pictures = rows_of(dropped, "masks")
    assert set(pictures) == {f"{kind}_{i}" for kind in ("mask", "masked") for i in range(3)}
    assert len({value for (_, name, _), value in rows.items() if name.startswith("pass")}) > 5
    for i in range(3):
        mask, masked = (decoded(pictures[f"{kind}_{i}"]) for kind in ("mask", "masked"))
        assert mask.shape == masked.shape
        # What is not kept is not there; of what is kept, some is dark all the same.
        kept = mask == round(255 * KEPT_GREY)
        assert not masked[mask == 0].any()
        assert masked[kept].any()
    assert decoded(pictures["mask_0"]).shape == (2 * 9 - 1, 5 * 9 - 1)


def test_pictures_are_of_the_first_seed_only(run, digits):
    settings = {"net": Autoencoder((9,), "relu"), "measures": ("squared_error",)}
    for seed in (1, 2):
        training = trained(replace(run, seed=seed, learning_rate=0.01, **settings), digits)
        rows, pictures = rows_of(training, "features")
        assert ("test", "feature_roughness", None) in rows
        assert ("features" in pictures) == (seed == 1)


def test_activations_fill_their_histogram(run, digits):
    settings = {"net": Autoencoder((9,), "relu"), "measures": ("squared_error",)}
    training = trained(replace(run, learning_rate=0.01, **settings), digits)
    rows, _ = rows_of(training, "activations")
    kernel, bias = (variable.numpy() for variable in training.model().trainable_variables[:2])
    images = digits.images[training.splits["test"]].reshape(-1, len(kernel))
    values = np.maximum(images @ kernel + bias, 0)
    assert rows["test", "activation_mean", None] == pytest.approx(values.mean(), rel=1e-4)
    for name, each in (("activation", values), ("unit_mean", values.mean(axis=0))):
        shares = [v for (_, m, _), v in rows.items() if m == f"{name}_share_percent"]
        by_hand = 100 * np.histogram(each, bins=80, range=(0, 8))[0] / each.size
        assert shares == pytest.approx(by_hand, abs=0.1)


def test_the_closed_form_is_the_minimum_of_the_expected_loss():
    generator = np.random.default_rng(1)
    inputs, keep = generator.normal(size=(50, 3)), 0.6
    wanted = inputs @ [[1.0], [2.0], [3.0]] + 0.5 + generator.normal(size=(50, 1))

    def expected_loss(weights, bias):
        # Over all masks of three inputs, by their probabilities.
        total = 0.0
        for mask in np.ndindex(2, 2, 2):
            probability = keep ** sum(mask) * (1 - keep) ** (3 - sum(mask))
            error = wanted - (inputs * np.array(mask) / keep) @ weights - bias
            total += probability * np.sum(error**2)
        return total

    penalty = (1 - keep) / keep
    weights, bias = solution(*normal_equations(inputs, wanted), penalty)
    least = expected_loss(weights, bias)
    assert closed_form.expected_loss(inputs, wanted, weights, bias, penalty) == pytest.approx(least)
    for i in range(3):
        for step in (-1e-3, 1e-3):
            moved = weights.copy()
            moved[i] += step
            assert expected_loss(moved, bias) > least
    assert expected_loss(weights, bias + 1e-3) > least < expected_loss(weights, bias - 1e-3)


def test_dropout_linear_regression_finds_its_closed_form(run, digits):
    settings = {"net": LinearRegression(), "keep_input": 0.7, "measures": ("error_percent",)}
    training = trained(
        replace(run, learning_rate=0.03, updates=3_000, decay="linear", **settings), digits
    )
    rows, _ = rows_of(training, "closed_form")
    near = rows["test", "distance_to_closed_form_percent", None]
    far = rows["test", "distance_to_least_squares_percent", None]
    assert near < 0.5 * far
    loss = rows["train", "expected_loss_percent", None]
    least = rows["train", "closed_form_expected_loss_percent", None]
    assert least <= loss < least + 1


def test_a_mosaic_has_a_line_between_tiles():
    sheet = mosaic(np.zeros((3, 2, 4)), columns=2)
    assert sheet.shape == (5, 9)
    assert (sheet[:, 4] == 1).all() and (sheet[2] == 1).all() and sheet[0, 0] == 0
    assert Picture("x", sheet).text()


def test_probing_needs_no_dropout_layer(run, digits):
    training = trained(run, digits)
    assert not any(isinstance(layer, Dropout) for layer in training.model().layers)
    rows, _ = rows_of(training, "uncertainty")
    assert rows["test", "mutual_information", None] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("conv_dropout", ["unit", "spatial", "connection"])
def test_a_feature_map_is_drawn_whole_and_as_dropout_leaves_it(run, digits, conv_dropout):
    net = ConvNet((8,), (5,), "relu")
    # So little that most passes drop no whole map.
    run = replace(run, net=net, keep_conv=(0.95,), conv_dropout=conv_dropout, updates=30)
    _, pictures = rows_of(trained(run, digits), "map_masks", "inputs", "features")
    levels = decoded(pictures["map_masks"])
    # Eight maps of 4 x 4 (pooled from 8 x 8), whole and dropped, parted by white lines.
    assert levels.shape == (2 * 4 + 1, 8 * 4 + 7)
    whole, left = levels[:4], levels[5:]
    lines = np.arange(levels.shape[1]) % 5 == 4
    assert (levels[:, lines] == 255).all()
    whole, left = whole[:, ~lines], left[:, ~lines]
    assert whole.max() > 0
    lost = (left == 0) & (whole > 0)
    if conv_dropout == "connection":
        np.testing.assert_array_equal(whole, left)
    else:
        assert lost.any()
    if conv_dropout == "spatial":
        for i in range(8):
            tile = slice(4 * i, 4 * i + 4)
            shown = whole[:, tile] > 0
            assert lost[:, tile][shown].mean() in (0, 1) or not shown.any()
    assert decoded(pictures["inputs"]).shape == (2 * 8 + 1, 8 * 8 + 7)
    assert decoded(pictures["features"]).shape == (3 * 6 - 1, 3 * 6 - 1)


def test_the_hidden_units_of_an_rbm_are_counted_on_test_images(run, digits):
    settings = {"net": Rbm((16,)), "measures": ("squared_error",), "learning_rate": 0.1}
    training = trained(replace(run, updates=200, **settings), digits)
    rows, pictures = rows_of(training, "probabilities", "features")
    values = Trained(training).activations(Trained(training).images)[0]
    assert rows["test", "above_first_bin_percent", None] == pytest.approx(
        100 * np.mean(values >= 0.01), abs=1e-4
    )
    shares = [value for (_, measure, x), value in rows.items() if "share" in measure and x]
    assert len(shares) == 100 and sum(shares) == pytest.approx(100)
    dead = np.ptp(values, axis=0) < 0.05
    assert rows["test", "dead_units_percent", None] == pytest.approx(100 * dead.mean())
    # The largest first: its tile varies most.
    tile = decoded(pictures["features"])[:8, :8].astype(float)
    last = decoded(pictures["features"])[-8:, -8:].astype(float)
    assert tile.std() > last.std()


def test_chains_begin_at_images_and_end_where_the_last_rbm_leads():
    """Here it leads, whatever it sees, to its third visible unit alone: the fourth pixel."""
    below = Machine(20 * np.eye(4, 3, k=-1), np.zeros(3), np.full(4, -10.0))
    last = Machine(np.zeros((3, 5)), np.zeros(5), np.array([-20.0, -20.0, 20.0]))
    seen = np.tile(np.eye(3), (CHAINS // 3, 1))
    rows = sampled([below, last], seen, np.random.default_rng(1))
    assert rows.shape == (len(DRAWN_STEPS), CHAINS, 4)
    np.testing.assert_allclose(rows[0, :3], np.eye(3, 4, k=1), atol=1e-4)
    np.testing.assert_allclose(rows[1:], np.broadcast_to([0, 0, 0, 1], rows[1:].shape), atol=1e-4)


def test_samples_show_pixels_as_often_as_the_machine_does():
    """By sums over all states; with probabilities in place of samples they would not."""
    rng = np.random.default_rng(25)
    wide = [scale * rng.normal(size=size) for scale, size in ((4, (3, 2)), (2, 2), (2, 3))]
    machine = Machine(*wide)
    states = np.array(list(product((0.0, 1.0), repeat=3)))
    inner = np.logaddexp(0, states @ machine.kernel + machine.hidden_bias).sum(axis=1)
    weights = np.exp(states @ machine.visible_bias + inner)
    rows = sampled([machine], np.zeros((4_000, 3)), np.random.default_rng(1))
    np.testing.assert_allclose(rows[-1].mean(axis=0), weights @ states / weights.sum(), atol=0.02)


def test_the_steps_that_are_drawn_are_those_under_the_picture():
    label = experiments.load("table2_pretrained").panels[-1].x_label
    assert tuple(int(number) for number in re.findall(r"\d+", label)) == DRAWN_STEPS[1:]
