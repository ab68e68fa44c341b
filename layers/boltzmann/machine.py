"""What Boltzmann machines of any depth share: their settings, and how their units are sampled."""

from typing import Any

import keras
from keras import ops

from ..checks import check_count, check_seed
from ..noise.masks import random_uniform
from ..noise.stream import stream_of

# Of initial weights: Hinton, "A practical guide to training restricted Boltzmann machines" (2010),
# section 8.
DEVIATION = 0.01


class Machine(keras.layers.Layer):
    """The arguments that `RBM` and `DBM` explain; `rate` is the fraction of units dropped."""

    def __init__(
        self,
        steps: int,
        chains: int,
        kernel_initializer: Any,
        visible_initializer: Any,
        hidden_initializer: Any,
        kernel_regularizer: Any,
        seed: int | None,
        rate: float,
        /,  # so that `rate` is no keyword of a DBM's
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.input_spec = keras.layers.InputSpec(ndim=2)
        self.steps, self.chains = check_count("steps", steps), chains
        self.seed = seed if seed is None else check_seed(seed)
        self.kernel_initializer = keras.initializers.get(kernel_initializer)
        self.visible_initializer = keras.initializers.get(visible_initializer)
        self.hidden_initializer = keras.initializers.get(hidden_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)
        self.stream = stream_of(self, seed, rate)

    def _initializer_of(self, layer: int) -> keras.initializers.Initializer:
        """Of the kernel above that layer, the visible one being 0. Ours differ in their values."""
        seed = None if self.seed is None else (self.seed + layer) % 2**32
        small = keras.initializers.RandomNormal(stddev=DEVIATION, seed=seed)
        return self.kernel_initializer or small

    def _precise(self, tensor: Any) -> Any:
        """In float32 at least: a loss in half precision would add up to few digits, and Keras adds
        none to those of float32."""
        return ops.cast(tensor, keras.backend.result_type(self.compute_dtype, "float32"))

    def _sample(self, probabilities):
        """Units that are 1 with these probabilities, else 0."""
        uniform = self.stream.bits(random_uniform, tuple(ops.shape(probabilities)))
        self.stream.advance()
        return ops.cast(uniform < ops.cast(probabilities, "float32"), self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "steps": self.steps,
            "chains": self.chains,
            "kernel_initializer": keras.initializers.serialize(self.kernel_initializer),
            "visible_initializer": keras.initializers.serialize(self.visible_initializer),
            "hidden_initializer": keras.initializers.serialize(self.hidden_initializer),
            "kernel_regularizer": keras.regularizers.serialize(self.kernel_regularizer),
            "seed": self.seed,
        }
