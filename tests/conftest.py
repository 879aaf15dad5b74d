import os
import shutil
import signal
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import platformdirs
import pytest
from joblib import cpu_count

if "PYTEST_XDIST_WORKER" in os.environ:  # one thread per process, because xdist's processes share the processors
    os.environ.setdefault("OMP_NUM_THREADS", "1")

from fastnet import mnist_loader
from fastnet.engines import ENGINES, engine_class, why_missing
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import QuadraticCost


def pytest_configure(config):
    """Make subprocesses import this checkout, and keep fastnet's files out of the user's cache folder."""
    checkout = str(Path(__file__).parents[1])
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (checkout, os.environ.get("PYTHONPATH"))))
    if not hasattr(config, "workerinput"):  # only in the main process, whose environment xdist's workers inherit
        os.environ.setdefault("NUMBA_CACHE_DIR", str(platformdirs.user_cache_path("fastnet-tests")))
        os.environ["XDG_CACHE_HOME"] = folder = tempfile.mkdtemp(prefix="fastnet-tests-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))


def pytest_xdist_auto_num_workers(config):
    """Use several processes for the whole suite, but not for selected tests or benchmarks.

    The number of processes is the number of processors plus 1, because tests that wait for other processes or timers
    use no processor.
    """
    whole = config.args_source is config.ArgsSource.TESTPATHS and not config.getoption("benchmark_only", default=False)
    return 1 + cpu_count() if whole else 0


# Slow test files run first, so that all processes end at about the same time. The first file compiles all kernels, and
# most other files load these kernels from the disk. The next four files do not need these kernels, so they can run
# while the first file compiles them.
LONG = (
    "commands/test_compile.py",
    "commands/test_sweep_on_cluster.py",
    "pytorch_mnist/test_command.py",
    "kernels/test_processors.py",
    "kernels/test_cache.py",
    "test_package.py",
    "test_readme.py",
    "book/test_pictures.py",
    "handwriting/test_predictions.py",
    "utils/test_interruption.py",
    "test_concurrency.py",
    "commands/test_sweep.py",
    "commands/test_train.py",
    "engines/test_parity.py",
    "neural_network/test_parallel.py",
    "neural_network/test_checks.py",
    "test_network.py",
)


def pytest_collection_modifyitems(items):
    """Run the slow files first."""
    rank = {Path(__file__).parent / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def signals_as_python_has_them():
    """Set Python's SIGINT handler, because background jobs may ignore SIGINT. Restore the handlers afterwards."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler), signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGINT, before[0])
    signal.signal(signal.SIGTERM, before[1])


def pytest_make_parametrize_id(config, val, argname):
    """Use the argument's name as the test id of an argument of type bytes.

    An id made from the bytes could differ between xdist's processes, because archives contain the time.
    """
    return argname if isinstance(val, bytes) else None


def pytest_ignore_collect(collection_path, config):
    """Collect no tests for `pytest --benchmark-only` without paths."""
    plain = config.args_source is config.ArgsSource.TESTPATHS
    return True if plain and config.getoption("benchmark_only", default=False) else None


@pytest.fixture(scope="session")
def mnist():
    """Training, validation and test data of MNIST."""
    return mnist_loader.load_data_wrapper()


def skip_if_missing(name):
    if why_missing(name) is not None:
        pytest.skip(f"engine {name}: {why_missing(name)}")


@pytest.fixture(params=ENGINES)
def engine_name(request):
    skip_if_missing(request.param)
    return request.param


@pytest.fixture
def make_engine():
    """A function that makes the named engine for a network of dense layers with the given parameters."""

    def make(name, sizes, weights, biases, data=None, dtype="float64", activation="sigmoid", cost=QuadraticCost):
        skip_if_missing(name)
        architecture = Architecture.dense(sizes, np.dtype(dtype), activation, cost)
        return engine_class(name)(architecture, architecture.parameters(weights, biases), data)

    return make


@pytest.fixture
def draw_parameters():
    """A function that draws weights and biases. The weights are scaled so that no neuron is saturated."""

    def draw(sizes, random):
        biases = [random.standard_normal((y, 1)) for y in sizes[1:]]
        weights = [random.standard_normal((y, x)) / np.sqrt(x) for x, y in pairwise(sizes)]
        return weights, biases

    return draw
