import numpy as np
import products
import pytest


@pytest.mark.parametrize("name", ["forward", "forward, above", "gradient", "backward"])
def test_the_kernels_products_are_numpys(name):
    ours, theirs, found = products.Layer(20, 37, 25, np.dtype(np.float32)).comparisons()[name]
    ours()
    np.testing.assert_allclose(found(), theirs(), rtol=0, atol=1e-4)
