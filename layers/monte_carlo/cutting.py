"""A model in two: what lies before its first dropout layers, and the rest."""

import functools

import keras
import numpy as np
from keras import ops


def cut_before(model, x, layers):
    """Two models of a list of arrays: up to the first dropout layers, and from there on.

    The first is None where the model cannot be cut, and the second the whole then. The second's
    `like_outputs` puts a list of one value an output into the structure of the model's outputs; it
    is there after the first call.
    """
    graph = getattr(model, "_functional", None) or model  # a Sequential model has one inside
    # A class of the user's may do more than its graph says.
    plain = type(model).__module__.startswith("keras.") and hasattr(graph, "_nodes_by_depth")
    if isinstance(x, (list, tuple, dict)) or not plain or np.ndim(x) != len(graph.inputs[0].shape):
        return None, _Whole(model, x)
    dropping = {id(layer) for layer in layers}
    by_depth = graph._nodes_by_depth
    nodes = [n for depth in sorted(by_depth, reverse=True) for n in by_depth[depth]]
    known, early, late = {id(t) for t in graph.inputs}, [], []
    for node in nodes:
        if node.is_input:
            continue
        parts = node.operation._flatten_layers() if hasattr(node.operation, "_layers") else ()
        if any(id(part) in dropping for part in parts) or any(
            id(t) not in known for t in node.input_tensors
        ):
            late.append(node)
        else:
            early.append(node)
            known.update(id(t) for t in node.outputs)
    needed = {id(t): t for node in late for t in node.input_tensors if id(t) in known}
    border = list(needed.values())
    # A Keras mask travels with its tensor, and would be lost at the border.
    masked = any(getattr(t, "_keras_mask", None) is not None for t in border)
    if not early or masked:
        return None, _Whole(model, x)
    late = _Steps(late, border, graph.outputs)
    late.like_outputs = functools.partial(keras.tree.pack_sequence_as, graph._outputs_struct)
    return _Steps(early, graph.inputs, border), late


def predicting(model):
    """A function of a list of arrays: the model's outputs as NumPy arrays.

    On JAX, Keras's own would give the buffers of the model's variables away while it runs, and
    other threads that predict would find them deleted.
    """
    if keras.backend.backend() != "jax":
        return model.predict_on_batch
    import jax

    run = jax.jit(model.stateless_call)

    def predict(arrays):
        trained = [v.value for v in model.trainable_variables]
        others = model.non_trainable_variables
        outputs, values = run(trained, [v.value for v in others], arrays)
        for variable, value in zip(others, values, strict=True):
            variable.assign(value)
        return [np.asarray(output) for output in outputs]

    return predict


class _Whole(keras.Model):
    """A model as one of a list of its inputs: compiled apart, so that nothing is left in it."""

    def __init__(self, model, x):
        super().__init__(name="whole")
        self.model, self.structure = model, keras.tree.map_structure(lambda _: 0, x)
        self.built = True

    def call(self, arrays):
        x = keras.tree.pack_sequence_as(self.structure, list(arrays))
        outputs = self.model(x)
        structure = keras.tree.map_structure(lambda _: 0, outputs)
        self.like_outputs = functools.partial(keras.tree.pack_sequence_as, structure)
        return keras.tree.flatten(outputs)


class _Steps(keras.Model):
    """Some steps of a functional model, from tensors at their start to tensors at their end."""

    def __init__(self, nodes, start, end):
        super().__init__(name="steps")
        self.operations_used = [node.operation for node in nodes]  # for Keras to find their state
        self.nodes, self.start, self.end = tuple(nodes), start, end
        self.built = True

    def call(self, arrays):
        # As Keras does with a model's inputs.
        given = zip(self.start, arrays, strict=True)
        values = {id(t): ops.cast(array, t.dtype) for t, array in given}
        for node in self.nodes:
            args, kwargs = node.arguments.fill_in(values)
            outputs = keras.tree.flatten(node.operation(*args, **kwargs))
            values.update(zip((id(t) for t in node.outputs), outputs, strict=True))
        return [values[id(t)] for t in self.end]
