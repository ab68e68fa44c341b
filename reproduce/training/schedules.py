"""Run -> examples, learning rate, momentum and L1 strength of every update."""

import itertools
from collections.abc import Iterator

import numpy as np

from reproduce.spec import Run, derived_seed

AVERAGED = 50


def learning_rates(run: Run) -> np.ndarray:
    """Float32 of shape (updates,): the paper-form rate with linear warm-up from 0, then decay.

    "linear" falls to 0 at the end; "inverse_time" is 1 / (1 + t / T) and "halving" 2^(-t / T),
    with T = decay_fraction of the run's updates.
    """
    update = np.arange(run.updates)
    time = update / run.updates
    if run.decay == "linear":
        decay = 1 - time
    elif run.decay == "inverse_time":
        decay = 1 / (1 + time / run.decay_fraction)
    elif run.decay == "halving":
        decay = 0.5 ** (time / run.decay_fraction)
    else:
        decay = np.ones(run.updates)
    warm_up = run.warm_up_fraction * run.updates
    ramp = np.minimum(1, (update + 1) / warm_up) if warm_up >= 1 else 1
    return (run.learning_rate * decay * ramp).astype(np.float32)


def momenta(run: Run) -> np.ndarray:
    """Float32 of shape (updates,): a linear ramp from `momentum_start`, if that is given."""
    update = np.arange(run.updates)
    if run.momentum_start is None:
        return np.full(run.updates, run.momentum, np.float32)
    ramp = np.minimum(1, update / max(1, run.momentum_ramp_fraction * run.updates))
    return (run.momentum_start + (run.momentum - run.momentum_start) * ramp).astype(np.float32)


def l1_strengths(run: Run) -> np.ndarray:
    """Float32 of shape (updates,): 0 before `l1_start_fraction` of the updates, then `l1`."""
    late = np.arange(run.updates) >= run.l1_start_fraction * run.updates
    return (run.l1 * late).astype(np.float32)


def batches(examples: np.ndarray, batch_size: int, seed: int) -> Iterator[np.ndarray]:
    """Yields int32 arrays of `batch_size` example indices without end. Each pass over the examples
    has a new random order; a batch may span two passes."""
    generator = np.random.default_rng(seed)
    waiting = np.empty(0, np.int32)
    while True:
        while len(waiting) < batch_size:
            waiting = np.concatenate([waiting, generator.permutation(examples)])
        yield waiting[:batch_size]
        waiting = waiting[batch_size:]


def averaged(run: Run) -> list[int]:
    """The numbers of updates after which the weights count in the final mean, in order."""
    if not run.average_fraction:
        return []
    first = (1 - run.average_fraction) * run.updates
    points = (first + (run.updates - first) * (i + 1) / AVERAGED for i in range(AVERAGED))
    return sorted({max(1, round(point)) for point in points})


class Course:
    """What comes in a run's training, from update `step` on.

    Attributes:
        rates: Float32 of shape (updates, 3): learning rate, momentum, L1 strength.
        curve: The numbers of updates at which the run is measured, besides its end.
        averaged: The numbers of updates after which the weights count in the final mean.
    """

    def __init__(self, run: Run, examples: np.ndarray, step: int = 0):
        self.rates = np.stack([learning_rates(run), momenta(run), l1_strengths(run)], axis=1)
        points = run.curve_points
        self.curve = {round(run.updates * i / points) for i in range(points)}
        self.averaged = averaged(run)
        self.stops = self.curve | {*self.averaged, run.updates}
        order = batches(examples, run.batch_size, derived_seed(run.seed, "order"))
        self.order, self.step = itertools.islice(order, step, None), step

    def until_stop(self, step: int) -> int:
        """Updates from `step` until the run is to be measured or ends."""
        return min(stop - step for stop in self.stops if stop > step)

    def take(self, updates: int) -> tuple[np.ndarray, np.ndarray]:
        """The examples, of shape (updates, batch), and the rates of the next updates."""
        order = np.stack(list(itertools.islice(self.order, updates)))
        self.step += updates
        return order, self.rates[self.step - updates : self.step]
