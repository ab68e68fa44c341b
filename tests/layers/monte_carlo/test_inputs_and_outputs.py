"""What people give `monte_carlo_predict`, and models with more than one output."""

import threading

import keras
import numpy as np
import pytest
from backend import BACKEND, array, ones, some

import layers
from layers import Dropout, monte_carlo_predict

X = np.random.default_rng(0).normal(size=(9, 6)).astype("float32")
SETTINGS = {"samples": 5, "seed": 1}


def classifier(*middle, shape=(6,)):
    return keras.Sequential([keras.Input(shape), *middle, keras.layers.Dense(3, "softmax")])


class Batches(keras.utils.PyDataset):
    def __init__(self, *arrays):
        super().__init__()
        self.arrays = arrays

    def __len__(self):
        return 3

    def __getitem__(self, place):
        found = tuple(array[4 * place : 4 * place + 4] for array in self.arrays)
        return found if len(found) > 1 else found[0]


def generator():
    for start in (0, 4, 8):
        yield X[start : start + 4], np.zeros(len(X[start : start + 4]))


def test_datasets_and_generators_are_read():
    model = classifier(Dropout(0.5, seed=1))
    expected = monte_carlo_predict(model, X, **SETTINGS)
    given = [Batches(X), Batches(X, X[:, 0]), generator()]
    if BACKEND == "tensorflow":
        import tensorflow as tf

        data = tf.data.Dataset.from_tensor_slices((X, X[:, 0]))
        given += [data.batch(4), data.map(lambda x, y: x).batch(2)]
        with pytest.raises(ValueError, match="finite dataset"):
            monte_carlo_predict(model, data.batch(4).repeat(), **SETTINGS)
    if BACKEND == "torch":
        import torch

        given.append(torch.utils.data.DataLoader(torch.from_numpy(X), batch_size=4))
    for x in given:
        found = monte_carlo_predict(model, x, **SETTINGS)
        np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)
    for wrong in (3, iter(())):
        with pytest.raises(ValueError, match="Received"):
            monte_carlo_predict(model, wrong, **SETTINGS)


def two_outputs(structure):
    x = keras.Input((6,))
    hidden = Dropout(0.5, seed=1)(keras.layers.Dense(8)(x))
    classes = keras.layers.Dense(3, "softmax", name="classes")(hidden)
    value = keras.layers.Dense(1, name="value")(hidden)
    return keras.Model(x, structure(classes, value))


@pytest.mark.parametrize("written_as_a_class", some([True, False], 1))
@pytest.mark.parametrize(
    "structure",
    some([lambda a, b: {"classes": a, "value": b}, lambda a, b: [a, b], lambda a, b: (a, b)], 2),
)
def test_several_outputs_have_a_prediction_each(structure, written_as_a_class):
    model = two_outputs(structure)
    if written_as_a_class:

        class Own(keras.Model):
            def call(self, x, training=None):
                return model(x)

        own = Own()
        own.inner = model
        own(X)
        given = own
    else:
        given = model
    kinds = structure("probabilities", "values")
    found = monte_carlo_predict(given, X, **SETTINGS, outputs=kinds)
    assert type(found) is type(kinds)
    one, other = found.values() if isinstance(found, dict) else found
    assert one.mean.shape == (9, 3)
    assert (one.mutual_information > 0).all()
    assert other.mean.shape == (9, 1)
    assert other.mutual_information is None
    for part, place in ((one, 0), (other, 1)):
        alone = keras.Model(model.inputs, model.outputs[place])
        kind = ("probabilities", "values")[place]
        single = monte_carlo_predict(alone, X, **SETTINGS, outputs=kind)
        np.testing.assert_allclose(part.mean, single.mean, atol=1e-6)
    assert len(monte_carlo_predict(given, X, **SETTINGS, outputs="values")) == 2
    with pytest.raises(ValueError, match="one for each of the model's 2 outputs"):
        monte_carlo_predict(given, X, **SETTINGS, outputs=["values"] * 3)


def test_another_threads_plain_calls_are_not_sampled_meanwhile():
    connect = layers.DropConnect(keras.layers.Dense(8), 0.5, per_example=True)
    model = classifier(Dropout(0.5), connect)
    plain = array(model(X))
    wrong, calls, done = [], [], threading.Event()

    def predict():
        while not done.is_set():
            calls.append(1)
            try:
                np.testing.assert_allclose(array(model(X, training=False)), plain, atol=1e-5)
            except Exception as error:
                wrong.append(error)

    thread = threading.Thread(target=predict)
    thread.start()
    try:
        for fixed in (False, True):
            found = monte_carlo_predict(model, X, samples=30, seed=1, fixed_masks=fixed)
            assert (found.variance > 0).all()
    finally:
        done.set()
        thread.join()
    assert calls
    assert not wrong


@pytest.mark.parametrize("fixed_masks", [False, True])
@pytest.mark.parametrize(
    "layer",
    [
        lambda: layers.AlphaDropout(0.5, seed=1),
        lambda: layers.StochasticDepth(0.5, seed=1),
        lambda: layers.ConcreteDropout(keras.layers.Dense(5), 0.5, seed=1),
        lambda: layers.SliceDropout([keras.layers.Dense(8), keras.layers.Dense(5)], 0.5, seed=1),
        lambda: Dropout(0.5, seed=1, calls_per_mask=1000),
    ],
)
def test_every_kind_is_sampled_and_left_as_it_was(layer, fixed_masks):
    model = classifier(keras.layers.Dense(4), layer())
    before = array(model(X))
    found = monte_carlo_predict(model, X, samples=12, seed=1, fixed_masks=fixed_masks, batch_size=4)
    assert (found.variance > 0).all()
    np.testing.assert_array_equal(array(model(X)), before)
    if fixed_masks:  # equal inputs have equal predictions
        same = monte_carlo_predict(model, ones((5, 6)), samples=3, seed=1, fixed_masks=True)
        np.testing.assert_allclose(same.mean, same.mean[:1].repeat(5, axis=0), atol=1e-6)


@pytest.mark.parametrize("fixed_masks", [False, True])
def test_dropped_recurrent_weights_are_sampled(fixed_masks):
    cell = keras.layers.GRUCell(5)
    layer = layers.VariationalRNN(cell, rate=0.0, recurrent_rate=0.0, recurrent_weight_rate=0.5)
    model = classifier(layer, shape=(4, 2))
    x = np.random.default_rng(0).normal(size=(6, 4, 2)).astype("float32")
    found = monte_carlo_predict(model, x, samples=8, seed=1, fixed_masks=fixed_masks)
    assert (found.variance > 0).all()


def test_a_block_that_skips_examples_is_refused():
    block = layers.CompactedStochasticDepth(keras.layers.Dense(6), 0.5)
    with pytest.raises(ValueError, match="use StochasticDepth"):
        monte_carlo_predict(classifier(block, Dropout(0.5)), X, **SETTINGS)


@pytest.mark.parametrize("kind", ["probabilities", "logits"])
def test_outputs_of_one_number_an_example_are_values_only(kind):
    """Classes have an axis of their own: else the examples of a batch would be taken for them."""
    hidden = Dropout(0.5, seed=1), keras.layers.Dense(1)
    flat = keras.Sequential([keras.Input((6,)), *hidden, keras.layers.Reshape(())])
    with pytest.raises(ValueError, match=r"can only be 'values'.* Received: .*\(4,\)"):
        monte_carlo_predict(flat, X, **SETTINGS, outputs=kind, batch_size=4)
    found = monte_carlo_predict(flat, X, **SETTINGS, outputs="values")
    assert found.mean.shape == (9,) and found.predictive_entropy is None


def test_kinds_are_given_in_the_structure_of_the_outputs():
    model = two_outputs(lambda a, b: {"classes": a, "value": b})
    right = {"value": "values", "classes": "probabilities"}
    assert monte_carlo_predict(model, X, **SETTINGS, outputs=right)["value"].mean.shape == (9, 1)
    wrong = [
        {"classes_": "probabilities", "value": "values"},
        {"values_first": "values", "z": "probabilities"},
        {"classes": "probabilities"},
        ["probabilities", "values"],
    ]
    for kinds in wrong:
        with pytest.raises(ValueError, match=r"as in {'classes': 'values', 'value': 'values'}"):
            monte_carlo_predict(model, X, **SETTINGS, outputs=kinds)
    plain = classifier(Dropout(0.5, seed=1))
    assert monte_carlo_predict(plain, X, **SETTINGS, outputs=["values"]).mean.shape == (9, 3)
    with pytest.raises(ValueError, match="as in values"):
        monte_carlo_predict(plain, X, **SETTINGS, outputs={"classes": "values"})
