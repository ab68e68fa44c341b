"""The networks as Keras builds them: the paper's sizes, and what drops what."""

from dataclasses import replace

import keras
import numpy as np
import pytest

from layers import DropBlock2D, DropConnect, Dropout, MaxPieces, SpatialDropout2D
from reproduce import ConvNet
from reproduce.training.nets import build

PAPERS = ConvNet((96, 128, 256), (2048, 2048), "relu")
SMALL = ConvNet((4, 6), (8,), "relu")
SHAPE = (16, 16, 3)


def test_the_papers_network_for_colour_images_has_its_shapes_and_parameters(run):
    """Appendix B.2 and B.3; padding is our choice, so that three poolings leave 4 x 4."""
    run = replace(run, net=PAPERS, keep_input=0.9, keep_conv=(0.75, 0.75, 0.5), keep=0.5)
    model = build(replace(run, max_norm=4.0), (32, 32, 3), 10).model
    pooled = [layer.output.shape[1:] for layer in model.layers if layer.name.startswith("pool_")]
    assert pooled == [(16, 16, 96), (8, 8, 128), (4, 4, 256)]
    counts = {layer.name: layer.count_params() for layer in model.layers if layer.weights}
    weights = {name: n for name, n in counts.items() if not name.startswith("dropout")}
    assert weights == {
        "conv_1": (25 * 3 + 1) * 96,
        "conv_2": (25 * 96 + 1) * 128,
        "conv_3": (25 * 128 + 1) * 256,
        "dense_4": (4 * 4 * 256 + 1) * 2048,
        "dense_5": 2049 * 2048,
        "dense_6": 2049 * 10,
    }
    assert sum(weights.values()) == 13_741_578
    rates = [layer.rate for layer in model.layers if isinstance(layer, Dropout)]
    assert rates == pytest.approx([0.1, 0.25, 0.25, 0.5, 0.5, 0.5], abs=1e-4)
    kernels = [v for v in model.trainable_variables if len(v.shape) > 1]
    assert all(kernel.constraint is not None for kernel in kernels)


def test_a_width_scales_every_layer(run):
    model = build(replace(run, net=PAPERS.scaled(1 / 3)), (32, 32, 3), 10).model
    units = [v.shape[-1] for v in model.trainable_variables if len(v.shape) > 1]
    assert units == [32, 43, 85, 683, 683, 10]


@pytest.mark.parametrize(
    ("kind", "layer"),
    [("unit", Dropout), ("spatial", SpatialDropout2D), ("block", DropBlock2D)],
)
def test_maps_lose_what_the_run_names(run, kind, layer):
    run = replace(
        run, net=SMALL, keep_input=0.9, keep_conv=(0.75, 0.5), keep=0.5, conv_dropout=kind
    )
    model = build(run, SHAPE, 10).model
    dropped = {each.name: type(each) for each in model.layers if isinstance(each, Dropout)}
    assert dropped == {
        "dropout_0": Dropout,
        "dropout_1": layer,
        "dropout_2": layer,
        "dropout_3": Dropout,
    }
    images = np.random.default_rng(0).random((200, *SHAPE)).astype("float32")
    inputs, outputs = model.get_layer("dropout_1").input, model.get_layer("dropout_1").output
    before, after = keras.Model(model.input, [inputs, outputs])(images, training=True)
    before, after = np.asarray(before), np.asarray(after)
    kept = after[before > 0] > 0
    # Five standard errors, as if every map (the largest unit dropped together) were one draw.
    assert abs(kept.mean() - 0.75) < 5 * np.sqrt(0.75 * 0.25 / (200 * 4))
    maps = [np.moveaxis(values, -1, 1).reshape(800, -1) for values in (before, after)]
    shares = [(a[b > 0] > 0).mean() for b, a in zip(*maps, strict=True) if (b > 0).any()]
    assert (set(shares) <= {0.0, 1.0}) == (kind == "spatial")


def test_connections_are_dropped_of_the_layer_that_maps_feed(run):
    run = replace(
        run, net=SMALL, keep_input=0.9, keep_conv=(0.75, 0.5), keep=0.5, conv_dropout="connection"
    )
    model = build(run, SHAPE, 10).model
    wrapped = {each.name: each for each in model.layers if isinstance(each, DropConnect)}
    assert {name: (each.layer.name, each.rate) for name, each in wrapped.items()} == {
        "connections_2": ("conv_2", 0.25),
        "connections_3": ("dense_3", 0.5),
    }
    dropped = [each.name for each in model.layers if isinstance(each, Dropout)]
    assert dropped == ["dropout_0", "dropout_3"]


def test_convolutional_maxout_is_linear_and_then_the_largest_of_its_pieces(run):
    run = replace(run, net=replace(SMALL, activation="maxout", pieces=2))
    model = build(run, SHAPE, 10).model
    assert [type(model.get_layer(f"hidden_{depth}")) for depth in (1, 2)] == [MaxPieces] * 2
    assert model.get_layer("conv_1").filters == 8
    assert model.get_layer("hidden_1").output.shape[-1] == 4
    assert model.get_layer("conv_1").activation is keras.activations.linear


def test_the_input_layers_learning_rate_is_a_fraction(run):
    run = replace(run, net=SMALL, input_rate_factor=0.1)
    factors = build(run, SHAPE, 10).learning_rate_factors
    assert factors == [0.1, 0.1] + [1.0] * 6
