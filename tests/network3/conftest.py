import pytest
from network3_in_numpy import CONVOLUTIONS, ENGINES

from fastnet import network3
from fastnet.engines import why_missing


@pytest.fixture(scope="session")
def mnist_arrays():
    return network3.load_data_shared()


def there(request):
    reason = why_missing(request.param)
    if reason is not None:
        pytest.skip(f"without {request.param}: {reason}")
    return request.param


@pytest.fixture(params=ENGINES)
def engine(request):
    return there(request)


@pytest.fixture(params=CONVOLUTIONS)
def of_images(request):
    """The name of an engine that supports all layers of chapter 6."""
    return there(request)


@pytest.fixture(params=["torch"])
def pytorch(request):
    return there(request)
