"""Values of one run, or of a stack of runs side by side along a first axis.

A stack's update is written for one run and mapped over all. TensorFlow maps every operation of it
but those that draw masks, for which it would loop over the runs; so those are mapped here.
"""

from collections.abc import Callable, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.python.ops.parallel_for import pfor

from layers.noise.masks import philox
from reproduce.data import Dataset
from reproduce.spec import (
    LinearRegression,
    Mlp,
    Reconstructing,
    Recurrent,
    Residual,
    Run,
    Transformer,
)
from reproduce.training.nets import build

LOW_WORD = 0xFFFFFFFF
# Examples of one call of a compiled function.
AT_ONCE = 1000
# On a GPU, a stack of this many runs, or of as many as have this many weights together, keeps it
# busy (`make bench` there); the weights take a few bytes each beside the images.
MOST, WEIGHTS_TOGETHER = 16, 50_000_000


def most_side_by_side(run: Run, dataset: Dataset, asked: int | None = None) -> int:
    """Runs of this architecture in one program: as many as asked for, else as many as pay on this
    machine. That is 1 on a CPU, whose batched products are slower, and for convolutions; and always
    for recurrent, residual and Transformer nets, which cannot be stacked."""
    if isinstance(run.net, Recurrent | Residual | Transformer):
        return 1
    if asked is not None:
        return asked
    stacks = isinstance(run.net, Mlp | LinearRegression | Reconstructing) and run.noise != "slice"
    if not stacks or not tf.config.list_physical_devices("GPU"):
        return 1
    with tf.device("CPU"):
        weights = build(run, dataset.shape, dataset.classes).model.count_params()
    return max(1, min(MOST, WEIGHTS_TOGETHER // weights))


class Slots:
    """Where `runs` runs keep their values. A single run's have no first axis."""

    def __init__(self, runs: int):
        self.runs = runs
        self.lead = () if runs == 1 else (runs,)
        self._put = tf.function(self._put_compiled, jit_compile=True, autograph=False)

    def variable(self, value) -> tf.Variable:
        """The same value for every run."""
        value = tf.convert_to_tensor(value)
        return tf.Variable(tf.broadcast_to(value, (*self.lead, *value.shape)))

    def each(self, function: Callable, *arguments):
        """`function` of each run's own part of the arguments."""
        if self.runs == 1:
            return function(*arguments)
        return tf.vectorized_map(lambda parts: function(*parts), arguments)

    def get(self, variable: tf.Variable, slot) -> tf.Tensor:
        return variable.value() if self.runs == 1 else tf.gather(variable, slot)

    def put(self, variables: Sequence[tf.Variable], values: Sequence, slot: int) -> None:
        """Sets one run's values and leaves those of the others."""
        if self.runs == 1:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
        else:
            given = [
                tf.convert_to_tensor(value, variable.dtype)
                for variable, value in zip(variables, values, strict=True)
            ]
            self._put(list(variables), given, tf.constant(slot, tf.int64))

    def _put_compiled(self, variables, values, slot) -> None:
        is_here = tf.range(self.runs, dtype=tf.int64) == slot
        for variable, value in zip(variables, values, strict=True):
            here = tf.reshape(is_here, (self.runs, *[1] * len(value.shape)))
            variable.assign(tf.where(here, value[None], variable))


def spread(
    values: dict[int, tuple[np.ndarray, np.ndarray]], runs: int
) -> tuple[np.ndarray, np.ndarray]:
    """Two arrays of shape (updates, ...) by slot -> (updates, runs, ...), 0 for slots without any;
    for a single run, its arrays."""
    if runs == 1:
        return values[0]
    one, other = next(iter(values.values()))
    found = _room(one, runs), _room(other, runs)
    for slot, parts in values.items():
        for whole, part in zip(found, parts, strict=True):
            whole[:, slot] = part
    return found


def read(variables: Sequence[tf.Variable]) -> list[tf.Tensor]:
    return [each.value() for each in variables]


def write(variables: Sequence, values: Sequence[tf.Tensor]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def in_blocks(function: Callable, examples: np.ndarray, slot: int) -> list[np.ndarray]:
    """The outputs, for all these examples, of a compiled function of some examples and the slot."""
    blocks = np.pad(examples, (0, -len(examples) % AT_ONCE)).reshape(-1, AT_ONCE)
    here = tf.constant(slot, tf.int64)
    found = [[each.numpy() for each in function(tf.constant(block), here)] for block in blocks]
    return [np.concatenate(parts)[: len(examples)] for parts in zip(*found, strict=True)]


def _room(like: np.ndarray, runs: int) -> np.ndarray:
    return np.zeros((len(like), runs, *like.shape[1:]), like.dtype)


@pfor.RegisterPFor("StatelessRandomUniformFullIntV2")
def _philox_of_each_run(pfor_input) -> list:
    """The operation's words for a stack of counters, from the definition of the generator."""
    pfor_input.stack_inputs(stack_indices=[1, 2])
    (count,) = tf.unstack(pfor_input.unstacked_input(0))
    counter = tf.cast(pfor_input.stacked_input(2), tf.uint64)
    low = counter & LOW_WORD
    high = _upper(counter)
    first, call, seed, layer = low[:, :1], high[:, :1], low[:, 1:], high[:, 1:]
    dtype = pfor_input.get_attr("dtype")
    in_block = 16 // dtype.size  # numbers; a block has 16 bytes
    blocks = first + tf.cast(tf.range((count + in_block - 1) // in_block), tf.uint64)
    drawn = tf.cast(tf.stack(philox(seed, layer, call, blocks, _upper), axis=2), tf.uint32)
    if dtype.size == 8:
        drawn = tf.bitcast(tf.reshape(drawn, (tf.shape(drawn)[0], -1, 2)), dtype)
    flat = tf.reshape(drawn, (tf.shape(drawn)[0], -1))[:, :count]
    return pfor.wrap(flat, True)


@pfor.RegisterPFor("Bitcast")
def _bitcast_of_each_run(pfor_input) -> list:
    # The run's axis is the first one, and only the last one changes.
    return pfor.wrap(tf.bitcast(pfor_input.stacked_input(0), pfor_input.get_attr("type")), True)


def _upper(word: tf.Tensor) -> tf.Tensor:
    return tf.bitwise.right_shift(word, tf.constant(32, tf.uint64))
