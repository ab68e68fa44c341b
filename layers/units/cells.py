"""A step of Keras's recurrent cells, with a recurrent kernel and a fed-back output from outside."""

import keras
from keras import ops

CELLS = (keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell)


def step(cell, inputs, states, fed, recurrent):
    """The cell's output and next states.

    Args:
        cell: One of `CELLS`.
        inputs: Tensor of shape (batch, features).
        states: The cell's states; what a cell carries over past the weights is these.
        fed: Tensor of shape (batch, units): what the recurrent weights see of the last output.
        recurrent: The recurrent kernel, masked or not.
    """
    kernel = ops.cast(cell.kernel, cell.compute_dtype)
    bias = ops.cast(cell.bias, cell.compute_dtype) if cell.use_bias else None
    run = next(run for kind, run in _STEPS.items() if isinstance(cell, kind))
    return run(cell, ops.matmul(inputs, kernel), states, fed, recurrent, bias)


def _simple(cell, drive, states, fed, recurrent, bias):
    output = drive + ops.matmul(fed, recurrent)
    output = output if bias is None else output + bias
    output = output if cell.activation is None else cell.activation(output)
    return output, [output]


def _lstm(cell, drive, states, fed, recurrent, bias):
    gates = drive + ops.matmul(fed, recurrent)
    gates = gates if bias is None else gates + bias
    enter, forget, new, leave = ops.split(gates, 4, axis=-1)
    carry = cell.recurrent_activation(forget) * states[1]
    carry = carry + cell.recurrent_activation(enter) * cell.activation(new)
    output = cell.recurrent_activation(leave) * cell.activation(carry)
    return output, [output, carry]


def _gru(cell, drive, states, fed, recurrent, bias):
    """What the cell carries over is its state itself: dropped and scaled up at every step, it would
    grow by 1 / (1 - rate) a step."""
    input_bias, recurrent_bias = 0.0, 0.0
    if bias is not None:
        input_bias, recurrent_bias = (bias[0], bias[1]) if cell.reset_after else (bias, 0.0)
    update, reset, new = ops.split(drive + input_bias, 3, axis=-1)
    seen = ops.split(ops.matmul(fed, recurrent) + recurrent_bias, 3, axis=-1)
    update = cell.recurrent_activation(update + seen[0])
    reset = cell.recurrent_activation(reset + seen[1])
    if cell.reset_after:
        new = new + reset * seen[2]
    else:
        new = new + ops.matmul(reset * fed, recurrent[:, 2 * cell.units :])
    output = update * states[0] + (1 - update) * cell.activation(new)
    return output, [output]


_STEPS = {
    keras.layers.LSTMCell: _lstm,
    keras.layers.GRUCell: _gru,
    keras.layers.SimpleRNNCell: _simple,
}
