import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fastnet import Dataset


@pytest.fixture(scope="session")
def data():
    """Training, validation and test data; the label is the index of the largest of three inputs."""
    random = np.random.default_rng(0)

    def draw(n):
        inputs = random.random((n, 3))
        return Dataset(inputs, inputs.argmax(axis=1))

    return draw(120), draw(50), draw(30)


@pytest.fixture
def threads_of_blas():
    """A function that returns the BLAS libraries' numbers of threads: {2}, unless the tested code limits them."""

    def used():
        return {library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"}

    with threadpool_limits(2, user_api="blas"):
        if used() != {2}:
            pytest.skip("the threads of this BLAS cannot be set")
        yield used
