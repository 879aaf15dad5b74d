import pytest

from fastnet.handwriting import training


@pytest.fixture(scope="session")
def default_network():
    """The default network for handwritten digits, trained once in a test session."""
    return training.train()
