"""Data files that are cut, mutated or bombs, from a folder and from a server: never taken as right.

Nothing here is the real data, so all of it must be refused, each in one sentence.
"""

import contextlib
import functools
import gzip
import http.server
import io
import pickle
import random
import threading
from pathlib import Path
from unittest import mock

import numpy as np

from reproduce.data.sources import fetch, web
from tests.faults.tried import Tried, call, harm_of


def npz(draw: random.Random) -> bytes:
    """MNIST's shapes, with other values; maybe of another type, or without an array."""
    return _npz(draw.choice(("uint8", "uint16", "float32")), draw.randrange(8))


@functools.cache
def _npz(kind: str, lacking: int) -> bytes:
    shapes = ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    named = zip(("x_train", "y_train", "x_test", "y_test"), shapes, strict=True)
    file = io.BytesIO()
    arrays = {n: np.zeros(s, kind) for i, (n, s) in enumerate(named) if i != lacking}
    np.savez_compressed(file, **arrays)
    return file.getvalue()


def idx(draw: random.Random) -> bytes:
    axes = draw.choice((1, 3))
    shape = [draw.choice((60_000, 10_000, 2**31 - 1)), 28, 28][:axes]
    return np.array([0x800 + axes, *shape], ">i4").tobytes() + bytes(draw.randrange(100_000))


def bomb(draw: random.Random) -> bytes:
    return _bomb()


@functools.cache
def _bomb() -> bytes:
    return gzip.compress(bytes(200_000_000), 1)


def batch(draw: random.Random) -> bytes:
    return pickle.dumps({"data": bytes(3072 * draw.randrange(100)), "labels": [1, 2, 3]})


def noise(draw: random.Random) -> bytes:
    return draw.randbytes(draw.randrange(100_000))


FILES = {
    "mnist": ("mnist.npz", "train-images-idx3-ubyte", "train-labels.idx1-ubyte.gz"),
    "cifar10": ("cifar10.npz", "data_batch_1.bin", "data_batch_1"),
    "cifar100": ("cifar-100-binary.tar.gz",),
    "svhn": ("train_32x32.mat",),
}
MAKERS = (npz, idx, bomb, batch, noise)
# Files of MNIST that may lie beside it.
IDX = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def mutated(content: bytes, draw: random.Random) -> bytes:
    """The same, or cut, or with some bytes changed."""
    how = draw.randrange(3)
    if how == 1:
        return content[: draw.randrange(len(content) + 1)]
    if how == 2 and content:
        changed = bytearray(content)
        for _ in range(draw.choice((1, 10, 1000))):
            changed[draw.randrange(len(changed))] = draw.randrange(256)
        return bytes(changed)
    return content


def check(count: int, draw: random.Random, folder: Path) -> Tried:
    tried = Tried()
    folder.mkdir(parents=True)
    unreachable = mock.patch.multiple(web, URLS=dict.fromkeys(web.URLS, ("http://127.0.0.1:9/x",)))
    no_npm = mock.patch.dict("os.environ", {"PATH": "", "XDG_CACHE_HOME": str(folder / "cache")})
    with unreachable, no_npm:
        for number in range(count):
            tried += _from_folder(draw, folder / str(number))
        for _ in range(max(2, count // 20)):
            tried += _from_server(draw, folder)
    return tried


def _from_folder(draw: random.Random, folder: Path) -> Tried:
    tried = Tried()
    folder.mkdir()
    name = draw.choice(sorted(FILES))
    maker, file = draw.choice(MAKERS), draw.choice(FILES[name])
    content = mutated(maker(draw), draw)
    for each in {file, draw.choice(IDX if name == "mnist" else (file,))}:
        (folder / each).write_bytes(gzip.compress(content, 1) if each.endswith(".gz") else content)
    status, said = call("data", name, "--data-dir", str(folder))
    tried.took(f"{maker.__name__} as {name}", harm_of(status, said, (2,)))
    for path in folder.iterdir():
        path.unlink()
    return tried


def _from_server(draw: random.Random, folder: Path) -> Tried:
    """A download that ends early, or lies about its length."""
    tried = Tried()
    content = npz(draw)
    cut = content[: draw.randrange(len(content))]
    stated = draw.choice((len(content), len(cut)))
    with _serving(cut, stated) as url, mock.patch.dict(web.URLS, {"mnist": (url,)}):
        status, said = call("data", "mnist")
    tried.took("download cut", harm_of(status, said, (2,)))
    if (fetch.cache_dir() / "mnist.npz").exists():
        tried.took("download cut", "it was kept")
    return tried


@contextlib.contextmanager
def _serving(content: bytes, stated: int):
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(stated))
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=functools.partial(server.serve_forever, 0.05), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/mnist.npz"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
