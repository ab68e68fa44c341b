"""TensorFlow without its start-up chatter."""

import os
from types import ModuleType


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow; what its libraries print to standard error on loading is dropped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On by itself on newer Intel processors only; on others convolutions take up to 3.5 times as
    # long without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Takes of a GPU's memory what it needs, so that several workers fit beside each other.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    # float32 on a GPU too: by itself it multiplies numbers rounded to ten bits (TF32).
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    # Each network has a program of its own: that there are many is no mistake.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
