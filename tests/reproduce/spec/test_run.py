from dataclasses import fields, replace

import pytest

from reproduce import ConvNet, Dbm, Mlp, Rbm, Run
from reproduce.spec import derived_seed


def test_a_key_changes_with_every_setting_that_is_stated(run):
    changes = {
        "data": "mnist",
        "net": Mlp((16, 13), "relu"),
        "batch_size": 21,
        "learning_rate": 0.06,
        "updates": 121,
        "seed": 2,
        "measures": ("nll",),
        "examples": 100,
        "hold_out": True,
        "test": True,
        "curve_points": 3,
        "keep_input": 0.8,
        "keep": 0.5,
        "input_rate_factor": 0.5,
        "noise": "gaussian",
        "shift_pixels": 1,
        "flip": True,
        "early_stopping": True,
        "average_fraction": 0.25,
        "probes": ("masks",),
        "momentum": 0.8,
        "momentum_start": 0.5,
        "momentum_ramp_fraction": 0.1,
        "warm_up_fraction": 0.1,
        "decay": "linear",
        "decay_fraction": 0.1,
        "max_norm": 2.0,
        "l2": 1e-3,
        "l1": 1e-3,
        "l1_start_fraction": 0.5,
        "sparsity_cost": 0.1,
        "sparsity_target": 0.1,
    }
    others = {"keep_conv", "conv_dropout", "start"}
    assert set(changes) | others == {field.name for field in fields(Run)}
    keys = {replace(run, **{name: value}).key for name, value in changes.items()} | {run.key}
    assert len(keys) == len(changes) + 1
    convolutional = replace(run, net=ConvNet((3, 4), (6,), "relu"))
    dropped = replace(convolutional, keep_conv=(0.75, 0.5))
    blocks = replace(dropped, conv_dropout="block")
    assert len({run.key, convolutional.key, dropped.key, blocks.key}) == 4
    with pytest.raises(ValueError, match="conv_dropout"):
        replace(run, conv_dropout="block")
    with pytest.raises(ValueError, match="conv_dropout"):
        replace(blocks, noise="gaussian")
    for net in (convolutional.net, Mlp((5,), "maxout", 2), Mlp((5,), "relu", batch_norm=True)):
        with pytest.raises(ValueError, match="'slice' is for the hidden layers of an Mlp"):
            replace(run, net=net, noise="slice")
    slices = [replace(run, noise="slice", keep=keep) for keep in (0.5, 0.4)]
    assert slices[0].architecture != slices[1].architecture
    with pytest.raises(ValueError, match="sparsity_cost"):
        replace(slices[0], sparsity_cost=0.1)


def test_a_start_is_part_of_the_key_and_gets_the_seed_and_the_split(run):
    rbm = replace(run, net=Rbm((16,)), measures=("squared_error",))
    upper = replace(rbm, net=Rbm((12,)), start=rbm)
    net = replace(run, net=Mlp((16, 12), "sigmoid"))
    started = replace(net, start=upper)
    longer = replace(started, start=replace(upper, start=replace(rbm, updates=121)))
    assert len({net.key, started.key, longer.key}) == 3
    assert started.architecture == net.architecture
    assert upper.architecture != replace(rbm, net=Rbm((12,))).architecture
    assert [machine.hidden for machine in started.chain] == [(16,), (12,)]
    deep = replace(upper, net=Dbm((16, 12)), start=upper)
    both = replace(net, start=deep)
    assert both.above == deep.net and started.above is None
    assert both.architecture != net.architecture
    moved = started.at(seed=7, hold_out=True)
    assert {each.seed for each in (moved, moved.start, moved.start.start)} == {7}
    assert moved.start.start.hold_out and not started.start.hold_out


@pytest.mark.parametrize(
    "wrong",
    [
        {"net": Mlp((12, 16), "sigmoid")},
        {"net": Mlp((16,), "relu")},
        {"net": Mlp((16, 12), "sigmoid")},
        {"start": {"keep": 0.5}},
        {"start": {"net": Mlp((16,), "sigmoid"), "measures": ("nll",)}},
        {"net": Dbm((16, 12))},
        {"net": Mlp((16,), "sigmoid", batch_norm=True)},
        {"start": {"net": Rbm((16,), visible_copies=2)}},
    ],
)
def test_a_start_that_does_not_fit_is_refused(run, wrong):
    rbm = replace(run, net=Rbm((16,)), measures=("squared_error",))
    start = replace(rbm, **wrong.get("start", {}))
    with pytest.raises(ValueError, match="starts from machines without dropout"):
        replace(run, net=wrong.get("net", Mlp((16,), "sigmoid")), start=start)


def test_a_start_is_a_run_on_the_same_images_with_the_same_seed(run):
    rbm = replace(run, net=Rbm((16,)), measures=("squared_error",))
    started = replace(run, net=Mlp((16,), "sigmoid"), start=rbm)
    for change in ({"hold_out": True}, {"data": "mnist"}, {"seed": 5}, {"examples": 9}):
        with pytest.raises(ValueError, match="the same"):
            replace(started, **change)
        assert started.at(**change).start != rbm
    with pytest.raises(ValueError, match=r"is a Run\. Received: 'rbm'"):
        replace(run, start="rbm")
    with pytest.raises(ValueError, match="starts from machines"):
        replace(started, noise="slice", keep=0.5)


def test_a_machine_is_trained_without_what_it_does_not_use(run):
    rbm = replace(run, net=Rbm((16,)), measures=("squared_error",))
    for change in ({"shift_pixels": 1}, {"max_norm": 2.0}, {"l1": 0.1}, {"sparsity_cost": 0.1}):
        with pytest.raises(ValueError, match="neither has"):
            replace(rbm, **change)
    for hidden, more in (((), {}), ((5,), {}), ((5, 4), {"chains": -1}), ((5, 4), {"steps": "x"})):
        with pytest.raises(ValueError, match="a DBM has"):
            Dbm(hidden, **more)


def test_a_key_is_a_digest_of_what_is_stated_only(run):
    # Committed rows carry such keys: this one changes only if all of them do.
    assert run.key == "a4bb344bab598b57"
    assert "momentum_start" not in run.settings()


def test_a_whole_number_has_the_key_of_the_float_that_it_stands_for(run):
    for whole, real in (
        ({"max_norm": 2}, {"max_norm": 2.0}),
        ({"keep": (1, 0.5)}, {"keep": (1.0, 0.5)}),
    ):
        one, other = replace(run, **whole), replace(run, **real)
        assert (one.key, one.settings()) == (other.key, other.settings())
    # Whole numbers stay what they are.
    assert isinstance(replace(run, examples=500).settings()["examples"], int)


def test_a_template_has_no_key(run):
    for missing in ({"updates": 0}, {"seed": -1}, {"measures": ()}):
        with pytest.raises(ValueError, match="needs"):
            _ = replace(run, **missing).key


@pytest.mark.parametrize(
    "wrong",
    [
        {"keep": 0.0},
        {"keep": (0.5,)},
        {"keep": (0.5, 0.0)},
        {"keep_input": 1.2},
        {"learning_rate": 0.0},
        {"decay": "cosine"},
        {"noise": "uniform"},
        {"shift_pixels": -1},
        {"decay": "halving"},
        {"max_norm": -1.0},
        {"input_rate_factor": 0.0},
        {"keep_conv": (0.5,)},
        {"batch_size": 0},
        {"momentum": 1.5},
        {"l2": -1.0},
        {"learning_rate": float("inf")},
        {"warm_up_fraction": 2.0},
        {"examples": 0},
    ],
)
def test_impossible_settings_are_refused(run, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        replace(run, **wrong)


def test_a_learning_rate_and_a_budget_have_no_default():
    required = {f.name for f in fields(Run) if f.default is f.default_factory}
    assert {"data", "net", "batch_size", "learning_rate"} <= required


def test_derived_seeds_differ_by_purpose():
    seeds = [derived_seed(1, "order"), derived_seed(1, "weights", 0), derived_seed(2, "order")]
    assert len(set(seeds)) == 3
    assert seeds[0] == derived_seed(1, "order")


def test_maxout_has_pieces_and_other_units_have_none():
    for activation, pieces in (("maxout", 1), ("relu", 5)):
        with pytest.raises(ValueError, match="2 pieces or more"):
            Mlp((4,), activation, pieces)


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("batch_size", "100", "a whole number"),
        ("batch_size", 100.0, "a whole number"),
        ("examples", "all", "a whole number"),
        ("learning_rate", "0.1", "a number"),
        ("momentum", None, "a number"),
        ("max_norm", True, "a number"),
        ("shift_pixels", 1.5, "a whole number"),
    ],
)
def test_a_number_of_another_type_is_refused_where_it_is_declared(run, name, value, what):
    with pytest.raises(ValueError, match=f"`{name}` is {what}. Received: {value!r}"):
        replace(run, **{name: value})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"average_fraction": 1.5}, r"in \[0, 1\]. Received: 1.5"),
        ({"average_fraction": 0.5, "early_stopping": True}, "without early stopping"),
        ({"average_fraction": 0.5, "net": Mlp((5,), "relu", batch_norm=True)}, "statistics"),
    ],
)
def test_averages_that_would_mean_nothing_are_refused(run, more, said):
    with pytest.raises(ValueError, match=said):
        replace(run, **more)
