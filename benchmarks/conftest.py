import numpy as np
import pytest

from fastnet import Dataset, mnist_loader


def pytest_ignore_collect(collection_path, config):
    """Exclude the benchmarks from a plain `pytest`, which runs only the tests."""
    plain = hasattr(config, "workerinput") or config.args_source is config.ArgsSource.TESTPATHS
    return True if plain and not config.getoption("benchmark_only", default=False) else None


def pytest_xdist_auto_num_workers(config):
    """Use a single process if the command line names benchmarks. Otherwise, `tests/conftest.py` decides."""
    return None if config.args_source is config.ArgsSource.TESTPATHS else 0


@pytest.fixture(scope="session")
def training_data():
    """The 50,000 digits, with one-hot targets."""
    return mnist_loader.load_data_wrapper()[0]


@pytest.fixture(scope="session")
def order():
    return np.random.RandomState(1).permutation(50_000)


@pytest.fixture(scope="session")
def few_samples(training_data):
    """500 samples, few enough to check a benchmark's result quickly."""
    return Dataset(training_data.inputs[:500], training_data.targets[:500])
