"""TensorFlow without its start-up chatter."""

import os
from types import ModuleType


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow; what its libraries print to standard error on loading is dropped."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # On by itself on newer Intel processors only; on others convolutions take up to 3.5 times as
    # long without.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        import tensorflow
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    # Each network has a program of its own: that there are many is no mistake.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow
