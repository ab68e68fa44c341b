"""A training in progress -> the numbers, distributions and pictures that TensorBoard shows.

Nothing here changes the training: masks are drawn from the random streams' current state, which is
then restored.
"""

from collections.abc import Iterator

import numpy as np

from reproduce.probes import mosaic
from reproduce.spec import Reconstructing
from reproduce.training import Training

# Images used for activations and pictures: validation images if the run has them.
EXAMPLES = 200
# A norm this close (relative) to its bound counts as at it: the constraint has rounding errors.
AT_BOUND = 1e-3
MASKS, TILES = 8, 16
DRAWN = 20_000


def weights(training: Training) -> Iterator[tuple[str, np.ndarray, float | None]]:
    """Layer, kernel, and the bound on its units' incoming weights if it has one."""
    for variable in training.network.trainable_variables:
        if len(variable.shape) > 1:
            bound = getattr(variable.constraint, "bound", None)
            layer = variable.path.split("/")[-2]
            yield layer, variable.numpy(), None if bound is None else float(bound)


def at_bound_percent(kernel: np.ndarray, bound: float) -> float:
    """Share of the units whose incoming weights lie on the bound."""
    norms = np.linalg.norm(kernel.reshape(-1, kernel.shape[-1]), axis=0)
    return 100 * float(np.mean(norms >= bound * (1 - AT_BOUND)))


def activations(training: Training) -> dict[str, np.ndarray]:
    """Layer -> its units' activations on some images, at inference."""
    hidden = training.hidden
    if hidden is None:
        return {}
    found = hidden(training.dataset.images[_ids(training)], training=False)
    return {name: np.asarray(values) for name, values in found.items()}


def sample(values: np.ndarray) -> np.ndarray:
    """At most DRAWN of the values, evenly spaced: a histogram of millions looks no different."""
    flat = values.ravel()
    return flat[:: -(-flat.size // DRAWN)]


def pictures(training: Training) -> Iterator[tuple[str, np.ndarray]]:
    """Name and levels in [0, 1], of shape (height, width, 1 or 3)."""
    kernel = next(weights(training))[1]
    shape = training.dataset.shape
    if kernel.ndim == 4:
        yield "features", _tiles(_grey(np.moveaxis(kernel, -1, 0)), 100)
    elif kernel.shape[0] == np.prod(shape):
        yield "features", _tiles(_grey(kernel.T.reshape(-1, *shape)), 100)
    masks = _masks(training)
    if masks is not None:
        yield "masks", masks
    if not isinstance(training.run.net, Reconstructing):
        yield "misclassified", _misclassified(training)


def _masks(training: Training) -> np.ndarray | None:
    """What the last dropout layer keeps (white) for eight examples, one row each; for feature
    maps, the first map of each example."""
    layers = [each for each in training.network.layers if each.name.startswith("dropout_")]
    if not layers:
        return None
    state = layers[-1].stream.state
    before = np.array(state)
    ones = np.ones((MASKS, *layers[-1].input.shape[1:]), np.float32)
    kept = np.asarray(layers[-1](ones, training=True)) > 0
    state.assign(before)
    if kept.ndim == 4:
        return _tiles(kept[..., :1].astype(np.float32), MASKS)
    return kept.reshape(MASKS, -1, 1).astype(np.float32)


def _misclassified(training: Training) -> np.ndarray:
    """Misclassified images, worst first: the right class is furthest below the predicted one."""
    ids = _ids(training)
    logits = training.logits(ids)
    labels = training.dataset.labels[ids]
    margin = logits[np.arange(len(ids)), labels] - logits.max(axis=1)
    worst = np.argsort(margin, kind="stable")[:TILES]
    images = training.dataset.images[ids[worst[margin[worst] < 0]]]
    blank = np.zeros((TILES - len(images), *training.dataset.shape), np.float32)
    images = np.concatenate([images, blank])
    images = images if images.ndim == 4 else images[..., None]
    return _tiles(_grey(images) if images.min() < 0 else images, TILES)


def _ids(training: Training) -> np.ndarray:
    splits = training.splits
    return splits.get("validation", splits["train"])[:EXAMPLES]


def _grey(values: np.ndarray) -> np.ndarray:
    """Maps values around 0 to grey levels around 1/2; clips the largest ones."""
    reach = 2 * np.quantile(np.abs(values), 0.995) + 1e-12
    return np.clip(0.5 + values / reach, 0, 1)


def _tiles(tiles: np.ndarray, most: int) -> np.ndarray:
    """Up to `most` of the tiles, of shape (number, height, width[, 1 or 3]), in a square."""
    tiles = tiles[:most] if tiles.ndim == 4 else tiles[:most, ..., None]
    return mosaic(tiles, int(np.ceil(np.sqrt(len(tiles)))))
