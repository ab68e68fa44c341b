"""Dropout of structured groups of units: whole feature maps, whole sequences."""

from typing import Any

import keras

from .dropout import Dropout


def check_data_format(data_format):
    data_format = keras.config.image_data_format() if data_format is None else data_format
    if data_format not in ("channels_last", "channels_first"):
        raise ValueError(
            "`data_format` is 'channels_last' or 'channels_first'. "
            f"Received: data_format={data_format!r}"
        )
    return data_format


class GroupDropout(Dropout):
    """Dropout whose masks have a shape of its own, so that it takes no `noise_shape`."""

    def __init__(self, rate: float, **kwargs: Any) -> None:
        if "noise_shape" in kwargs:
            raise TypeError(
                f"{type(self).__name__} takes no `noise_shape`: the shape of its masks is given. "
                f"Received: noise_shape={kwargs['noise_shape']!r}"
            )
        super().__init__(rate, **kwargs)

    def get_config(self):
        config = super().get_config()
        del config["noise_shape"]
        return config


@keras.saving.register_keras_serializable("dropout")
class SpatialDropout1D(GroupDropout):
    """Drops whole feature maps of sequences: one mask value for each example and channel.

    Args:
        rate: Float in [0, 1), the fraction of feature maps dropped.
        data_format: "channels_last" or "channels_first"; None for Keras's configured one.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Tensor of shape (batch, steps, channels), or (batch, channels, steps).
        training: Boolean; whether to drop feature maps.

    Output shape: the input's.

    Reference: Tompson et al., "Efficient object localization using convolutional networks",
    CVPR 2015.

    Example:

    >>> tuple(SpatialDropout1D(0.5)(keras.ops.ones((2, 4, 3))).shape)
    (2, 4, 3)
    """

    spatial_axes = 1

    def __init__(
        self,
        rate: float,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        *,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = check_data_format(data_format)
        self.input_spec = keras.layers.InputSpec(ndim=self.spatial_axes + 2)

    def _mask_shape(self, shape):
        ones = (1,) * self.spatial_axes
        if self.data_format == "channels_first":
            return (shape[0], shape[1], *ones)
        return (shape[0], *ones, shape[-1])

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


@keras.saving.register_keras_serializable("dropout")
class SpatialDropout2D(SpatialDropout1D):
    """Drops whole feature maps of images: one mask value for each example and channel.

    Args: those of `SpatialDropout1D`.

    Call arguments:
        inputs: Tensor of shape (batch, height, width, channels), or (batch, channels, height,
            width).
        training: Boolean; whether to drop feature maps.

    Output shape: the input's.

    Reference: Tompson et al., CVPR 2015.

    Example:

    >>> tuple(SpatialDropout2D(0.5)(keras.ops.ones((2, 4, 5, 3))).shape)
    (2, 4, 5, 3)
    """

    spatial_axes = 2

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed, name, dtype, data_format=data_format, **kwargs)


@keras.saving.register_keras_serializable("dropout")
class SpatialDropout3D(SpatialDropout2D):
    """Drops whole feature maps of volumes: one mask value for each example and channel.

    Args: those of `SpatialDropout1D`.

    Call arguments:
        inputs: Tensor of shape (batch, depth, height, width, channels), or (batch, channels,
            depth, height, width).
        training: Boolean; whether to drop feature maps.

    Output shape: the input's.

    Reference: Tompson et al., CVPR 2015.

    Example:

    >>> tuple(SpatialDropout3D(0.5)(keras.ops.ones((2, 4, 5, 6, 3))).shape)
    (2, 4, 5, 6, 3)
    """

    spatial_axes = 3


@keras.saving.register_keras_serializable("dropout")
class SequenceDropout(GroupDropout):
    """Drops the same units at every step of a sequence: one mask for the whole sequence.

    This is the input dropout of variational recurrent networks; `VariationalRNN` adds that of
    the recurrent connections.

    Args:
        rate: Float in [0, 1), the fraction of units dropped.
        seed: Optional integer in [0, 2^32).

    Call arguments:
        inputs: Tensor of shape (batch, steps, ...), of rank 3 or more.
        training: Boolean; whether to drop units.

    Output shape: the input's.

    Reference: Gal and Ghahramani, "A theoretically grounded application of dropout in recurrent
    neural networks", NeurIPS 2016.

    Example:

    >>> tuple(SequenceDropout(0.5)(keras.ops.ones((2, 7, 3))).shape)
    (2, 7, 3)
    """

    def __init__(self, rate: float, *, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(rate, seed=seed, **kwargs)
        self.input_spec = keras.layers.InputSpec(min_ndim=3)

    def _mask_shape(self, shape):
        return (shape[0], 1, *shape[2:])
