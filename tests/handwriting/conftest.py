import pytest

from fastnet.handwriting import training


@pytest.fixture(scope="session")
def default_network():
    """The network that reads digits where none is given, trained once."""
    return training.train()
