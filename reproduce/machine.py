"""What a run must know about its machine and its code."""

import os
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

from reproduce.errors import UserError
from reproduce.files import OwnFolder, remove_deserted

MOST_WORKERS = 8
# The begin of a temporary folder's name.
TEMPORARY = "reproduce-"
# Keras and TensorFlow Lite import these where they are installed, for what is not used here: a
# quarter of the time in which a process starts.
UNUSED = {"jax", "matplotlib.pyplot", "sklearn"}


def cores() -> int:
    """Processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_workers() -> int:
    """For small networks, one process per core with one thread each is faster than one process on
    all cores. A GPU is best used by one process."""
    return 1 if has_gpu() else min(cores(), MOST_WORKERS)


def has_gpu() -> bool:
    """Whether there is a GPU to be used; found without TensorFlow."""
    # Both hide every GPU.
    is_hidden = os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1")
    return Path("/dev/nvidiactl").exists() and not is_hidden


def temporary_folder() -> tempfile.TemporaryDirectory:
    """A folder for this process; those of processes that were killed are removed."""
    try:
        parent = Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise UserError(f"{error.strerror}; set TMPDIR to a folder that can be written") from None
    remove_deserted(parent, TEMPORARY)
    return OwnFolder(parent, TEMPORARY)


def import_tensorflow() -> ModuleType:
    """Imports TensorFlow and discards what its libraries print to standard error on loading."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # oneDNN is on by default only on newer Intel processors. On others, convolutions take up to 3.5
    # times as long without it.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # Takes only the GPU memory that it needs, so that several workers fit on one GPU.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    stderr, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    hidden: dict[str, Any] = dict.fromkeys(UNUSED - sys.modules.keys())
    sys.modules.update(hidden)
    try:
        import tensorflow
    finally:
        for name in hidden:
            del sys.modules[name]
        os.dup2(stderr, 2)
        os.close(stderr)
        os.close(nowhere)
    # float32 on a GPU too: by default TensorFlow multiplies numbers rounded to ten bits (TF32).
    tensorflow.config.experimental.enable_tensor_float_32_execution(False)
    # No warnings about many compiled programs: each network needs its own.
    tensorflow.get_logger().setLevel("ERROR")
    return tensorflow


def use_threads(count: int) -> None:
    """Limits TensorFlow in this process to `count` threads; call it before any computation."""
    tensorflow = import_tensorflow()
    tensorflow.config.threading.set_intra_op_parallelism_threads(count)
    tensorflow.config.threading.set_inter_op_parallelism_threads(count)


def use_gpu(number: int) -> None:
    """Limits TensorFlow in this process to one of the GPUs, if there are any."""
    config = import_tensorflow().config
    if gpus := config.list_physical_devices("GPU"):
        config.set_visible_devices(gpus[number % len(gpus)], "GPU")


def use_tf32(is_wanted: bool) -> None:
    """Whether TensorFlow in this process multiplies numbers rounded to ten bits (TF32), which some
    GPUs do several times as fast; a program keeps the setting that it was compiled with."""
    import_tensorflow().config.experimental.enable_tensor_float_32_execution(is_wanted)


def precision() -> str:
    """How TensorFlow multiplies in this process: "float32", or "tf32" on a GPU that was asked to
    round. A CPU rounds nothing, whatever was asked for."""
    config = import_tensorflow().config.experimental
    return "tf32" if has_gpu() and config.tensor_float_32_execution_enabled() else "float32"
