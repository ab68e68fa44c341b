"""The data set class: checked arrays with their shape, classes and splits."""

from dataclasses import dataclass

import numpy as np

from reproduce.errors import UserError
from reproduce.spec import Run, derived_seed


@dataclass(frozen=True)
class Dataset:
    """All examples of a data set: the first `training` ones are its training set, the rest its
    test set.

    `images` is float32 of shape (examples, *shape), in [0, 1] unless prepared; `labels` is int32 in
    [0, classes). `order` holds the training set's indices, the validation split first; it is the
    same for every run.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    training: int
    digest: str
    order: np.ndarray
    held_out: int

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape[1:]

    @property
    def classes(self) -> int:
        return int(self.labels.max()) + 1


def split_indices(dataset: Dataset, run: Run) -> dict[str, np.ndarray]:
    """Indices into the data set for a run: "train", and "validation" and "test" if it uses them.

    A run's training examples are the first ones in an order drawn with its seed. So a smaller set
    is part of a larger one, and all arms see the same examples.
    """
    pool = dataset.order[dataset.held_out :] if run.hold_out else dataset.order
    if run.examples is not None:
        if run.examples > len(pool):
            raise UserError(
                f"{run.examples:,} training examples were requested, but {dataset.name} has only "
                f"{len(pool):,}{' outside its validation split' if run.hold_out else ''}"
            )
        draw = np.random.default_rng(derived_seed(run.seed, "examples"))
        pool = draw.permutation(pool)[: run.examples]
    used = {"train": pool}
    if run.hold_out:
        used["validation"] = dataset.order[: dataset.held_out]
    if run.test:
        used["test"] = np.arange(dataset.training, len(dataset.labels))
    return {split: ids.astype(np.int32) for split, ids in used.items()}
