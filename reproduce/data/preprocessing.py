"""How the paper prepares colour images (B.2, B.3); fitted on training images only."""

from dataclasses import dataclass

import numpy as np

# Added to every eigenvalue of the covariance, as a fraction of their mean. The paper gives none;
# ours is equivalent to pylearn2's value for CIFAR-10 (contrast 55, filter bias 0.1).
EPSILON_SHARE = 0.1
AT_ONCE = 5_000


@dataclass(frozen=True)
class Whitening:
    """ZCA: centre, rotate onto the principal axes, scale each by 1 / sqrt(eigenvalue + epsilon),
    rotate back. `mean` has shape (pixels,), `matrix` has shape (pixels, pixels)."""

    mean: np.ndarray
    matrix: np.ndarray
    epsilon: float

    @classmethod
    def of(cls, images: np.ndarray) -> "Whitening":
        """Fits on images of shape (examples, ...) whose channel means are already subtracted."""
        flat = images.reshape(len(images), -1)
        mean = flat.mean(axis=0, dtype=np.float64)
        covariance = np.zeros((flat.shape[1],) * 2)
        for block in _blocks(flat):
            centred = block - mean.astype(np.float32)
            covariance += centred.T @ centred
        values, vectors = np.linalg.eigh(covariance / len(flat))
        values = np.clip(values, 0, None)
        epsilon = EPSILON_SHARE * float(values.mean())
        matrix = (vectors / np.sqrt(values + epsilon)) @ vectors.T
        return cls(mean.astype(np.float32), matrix.astype(np.float32), epsilon)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        flat = images.reshape(len(images), -1)
        whitened = np.empty_like(flat)
        for block, into in zip(_blocks(flat), _blocks(whitened), strict=True):
            np.matmul(block - self.mean, self.matrix, out=into)
        return whitened.reshape(images.shape)


def without_channel_means(images: np.ndarray) -> np.ndarray:
    """Subtracts from each image the mean of each of its channels; nothing is divided (B.3)."""
    return images - images.mean(axis=(1, 2), keepdims=True)


def whitened(images: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """B.3, CIFAR: channel means subtracted, then ZCA fitted on the images of indices `fitted`."""
    centred = without_channel_means(images)
    return Whitening.of(centred[fitted])(centred)


def standardised(images: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """B.2, SVHN: each colour with mean 0 and variance 1 over the images of indices `fitted`."""
    blocks = [images[ids] for ids in np.array_split(fitted, -(-len(fitted) // AT_ONCE))]
    moments = [(b.mean(axis=(0, 1, 2)), (b**2).mean(axis=(0, 1, 2)), len(b)) for b in blocks]
    counts = np.array([n for *_, n in moments], float)
    mean, square = (np.average([m[i] for m in moments], axis=0, weights=counts) for i in (0, 1))
    deviation = np.sqrt(square - mean**2)
    return (images - mean.astype(np.float32)) / deviation.astype(np.float32)


def _blocks(flat: np.ndarray) -> list[np.ndarray]:
    return [flat[start : start + AT_ONCE] for start in range(0, len(flat), AT_ONCE)]
