"""For the tests of the data: an empty cache without a network, a small set that passes for MNIST,
and bounds on time and memory."""

import contextlib
import signal
import tracemalloc

import pytest
from test_formats import make_genuine

from reproduce.data import loading
from reproduce.data.reading import Unusable
from reproduce.data.sources import fetch, npm, web


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache and no way to the network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(fetch.DATA_DIR_VARIABLE, raising=False)

    def offline(name, folder):
        raise Unusable("the network is down")

    monkeypatch.setattr(web, "download", offline)
    monkeypatch.setattr(npm, "npm_pack", offline)
    return tmp_path / "cache" / "dropout-reproduction"


@pytest.fixture
def mnist(monkeypatch):
    monkeypatch.setitem(loading.VALIDATION_EXAMPLES, "mnist", 2)
    return make_genuine(monkeypatch, "mnist")


@pytest.fixture
def no_hang():
    """A test that waits, as the reader of a pipe does, fails."""

    def waited(*_):
        pytest.fail("it hangs")

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(10)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture
def at_once(cache, no_hang, monkeypatch):
    """The network is not asked, and nothing hangs."""

    def asked(name, folder):
        pytest.fail("the network was asked")

    monkeypatch.setattr(web, "download", asked)


@pytest.fixture
def little_memory():
    """A context in which less is allocated at once than any of the tests' bombs unpacks to."""

    @contextlib.contextmanager
    def bounded(most=15_000_000):
        tracemalloc.start()
        try:
            yield
            assert tracemalloc.get_traced_memory()[1] < most
        finally:
            tracemalloc.stop()

    return bounded
