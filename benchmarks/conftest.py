import numpy as np
import pytest

from fastnet import Dataset, mnist_loader


def pytest_ignore_collect(collection_path, config):
    """Leave the benchmarks out of a plain `pytest`, which runs the tests."""
    plain = hasattr(config, "workerinput") or config.args_source is config.ArgsSource.TESTPATHS
    return True if plain and not config.getoption("benchmark_only", default=False) else None


def pytest_xdist_auto_num_workers(config):
    """Run benchmarks that the command line names in one process, as `pytest --benchmark-only` runs all benchmarks."""
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
