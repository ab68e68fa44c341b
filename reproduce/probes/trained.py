"""The input of a probe, and the pictures that it yields."""

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import SupportsFloat

import keras
import numpy as np
import tensorflow as tf

from reproduce.spec import derived_seed
from reproduce.training import Measured, Training

AT_ONCE = 1_000


@dataclass(frozen=True)
class Picture:
    """Levels from 0 (black) to 1, with shape (height, width), or (height, width, 3) in colour."""

    name: str
    levels: np.ndarray

    def text(self) -> str:
        """A PNG in base64, for JSON."""
        from PIL import Image

        buffer = io.BytesIO()
        levels = np.clip(np.rint(255 * self.levels), 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(buffer, format="PNG", optimize=True)
        return base64.b64encode(buffer.getvalue()).decode()


@dataclass(frozen=True)
class Trained:
    """A network at the end of its run, with the data that it was not trained on."""

    training: Training
    # The user's folder of data sets, for a probe that uses another data set.
    data_dir: Path | None = None

    @cached_property
    def model(self) -> keras.Model:
        return self.training.model()

    @cached_property
    def images(self) -> np.ndarray:
        return self.training.dataset.images[self.training.splits["test"]]

    @cached_property
    def labels(self) -> np.ndarray:
        return self.training.dataset.labels[self.training.splits["test"]]

    @cached_property
    def logits(self) -> np.ndarray:
        """The logits of the test images, without dropout."""
        return self.training.logits(self.training.splits["test"])

    def generator(self, purpose: str) -> np.random.Generator:
        return np.random.default_rng(derived_seed(self.training.run.seed, purpose))

    def row(
        self, measure: str, value: SupportsFloat, x: float | None = None, split: str = "test"
    ) -> Measured:
        return Measured(split, measure, self.training.step, float(value), x)

    def hidden_layers(self) -> list[keras.Layer]:
        return [layer for layer in self.model.layers if layer.name.startswith("hidden_")]

    def activations(self, images: np.ndarray) -> list[np.ndarray]:
        """The outputs of each hidden layer at inference, with shape (examples, ...)."""
        outputs = [layer.output for layer in self.hidden_layers()]
        found = keras.Model(self.model.input, outputs).predict(images, AT_ONCE, verbose=0)
        # Keras unpacks a list of one element.
        return found if isinstance(found, list) else [found]

    @cached_property
    def _drawn(self) -> Callable[[tf.Tensor], tf.Tensor]:
        """Class probabilities of a batch with dropout masks, compiled once per batch size."""
        model = self.model

        @tf.function(jit_compile=True, autograph=False)
        def drawn(batch):
            return tf.nn.softmax(model(batch, training=True))

        return drawn

    def samples(self, images: np.ndarray, count: int) -> Iterator[np.ndarray]:
        """`count` times the class probabilities of all images; each row has its own masks."""
        size = min(AT_ONCE, len(images))
        # The last batch is padded, so that one compiled size fits all.
        padded = images[np.arange(-(-len(images) // size) * size) % len(images)]
        batches = [tf.constant(part) for part in np.split(padded, len(padded) // size)]
        run = self.training.run
        is_random = min(run.keep_input, *run.keep_conv, *run.keeps) < 1
        for i in range(count):
            if is_random or i == 0:  # without dropout every pass is the same
                drawn = [self._drawn(batch).numpy() for batch in batches]
                found = np.concatenate(drawn)[: len(images)]
            yield found


def mosaic(tiles: np.ndarray, columns: int) -> np.ndarray:
    """Tiles of shape (number, height, width, ...), `columns` in a row, with white lines between."""
    number, height, width, *colours = tiles.shape
    rows = -(-number // columns)
    sheet = np.ones((rows * (height + 1) - 1, columns * (width + 1) - 1, *colours))
    for i, tile in enumerate(tiles):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width] = tile
    return sheet
