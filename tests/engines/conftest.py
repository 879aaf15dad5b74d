import pytest
from engines.names import CONVOLUTIONAL

from fastnet.engines import why_missing


@pytest.fixture(params=CONVOLUTIONAL)
def engine_of_images(request):
    """The name of an engine that supports convolutional networks."""
    if why_missing(request.param) is not None:
        pytest.skip(f"engine {request.param}: {why_missing(request.param)}")
    return request.param
