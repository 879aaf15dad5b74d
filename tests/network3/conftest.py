import pytest


@pytest.fixture(scope="session")
def mnist_tensors():
    network3 = pytest.importorskip("fastnet.network3")
    return network3.load_data_shared(device="cpu")
