"""Pictures of the first layer's weights, with their roughness, of a net's inputs, and of what the
RBMs that a run starts from have learned."""

import math
from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import expit

from reproduce.probes.trained import Picture, Trained, mosaic
from reproduce.spec import Rbm
from reproduce.training import Machine, Measured

# Values beyond this quantile are drawn black or white.
DRAWN_QUANTILE = 0.995
INPUT_COLUMNS, INPUT_ROWS = 8, 2
# Of a belief net: chains that begin at test images, and the steps of Gibbs sampling after which
# they are drawn, a row each. One that knows only the neighbourhood of images loses them on the way.
CHAINS, DRAWN_STEPS = 12, (0, 1, 10, 30, 100, 500)


def find(trained: Trained) -> Iterator[Measured | Picture]:
    kernel = np.array(trained.model.trainable_variables[0])
    if kernel.ndim == 4:  # a convolution: (height, width, colours, filters)
        features = np.moveaxis(kernel, -1, 0)
    else:
        shape = trained.training.dataset.shape
        # Of a net upon a DBM, the first layer sees more than the pixels.
        features = kernel[: math.prod(shape)].T.reshape(-1, *shape)
    if features.shape[-1] == 1:
        features = features[..., 0]
    yield trained.row("feature_roughness", np.mean([roughness(f) for f in features]))
    columns = math.ceil(math.sqrt(len(features)))
    reach = np.quantile(np.abs(features), DRAWN_QUANTILE)
    if isinstance(trained.training.run.net, Rbm):  # as Figure 12 has them, the largest first
        norms = np.sqrt(np.sum(features**2, axis=(1, 2)))
        features = features[np.argsort(-norms, kind="stable")]
    yield Picture("features", mosaic(0.5 + features / (2 * reach), columns))


def find_machines(trained: Trained) -> Iterator[Measured | Picture]:
    """Of the RBMs that the run starts from, each by its number from the pixels up: the error of the
    pixels that it gives back through those below it; how much lower the free energy of training
    images is than that of test images, in nats; and images that the belief net of all samples, in
    rows of more and more steps. Of a DBM, the error alone."""
    training = trained.training
    machines = training.start.machines
    if not machines:
        return
    for seen in training.start.history:
        yield trained.row("reconstruction_error", seen.value, seen.x, seen.split)
    if training.run.above:  # a DBM's layers are no RBMs
        return
    known = training.dataset.images[training.splits["train"][: len(trained.images)]]
    each = [images.reshape(len(images), -1) for images in (known, trained.images)]
    for count, machine in enumerate(machines, 1):
        mean, other = (np.mean(_free_energy(machine, visible)) for visible in each)
        yield trained.row("free_energy_gap", other - mean, count)
        if count < len(machines):
            each = [expit(visible @ machine.kernel + machine.hidden_bias) for visible in each]
    tiles = sampled(machines, each[1][:CHAINS], trained.generator("samples"))
    yield Picture("samples", mosaic(tiles.reshape(-1, *training.dataset.shape), CHAINS))


def sampled(
    machines: Sequence[Machine], visible: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """Probabilities of the pixels, shape (steps drawn, chains, pixels): Gibbs sampling in the last
    RBM, then down through the others. After no step, of the features of the images themselves."""
    *below, last = machines
    probabilities, rows = visible, []
    for step in range(DRAWN_STEPS[-1] + 1):
        if step > 0:
            hidden = _drawn(expit(visible @ last.kernel + last.hidden_bias), generator)
            probabilities = expit(hidden @ last.kernel.T + last.visible_bias)
            visible = _drawn(probabilities, generator)
        if step in DRAWN_STEPS:
            rows.append(probabilities)
    pixels = np.stack(rows)
    for machine in reversed(below):
        pixels = expit(pixels @ machine.kernel.T + machine.visible_bias)
    return pixels


def _drawn(probabilities: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return (generator.random(probabilities.shape, np.float32) < probabilities).astype(np.float32)


def _free_energy(machine: Machine, visible: np.ndarray) -> np.ndarray:
    hidden = np.logaddexp(0, visible @ machine.kernel + machine.hidden_bias)
    return -visible @ machine.visible_bias - hidden.sum(axis=1)


def roughness(feature: np.ndarray) -> float:
    """Mean squared difference of neighbouring pixels, divided by twice the variance (Geary's C).

    1 for noise without structure, near 0 for smooth strokes.
    """
    steps = [np.diff(feature, axis=axis).ravel() for axis in (0, 1)]
    return float(np.mean(np.concatenate(steps) ** 2) / (2 * feature.var() + 1e-12))


def find_inputs(trained: Trained) -> Iterator[Picture]:
    """The first test images as the network sees them, after preparation."""
    images = trained.images[: INPUT_COLUMNS * INPUT_ROWS]
    reach = np.quantile(np.abs(images), DRAWN_QUANTILE)
    is_centred = images.min() < 0
    yield Picture(
        "inputs", mosaic(0.5 + images / (2 * reach) if is_centred else images, INPUT_COLUMNS)
    )
