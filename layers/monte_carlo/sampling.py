"""A model whose dropout layers sample at inference and all else rests."""

import inspect
import threading

import keras
import numpy as np
from keras import ops

from ..units.dropout import Dropout
from ..units.stochastic_depth import CompactedStochasticDepth
from ..weights.dropconnect import DropConnect
from .cutting import cut_before, predicting
from .kinds import drops, multiplies, one_mask, rows_differ


class Sampler:
    """A context in which a model's dropout layers sample, and after which it is as it was.

    Args:
        model: A built Keras model.
        x: Its inputs: an array, or a list, tuple or dict of them.
        fixed_masks: Boolean; whether the examples of a batch share masks where they can.
    """

    def __init__(self, model, x, fixed_masks):
        self.model, self.fixed_masks = model, fixed_masks
        if not isinstance(model, keras.Model):
            raise ValueError(f"`model` is a Keras model. Received: model={model!r}")
        parts = list(model._flatten_layers())
        for part in parts:
            if isinstance(part, CompactedStochasticDepth) and part.rate > 0:
                raise ValueError(
                    "CompactedStochasticDepth is not sampled, since the examples of a batch share "
                    f"its draw; use StochasticDepth. Received: {model.name!r} with {part.name!r}"
                )
        # DropConnect itself is made to sample: its dropout layers are fed weights, not examples.
        connects = [part for part in parts if isinstance(part, DropConnect)]
        inner = [la for part in connects for la in (part.dropout, part.bias_dropout)]
        self.layers = [la for la in parts if drops(la) and not any(la is other for other in inner)]
        self.held = [
            part for part in parts if isinstance(part, Dropout) and part.calls_per_mask > 1
        ]
        if not self.layers:
            raise ValueError(
                "the model has nothing to sample: it needs a dropout layer with a rate above 0. "
                f"Received: {model.name!r} with {[type(part).__name__ for part in model.layers]}"
            )
        self.can_share = all(multiplies(la) or one_mask(la) for la in self.layers)
        self.stateful = [part for part in parts if getattr(part, "stateful", False)]
        self.rows_differ = not self.stateful and all(rows_differ(la) for la in self.layers)
        self.reached = []
        self.first, self.second = cut_before(model, x, self.layers)
        self.predict = predicting(self.second)
        self.generators = _generators(model)

    def __enter__(self):
        variables = [*self.model.non_trainable_variables, *(g.state for g in self.generators)]
        # Keras does not count these among a model's variables.
        states = [v for layer in self.stateful for v in keras.tree.flatten(layer.states)]
        self._state = [(v, ops.convert_to_numpy(v).copy()) for v in variables + states]
        self._sequence_state = self._state[len(variables) :]
        # There Keras's unseeded layers draw from PyTorch's own generator.
        self._torch_state = _torch().get_rng_state() if _torch() else None
        self._calls = [vars(layer).get("call") for layer in self.layers]
        for layer in self.held:  # every call is a sample of its own
            layer.stream.calls_per_mask = 1
        for layer in self.layers:
            layer.call = self._sampling(layer, layer.call)
        return self

    def __exit__(self, *exception):
        for layer, call in zip(self.layers, self._calls, strict=True):
            del layer.call
            if call is not None:
                layer.call = call
        for layer in self.held:
            layer.stream.calls_per_mask = layer.calls_per_mask
        for variable, value in self._state:
            variable.assign(value)
        if self._torch_state is not None:
            _torch().set_rng_state(self._torch_state)

    def _sampling(self, layer, call):
        """The layer's call, as in training whatever `training` it is called with."""
        mine = threading.get_ident()
        parameters = inspect.signature(call).parameters.values()
        # One of the user's may say `training=True` itself, and take none.
        takes_it = any(p.name == "training" or p.kind is p.VAR_KEYWORD for p in parameters)
        given = {"training": True} if takes_it else {}

        def training_call(*args, **kwargs):
            self.reached.append(layer)
            return call(*args, **{**kwargs, **given})

        def shared_call(inputs, *args, **kwargs):
            # What one example of ones becomes is the factor of all.
            return inputs * training_call(ops.ones_like(inputs[:1]), *args, **kwargs)

        def connect_call(inputs, *args, **kwargs):
            self.reached.append(layer)
            return layer._masked_call(inputs, per_example=False)

        sampled = training_call
        if self.fixed_masks and multiplies(layer):
            sampled = shared_call
        elif self.fixed_masks and isinstance(layer, DropConnect):
            sampled = connect_call

        def own_call(*args, **kwargs):
            # Other threads predict meanwhile as ever.
            return (sampled if threading.get_ident() == mine else call)(*args, **kwargs)

        return own_call

    def restart(self):
        """Puts the states of stateful recurrent layers back, for another pass over the data."""
        for variable, value in self._sequence_state:
            variable.assign(value)

    def reseed(self, seed, sample):
        """Sets all random state of the model from (seed, sample)."""
        if _torch():
            _torch().manual_seed(int(np.random.SeedSequence([seed, sample]).generate_state(1)[0]))
        for place, generator in enumerate(self.generators):
            fresh = ops.convert_to_numpy(generator.state).copy()
            fresh[0] = np.random.SeedSequence([seed, sample, place]).generate_state(1)[0] >> 1
            # Keras's generators count their calls in the second word, this package's in the third.
            fresh[1 if len(fresh) == 2 else 2] = 0
            generator.state.assign(fresh)

    def before_dropout(self, arrays, blocks):
        """What of the inputs is known before any dropout: arrays of one row an example."""
        if self.first is None:
            return arrays
        parts, predict = [], predicting(self.first)
        for rows, count in blocks:
            outputs = predict([a[rows] for a in arrays])
            parts.append([output[:count] for output in outputs])
        return [np.concatenate(part) for part in zip(*parts, strict=True)]

    def draw(self, known, rows):
        """The list of the model's outputs, sampled once, for these rows of `known`."""
        outputs = self.predict([a[rows] for a in known])
        if not self.reached:
            raise ValueError(
                "the model calls none of its dropout layers at inference, so that there is "
                "nothing to sample; it must call them whatever `training` is. Received: "
                f"{self.model.name!r}"
            )
        return outputs

    def like_outputs(self, values):
        """One value an output, in the structure of the model's outputs."""
        return self.second.like_outputs(values)


def _torch():
    """PyTorch, where it is the backend; else None."""
    if keras.backend.backend() != "torch":
        return None
    import torch

    return torch


def _generators(model):
    found: dict[int, keras.random.SeedGenerator] = {}
    for layer in model._flatten_layers():
        for value in vars(layer).values():
            if isinstance(value, keras.random.SeedGenerator):
                found[id(value)] = value
    return list(found.values())
