"""Event files hold every tag, with the right values at the first and the last step."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from reproduce import Autoencoder, ConvNet, Mlp
from reproduce.events import EventLog, event_log, inspection
from reproduce.events.columns import columns
from reproduce.plan import Planned
from reproduce.training import Training

UPDATES = 60
SETTINGS = {"keep_input": 0.8, "keep": 0.5, "max_norm": 0.4, "momentum": 0.9, "decay": "linear"}


def logged(run, digits, folder):
    """The training, and its event file read back."""
    training = Training(run, digits)
    log = EventLog(folder, training, Planned("Dropout", None, "", run), "python -m reproduce run")
    log.update()
    for _ in training:
        log.update()
    log.close()
    return training, EventAccumulator(str(folder), {"tensors": 0}).Reload()


def values(events, tag):
    return {each.step: tf.make_ndarray(each.tensor_proto) for each in events.Tensors(tag)}


@pytest.fixture
def run_logged(run, digits, tmp_path):
    run = replace(run, net=Mlp((16, 12), "relu"), updates=UPDATES, hold_out=True, curve_points=3)
    return logged(replace(run, **SETTINGS), digits, tmp_path / "toy" / "run")


def test_every_tag_is_there_at_the_first_and_the_last_step(run_logged):
    _, events = run_logged
    layers, hidden = ("dense_1", "dense_2", "dense_3"), ("hidden_1", "hidden_2")
    both_ends = {"schedule/learning_rate", "schedule/momentum"}
    both_ends |= {f"pictures_{name}" for name in ("features", "masks", "misclassified")}
    both_ends |= {
        f"weights/{kind}_{layer}"
        for kind in ("norm", "values", "at_bound_percent")
        for layer in layers
    }
    both_ends |= {
        f"units/{kind}_{layer}" for kind in ("activations", "active_percent") for layer in hidden
    }
    for tag in both_ends:
        assert {0, UPDATES} <= set(values(events, tag)), tag
    for measure in ("error_percent", "loss"):
        for split in ("train", "validation"):
            assert {0, 20, 40, UPDATES} == set(values(events, f"{measure}/{split}"))
    # Of updates, so none before the first.
    assert UPDATES in values(events, "loss/batches")


def test_a_run_without_a_curve_shows_its_errors_at_both_ends(run, digits, tmp_path):
    run = replace(run, updates=UPDATES, hold_out=True)
    training, events = logged(run, digits, tmp_path / "toy" / "run")
    for tag in ("error_percent/train", "error_percent/validation", "loss/validation"):
        assert set(values(events, tag)) == {0, UPDATES}, tag
    untrained = {(m.split, m.measure): m for m in Training(run, digits).measured("validation")}
    stated = values(events, "loss/validation")
    assert stated[0] == pytest.approx(untrained["validation", "nll"].value)
    assert stated[UPDATES] == pytest.approx(training.last("validation", "nll"))
    assert all(m.step == UPDATES for m in training.history)


def test_a_final_run_is_compared_by_its_test_error(run, digits, tmp_path):
    training, events = logged(replace(run, updates=5, test=True), digits, tmp_path / "toy" / "run")
    stated = values(events, "error_percent/test")
    assert stated == {5: pytest.approx(training.last("test", "error_percent"))}


def test_the_first_values_are_those_of_the_untrained_network(run_logged, digits):
    training, events = run_logged
    untrained = Training(training.run, digits)
    assert values(events, "schedule/momentum")[0] == pytest.approx(0.9)
    for layer, kernel, bound in inspection.weights(untrained):
        assert values(events, f"weights/norm_{layer}")[0] == pytest.approx(np.linalg.norm(kernel))
        share = inspection.at_bound_percent(kernel, bound)
        assert values(events, f"weights/at_bound_percent_{layer}")[0] == pytest.approx(share)
        assert values(events, f"weights/values_{layer}")[0][0, 0] == pytest.approx(kernel.min())
    for layer, activations in inspection.activations(untrained).items():
        share = 100 * np.mean(activations > 0)
        assert values(events, f"units/active_percent_{layer}")[0] == pytest.approx(share, abs=0.05)
        highest = values(events, f"units/activations_{layer}")[0][-1, 1]
        assert highest == pytest.approx(activations.max(), rel=1e-5)
    for name, levels in inspection.pictures(untrained):
        # Width and height as text, then PNGs.
        drawn = tf.image.decode_png(values(events, f"pictures_{name}")[0][2]).numpy()
        np.testing.assert_allclose(drawn / 255, levels, atol=1 / 255)


def test_the_values_are_those_of_the_network(run_logged, digits):
    training, events = run_logged
    assert values(events, "schedule/learning_rate")[0] == pytest.approx(training.course.rates[0, 0])
    assert values(events, "schedule/learning_rate")[UPDATES] == pytest.approx(
        training.course.rates[-1, 0]
    )
    assert values(events, "schedule/momentum")[UPDATES] == pytest.approx(0.9)
    kernels = {v.path: v for v in training.network.trainable_variables if len(v.shape) == 2}
    for path, variable in kernels.items():
        kernel, layer = variable.numpy(), path.split("/")[-2]
        last = values(events, f"weights/norm_{layer}")[UPDATES]
        assert last == pytest.approx(np.linalg.norm(kernel), rel=1e-5)
        bound = float(variable.constraint.bound)
        at_bound = 100 * np.mean(np.linalg.norm(kernel, axis=0) > 0.999 * bound)
        assert values(events, f"weights/at_bound_percent_{layer}")[UPDATES] == pytest.approx(
            at_bound
        )
        buckets = values(events, f"weights/values_{layer}")[UPDATES]
        assert buckets[:, 2].sum() == kernel.size
        assert buckets[0, 0] == pytest.approx(kernel.min())
    first = training.network.get_layer("dense_1")
    images = digits.images[training.splits["validation"][: inspection.EXAMPLES]].reshape(-1, 64)
    active = np.maximum(images @ first.kernel.numpy() + first.bias.numpy(), 0) > 0
    stated = values(events, "units/active_percent_hidden_1")[UPDATES]
    assert stated == pytest.approx(100 * active.mean(), abs=0.05)
    error = training.last("validation", "error_percent")
    assert values(events, "error_percent/validation")[UPDATES] == pytest.approx(error)
    course = [
        m.value for m in training.history if (m.split, m.measure) == ("validation", "error_percent")
    ]
    assert values(events, "error_percent/validation_best")[UPDATES] == pytest.approx(min(course))


def test_the_masks_are_those_that_come_next_and_looking_changes_nothing(run, digits):
    run = replace(run, net=Mlp((16, 12), "relu"), keep=0.5, updates=UPDATES)
    looked, alone = Training(run, digits), None
    list(inspection.pictures(looked))
    for _ in looked:
        list(inspection.pictures(looked))
    weights = [v.numpy() for v in looked.network.trainable_variables]
    alone = Training(run, digits)
    for _ in alone:
        pass
    for mine, other in zip(weights, alone.network.trainable_variables, strict=True):
        np.testing.assert_array_equal(mine, other.numpy())
    masks = dict(inspection.pictures(alone))["masks"]
    assert masks.shape == (8, 12, 1)
    assert 0.2 < masks.mean() < 0.8


def test_the_misclassified_are_images_that_the_network_gets_wrong(run_logged, digits):
    training, _ = run_logged
    ids = training.splits["validation"][: inspection.EXAMPLES]
    wrong = training.logits(ids).argmax(axis=1) != digits.labels[ids]
    sheet = dict(inspection.pictures(training))["misclassified"]
    assert sheet.shape == (4 * 9 - 1, 4 * 9 - 1, 1)
    first = sheet[:8, :8, 0]
    assert any(np.array_equal(first, image) for image in digits.images[ids[wrong]])


def test_a_run_states_its_settings_and_leaves_the_list_of_columns_to_tensorboard(run_logged):
    _, events = run_logged
    content = events.summary_metadata["_hparams_/session_start_info"].plugin_data.content
    data = plugin_data_pb2.HParamsPluginData.FromString(content)
    stated = {name: value for name, value in data.session_start_info.hparams.items()}
    assert stated["keep"].number_value == stated["rate"].number_value == 0.5
    assert stated["learning_rate"].number_value == 0.05
    assert stated["bound"].string_value == "0.4"
    assert stated["run_experiment"].string_value == "toy"
    # TensorBoard would take this one run's list for that of all runs.
    assert "_hparams_/experiment" not in events.summary_metadata
    text = values(events, "command")[0]
    assert b"python -m reproduce run" in np.ravel(text)[0]


def test_error_and_loss_come_first_in_the_alphabet_of_tags(run_logged):
    _, events = run_logged
    texts = {"command", "run"}  # on a page of their own
    shown = {tag.split("/")[0] for tag in events.Tags()["tensors"]} - texts - {"_hparams_"}
    pictures = [f"pictures_{name}" for name in ("features", "masks", "misclassified")]
    assert sorted(shown) == ["error_percent", "loss", *pictures, "schedule", "units", "weights"]


def test_the_columns_of_dropout_come_first_in_the_alphabet_and_each_has_one_type(run):
    runs = [
        run,
        replace(run, keep=0.5, max_norm=2.0, momentum=0.0, examples=100),
        replace(run, keep=(0.5, 0.8), keep_input=0.8, l2=0.1),
        replace(run, net=ConvNet((4,), (6,), "relu"), keep_conv=(0.9,)),
    ]
    stated = [columns(Planned("Dropout", None, "", each), "toy") for each in runs]
    names = sorted(set().union(*stated))
    others = [name for name in names if name > "rate"]
    first = ["bound", "keep", "keep_conv", "keep_each_layer", "keep_input", "learning_rate", "rate"]
    assert names == [*first, *others] and len(others) > 10
    for name in names:
        kinds = {isinstance(each[name], str) for each in stated if name in each}
        assert len(kinds) == 1, name
    assert [each["bound"] for each in stated] == ["none", "2", "none", "none"]
    assert stated[1]["keep"] + stated[1]["rate"] == 1


@pytest.mark.parametrize(
    "net", [ConvNet((4,), (6,), "relu"), Autoencoder((9,), "relu")], ids=["conv", "autoencoder"]
)
def test_other_networks_are_logged_too(run, digits, tmp_path, net):
    measures = ("squared_error",) if isinstance(net, Autoencoder) else run.measures
    run = replace(run, net=net, keep=0.5, measures=measures, updates=5, hold_out=True)
    _, events = logged(run, digits, tmp_path / "toy" / "run")
    tags = set(events.Tags()["tensors"])
    group = "loss" if measures[0] == "squared_error" else measures[0]
    pictures = {"pictures_features", "pictures_masks"}
    assert pictures | {f"{group}/validation_best", "loss/validation"} <= tags


def test_logging_keeps_its_pace(monkeypatch):
    clock = [0.0]
    monkeypatch.setattr(event_log.time, "monotonic", lambda: clock[0])
    pace = event_log._Pace(points=100, updates=1_000, runs=1)
    logged_at = []
    for step in range(0, 1_001, 5):
        clock[0] += 0.005  # of training
        if pace.is_due(step):
            began = clock[0]
            clock[0] += 0.001
            pace.logged(step, began)
            logged_at.append(step)
    assert logged_at[0] == 0
    assert logged_at[-1] == 1_000
    # 1 ms of logging for every 50 ms, so not each of 100 points.
    assert np.diff(logged_at)[:-1].min() >= 50


def test_a_training_that_diverges_is_logged_up_to_then(run, digits, tmp_path):
    run = replace(run, learning_rate=1e30, updates=20, hold_out=True, max_norm=1e30)
    training, events = logged(run, digits, tmp_path / "toy" / "run")
    assert training.diverged
    assert set(values(events, "weights/norm_dense_1")) == {0}
