"""JAX: the whole block of updates in one compiled scan, masks from the faster of two generators."""

import itertools
import time

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, SEED, Case
from benchmarks.images import draw


def initial(case: Case) -> list:
    rng = np.random.default_rng(SEED)
    sizes = (*case.shape, *case.hidden, 10)
    return [
        (jnp.asarray(rng.normal(size=pair) * (2 / pair[0]) ** 0.5, jnp.float32), jnp.zeros(pair[1]))
        for pair in itertools.pairwise(sizes)
    ]


def loss_of(weights, case: Case, images, labels, key):
    x = images
    for i, ((kernel, bias), rate) in enumerate(zip(weights, case.rates, strict=True)):
        if rate:
            kept = jax.random.bernoulli(jax.random.fold_in(key, i), 1 - rate, x.shape)
            x = jnp.where(kept, x / (1 - rate), 0)
        x = x @ kernel + bias
        x = x if i == len(weights) - 1 else jax.nn.relu(x)
    return -jnp.mean(jax.nn.log_softmax(x)[jnp.arange(len(labels)), labels])


def bounded(kernel, bound):
    if bound is None:
        return kernel
    norms = jnp.sqrt(jnp.sum(kernel**2, axis=0, keepdims=True))
    return kernel * jnp.minimum(1, bound / jnp.maximum(norms, 1e-7))


def prepare(name: str):
    case = CASES[name]
    images, labels = (jnp.asarray(a) for a in draw(case))

    def update(carry, batch_key):
        weights, velocities = carry
        where, key = batch_key
        gradients = jax.grad(loss_of)(weights, case, images[where], labels[where], key)
        velocities = jax.tree.map(
            lambda v, g: MOMENTUM * v - LEARNING_RATE * g, velocities, gradients
        )
        moved = jax.tree.map(jnp.add, weights, velocities)
        weights = [
            (bounded(kernel, bound), bias)
            for (kernel, bias), bound in zip(moved, case.max_norms, strict=True)
        ]
        return (weights, velocities), None

    @jax.jit
    def updates(carry, key):
        order, masks = jax.random.split(key)
        batches = jax.random.randint(order, (case.updates, BATCH_SIZE), 0, len(labels))
        keys = jax.random.split(masks, case.updates)
        return jax.lax.scan(update, carry, (batches, keys))[0]

    found = []
    for generator in ("threefry2x32", "rbg"):
        weights = initial(case)
        state = {"carry": (weights, jax.tree.map(jnp.zeros_like, weights)), "block": 0}
        key = jax.random.key(SEED, impl=generator)

        def block(state=state, key=key) -> None:
            state["block"] += 1
            state["carry"] = updates(state["carry"], jax.random.fold_in(key, state["block"]))
            jax.block_until_ready(state["carry"])

        block()
        began = time.perf_counter()
        block()
        seconds = time.perf_counter() - began
        found.append((seconds, block, f"one scan, {generator}"))
    return min(found, key=lambda each: each[0])[1:]
