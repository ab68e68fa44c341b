"""Uses that others would rather not test: quantized layers, threads, other programs before."""

import copy
import os
import subprocess
import sys
import threading
from pathlib import Path

import keras
import numpy as np
import pytest
from backend import BACKEND, array, ones

from layers import (
    RBM,
    CompactedStochasticDepth,
    ConcreteDropout,
    DropConnect,
    Dropout,
    Maxout,
    SliceDropout,
    StochasticDepth,
    VariationalRNN,
    monte_carlo_predict,
)

ROOT = Path(__file__).parents[2]


def quantized():
    dense = keras.layers.Dense(8)
    model = keras.Sequential([keras.Input((4,)), dense])
    model.quantize("int8")
    return dense


@pytest.mark.parametrize(
    "wrap",
    [
        lambda layer: DropConnect(layer, 0.5),
        lambda layer: ConcreteDropout(layer),
        lambda layer: SliceDropout([layer, keras.layers.Dense(2)], 0.5),
    ],
)
def test_a_layer_that_is_already_quantized_is_refused(wrap):
    with pytest.raises(ValueError, match="quantized to int8"):
        wrap(quantized())


def test_the_penalty_of_a_concrete_layer_survives_quantization():
    model = keras.Sequential(
        [keras.Input((4,)), ConcreteDropout(keras.layers.Dense(3), weight_regularizer=1e-2)]
    )
    model(ones((2, 4)))
    before = float(array(model.losses[0]))
    model.quantize("int8")
    model(ones((2, 4)))
    assert float(array(model.losses[0])) == pytest.approx(before)


def test_a_layer_with_a_call_of_its_own_is_not_wrapped():
    class Tenfold(keras.layers.Dense):
        def call(self, inputs):
            return 10 * super().call(inputs)

    with pytest.raises(ValueError, match="`call` of its own"):
        DropConnect(Tenfold(3), 0.5)


def test_a_learned_rate_is_read_and_set_between_the_updates_of_fit():
    concrete = ConcreteDropout(keras.layers.Dense(2), seed=1)
    model = keras.Sequential([keras.Input((4,)), concrete])
    model.compile("sgd", "mse")
    read = []

    class Setter(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            read.append(concrete.rate)
            concrete.rate = 0.4

    model.fit(ones((6, 4)), ones((6, 2)), batch_size=2, verbose=0, callbacks=[Setter()])
    assert read[0] == pytest.approx(0.1, abs=0.01)
    assert read[1:] == pytest.approx([0.4, 0.4], abs=0.01)
    assert concrete.rate == pytest.approx(0.4, abs=0.01)


def test_threads_that_sample_one_model_get_what_each_would_alone():
    model = keras.Sequential([keras.Input((4,)), Dropout(0.5, seed=1), keras.layers.Dense(2)])
    x = np.random.default_rng(0).normal(size=(5, 4)).astype("float32")

    def sampled():
        return monte_carlo_predict(model, x, samples=8, seed=3, outputs="logits").mean

    alone, found = sampled(), []
    threads = [threading.Thread(target=lambda: found.append(sampled())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    for each in found:
        np.testing.assert_array_equal(each, alone)


def test_masks_of_named_layers_do_not_depend_on_what_ran_before():
    def mask(name, program):
        keras.utils.set_random_seed(program)
        return array(Dropout(0.5, seed=1, name=name)(ones((4, 9)), training=True))

    first = mask("b", 42)
    mask("a", 7)
    np.testing.assert_array_equal(mask("b", 7), first)


def test_layers_that_the_user_numbers_are_different_ones():
    def mask(name):
        keras.utils.set_random_seed(7)
        return array(Dropout(0.5, seed=3, name=name)(ones((1, 64)), training=True))

    assert (mask("drop_0") != mask("drop_1")).any()
    # Numbers that Keras makes up tell no program from its repetition.
    np.testing.assert_array_equal(mask("dropout_3"), mask("dropout_4"))


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: SliceDropout([keras.layers.Dense(2), keras.layers.Dense(2)], 0.5), "rate"),
        (lambda: CompactedStochasticDepth(keras.layers.Dense(2), 0.5), "rate"),
        (lambda: RBM(2, 0.5), "rate"),
        (lambda: Dropout(0.5), "calls_per_mask"),
        (lambda: DropConnect(keras.layers.Dense(2), 0.5), "calls_per_mask"),
        (
            lambda: VariationalRNN(keras.layers.GRUCell(2), rate=0.5, recurrent_rate=0.5),
            "calls_per_mask",
        ),
    ],
)
def test_what_is_fixed_when_a_layer_is_made_says_so(make, name):
    layer = make()
    before = getattr(layer, name)
    with pytest.raises(AttributeError, match=f"`{name}` of a {type(layer).__name__} is fixed"):
        setattr(layer, name, 2)
    assert getattr(layer, name) == getattr(copy.deepcopy(layer), name) == before


def test_errors_name_the_rate_that_is_wrong():
    cell = keras.layers.GRUCell(2)
    with pytest.raises(ValueError, match=r"Received: recurrent_rate=1\.5"):
        VariationalRNN(cell, rate=0.1, recurrent_rate=1.5)
    with pytest.raises(ValueError, match="Received: recurrent_weight_rate='x'"):
        VariationalRNN(cell, rate=0.1, recurrent_rate=0.1, recurrent_weight_rate="x")
    with pytest.raises(ValueError, match=r"Received: last=1\.5"):
        StochasticDepth.linear_rates(4, last=1.5)
    with pytest.raises(ValueError, match="number of input features is known"):
        ConcreteDropout(keras.layers.Dense(2)).build((None, None))
    with pytest.raises(ValueError, match="Received: use_bias='no'"):
        Maxout(2, pieces=2, use_bias="no")
    with pytest.raises(ValueError, match="Received: fixed_masks='no'"):
        monte_carlo_predict(keras.Sequential(), ones((1, 2)), samples=2, seed=1, fixed_masks="no")


def test_a_rate_that_passes_through_zero_counts_the_same_calls_eagerly_and_compiled():
    counts = []
    for eagerly in (True, False):
        layer = Dropout(0.5, seed=1, name="d")
        model = keras.Sequential([keras.Input((4,)), layer, keras.layers.Dense(2)])
        model.compile("sgd", "mse", run_eagerly=eagerly)
        found = []
        for rate in (0.5, 0.0, 0.0, 0.5):
            layer.rate = rate
            model.train_on_batch(ones((2, 4)), ones((2, 2)))
            found.append(int(array(layer.stream.state)[2]))
        counts.append(found)
    assert counts == [[1, 1, 1, 2]] * 2


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has unknown sizes in graphs")
@pytest.mark.parametrize("rate", [0.9, 0.5, 0.3])
def test_an_unknown_batch_keeps_as_many_examples_as_a_known_one(rate):
    import tensorflow as tf

    def ones_of(x):  # counts the examples that go through
        return keras.ops.ones_like(x)

    for batch in (1, 2, 5, 15, 16):
        layer = CompactedStochasticDepth(keras.layers.Lambda(ones_of), rate, seed=1)
        layer.build((None, 3))
        graph = tf.function(
            lambda x, layer=layer: layer(x, training=True),
            input_signature=[tf.TensorSpec((None, 3))],
        )
        zeros = np.zeros((batch, 3), "float32")
        eager, compiled = array(layer(zeros, training=True)), array(graph(zeros))
        assert (eager > 0).sum() == (compiled > 0).sum() > 0


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has tensors of unknown rank")
@pytest.mark.parametrize(
    "layer", [Dropout(0.5, noise_shape=(None, 1), seed=1), StochasticDepth(0.5, seed=1)]
)
def test_masks_that_are_shared_along_an_axis_of_unknown_rank(layer):
    import tensorflow as tf

    graph = tf.function(lambda x: layer(x, training=True), input_signature=[tf.TensorSpec(None)])
    out = array(graph(ones((40, 3))))
    assert set(np.unique(out)) == {0, 2}
    assert (out == out[:, :1]).all()


@pytest.mark.skipif(BACKEND != "tensorflow", reason="ragged tensors are TensorFlow's")
@pytest.mark.parametrize(
    "layer",
    [
        DropConnect(keras.layers.Dense(2), 0.5),
        SliceDropout([keras.layers.Dense(4), keras.layers.Dense(2)], 0.5),
        ConcreteDropout(keras.layers.Dense(2)),
        CompactedStochasticDepth(keras.layers.Dense(2), 0.5),
        Maxout(2, pieces=2),
    ],
)
def test_ragged_inputs_get_one_sentence_from_every_layer(layer):
    import tensorflow as tf

    with pytest.raises(ValueError, match="dense inputs"):
        layer.call(tf.ragged.constant([[1.0], [1.0, 2.0]]))


def test_another_module_named_layers_is_told_from_ours(tmp_path):
    (tmp_path / "layers.py").write_text("")
    places = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", "import dropout_layers"],
        env={**os.environ, "PYTHONPATH": places},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "another module of that name hides" in done.stderr.splitlines()[-1]
