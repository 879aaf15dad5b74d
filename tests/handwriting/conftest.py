import pytest

from fastnet import handwriting


@pytest.fixture(scope="session")
def default_network():
    """The network that reads digits where none is given, trained once."""
    return handwriting.default_network()
