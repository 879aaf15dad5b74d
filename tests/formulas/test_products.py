import numpy as np
import pytest

from fastnet.formulas.products import product


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_it_is_the_product_and_no_flag_of_the_processor_is_reported(dtype):
    """`product` reports no overflow or invalid operation, because BLAS can set the flags of both without reason."""
    largest = np.finfo(dtype).max
    a = np.array([[largest, 2], [1, 0]], dtype)
    b = np.array([[2, 1], [3, -np.inf]], dtype)
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(product(a, b), [[np.inf, -np.inf], [2, np.nan]])
