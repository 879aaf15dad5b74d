import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kernels.layer_0 import Layer0, Order

from fastnet.kernels import choice, inputs
from fastnet.kernels.compiler import kernel
from fastnet.kernels.inputs import Matrix, Rows, inputs_of, rows_of
from fastnet.kernels.layout import NUMBERS_IN_CACHE
from fastnet.kernels.structures import Reference
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
KINDS = (Matrix, Rows)


@kernel
def copy_row(x, i, a, start):
    inputs.prefetch_row(x, i)
    inputs.copy_row(x, i, a, start)


def laid_out(kind, matrix, dtype="float64"):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "without_zeros", lambda density: kind is Rows)
        x = inputs_of(matrix, np.dtype(dtype))
    assert isinstance(x, kind)
    return x


def matrix_of(x, columns):
    """Return the matrix that `x` stores."""
    if isinstance(x, Matrix):
        assert x.columns == columns
        return x.values.reshape(-1, columns)
    matrix = np.zeros((len(x.starts) - 1, columns), x.values.dtype)
    for i, row in enumerate(matrix):
        part = slice(x.starts[i], x.starts[i + 1])
        # Columns must be unique, because the kernel updates the weights of two columns at a time.
        assert (np.diff(x.columns[part].astype(int)) > 0).all()
        row[x.columns[part]] = x.values[part]
    return matrix


def sparse(random, shape, zeros):
    return random.standard_normal(shape) * (random.random(shape) >= zeros)


@pytest.mark.parametrize("kind", KINDS)
@given(
    n=st.integers(0, 8),
    n_in=st.integers(1, 20),
    zeros=st.sampled_from([0.0, 0.8, 1.0]),
    types=st.tuples(st.sampled_from(DTYPES), st.sampled_from(DTYPES)),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=50)
def test_the_matrix_is_all_there(kind, n, n_in, zeros, types, seed):
    matrix = sparse(np.random.default_rng(seed), (n, n_in), zeros).astype(types[0])
    x = laid_out(kind, matrix, types[1])
    np.testing.assert_array_equal(matrix_of(x, n_in), matrix.astype(types[1]), strict=True)
    assert x.samples == n
    if kind is Rows:
        assert len(x.values) == len(x.columns) == x.starts[-1] == np.count_nonzero(matrix)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_matrix_may_be_part_of_another_and_stays_as_it_is(kind, dtype):
    for order in "CF":
        matrix = np.array(np.arange(12.0).reshape(4, 3), dtype, order=order)
        before = matrix.copy()
        for view in (matrix, matrix[::2], matrix[:, 1:]):
            x = laid_out(kind, view, dtype)
            np.testing.assert_array_equal(matrix_of(x, view.shape[1]), view)
            assert view.flags.writeable
        np.testing.assert_array_equal(matrix, before)


def test_few_numbers_are_kept_without_zeros_and_many_with_them():
    matrix = np.zeros((10, 10))
    asked = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choice, "without_zeros", lambda density: asked.append(density) or True)
        for numbers in (0, 1, 55, 100):
            matrix.flat[:numbers] = 1
            inputs_of(matrix, np.dtype("float64"))
        inputs_of(matrix[:0], np.dtype("float64"))
    assert asked == [0, 0.01, 0.55, 1, 0]

    matrix[:] = 1
    assert isinstance(inputs_of(matrix, np.dtype("float64")), Matrix)
    matrix[:, 1:] = 0
    assert isinstance(inputs_of(matrix, np.dtype("float64")), Rows)


@pytest.mark.parametrize("n_in", [1 << 16, (1 << 16) + 1])
@pytest.mark.parametrize("given", [np.int32, np.int64])
def test_a_sparse_matrix_is_laid_out_as_a_dense_one_is(n_in, given):
    matrix = np.zeros((3, n_in))
    matrix[0, [1, -1]], matrix[2, 0] = [7, 3], 5
    expected = laid_out(Rows, matrix, "float32")
    arrays = np.array([0, 2, 2, 3], given), np.array([1, n_in - 1, 0], given), np.array([7.0, 3, 5])
    for array in arrays:
        array.flags.writeable = False  # as in arrays that joblib shares between processes
    x = rows_of(*arrays, n_in, np.dtype("float32"))
    for ours, theirs in zip(x, expected, strict=True):
        np.testing.assert_array_equal(ours, theirs, strict=True)
    assert Reference(x)._numba_type_ == Reference(expected)._numba_type_
    assert rows_of(*x, n_in, np.dtype("float32")).values is x.values


@pytest.mark.parametrize(("n_in", "dtype"), [(1 << 16, np.uint16), ((1 << 16) + 1, np.uint32)])
def test_the_last_column_of_a_wide_matrix(n_in, dtype):
    matrix = np.zeros((2, n_in), np.float32)
    matrix[0, -1], matrix[1, [0, -2, -1]] = 7, [3, 5, 2]
    x = laid_out(Rows, matrix, "float32")
    assert x.columns.dtype == dtype
    np.testing.assert_array_equal(matrix_of(x, n_in), matrix)

    width = lanes_of("float32")
    w, z = np.zeros((n_in, width), np.float32), np.zeros((2, width), np.float32)
    w[[0, -2, -1]] = np.arange(1, 3 * width + 1).reshape(3, width)
    order, layer = Order(np.arange(2), np.arange(2)), Layer0(n_in, 2, z.ravel(), z.ravel())
    layer.multiply(x, order, w.ravel(), 0, width)
    np.testing.assert_array_equal(z, [7 * w[-1], 3 * w[0] + 5 * w[-2] + 2 * w[-1]])
    expected = w + matrix.T @ z
    layer.accumulate(x, order, w.ravel(), 0, width)
    np.testing.assert_array_equal(w, expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_is_not_lost(dtype):
    matrix = np.array([[0.0, np.nan, np.inf, -0.0], [-np.inf, 0.0, np.finfo(dtype).smallest_subnormal, 0.0]], dtype)
    rows = laid_out(Rows, matrix, dtype)
    assert rows.starts.tolist() == [0, 2, 4]
    assert rows.columns.tolist() == [1, 2, 0, 2]
    np.testing.assert_array_equal(rows.values, matrix[matrix != 0])
    np.testing.assert_array_equal(matrix_of(laid_out(Matrix, matrix, dtype), 4), matrix)


def between(panels):
    """Return the panels as a flat array, with one panel of NaN before them and one after them."""
    around = np.full_like(panels, np.nan, shape=(1, *panels.shape[1:]))
    return np.concatenate([around, panels, around]).ravel()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@given(
    numbers=st.lists(st.integers(0, 7), min_size=1, max_size=6),
    picked=st.lists(st.integers(0, 5), max_size=13),
    upcoming=st.lists(st.integers(0, 5), max_size=15),
    n_in=st.sampled_from([7, 8, NUMBERS_IN_CACHE, 2 * NUMBERS_IN_CACHE + 3]),
    panels=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=50)
def test_products_with_rows_of_so_many_numbers(kind, dtype, numbers, picked, upcoming, n_in, panels, seed):
    """The numbers are integers, because sums of integers are exact in any order."""
    random = np.random.default_rng(seed)
    width = lanes_of(dtype)
    matrix = np.zeros((len(numbers), n_in), dtype)
    for row, count in zip(matrix, numbers, strict=True):
        row[random.permutation(n_in)[:count]] = random.integers(1, 10, count) * random.choice([-1, 1], count)
    x = laid_out(kind, matrix, dtype)
    mini_batch, upcoming = (np.array([i % len(numbers) for i in which], np.int64) for which in (picked, upcoming))
    w = random.integers(-9, 10, (panels, n_in, width)).astype(dtype)
    d = random.integers(-9, 10, (panels, len(picked), width)).astype(dtype)

    z, sums, neurons = between(np.full_like(d, np.nan)), between(w), (width, (1 + panels) * width)
    layer, order = Layer0(n_in, len(picked), z, between(d)), Order(mini_batch, upcoming)
    layer.multiply(x, order, between(w), *neurons)
    np.testing.assert_array_equal(z, between(matrix[mini_batch] @ w), strict=True)
    layer.accumulate(x, order, sums, *neurons)
    np.testing.assert_array_equal(sums, between(w + matrix[mini_batch].T @ d), strict=True)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
@given(n=st.integers(1, 4), n_in=st.integers(1, 40), start=st.integers(0, 3), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=30)
def test_a_row_is_copied(kind, dtype, n, n_in, start, seed):
    """The destination must initially be 0, because `Rows` stores only nonzero inputs."""
    matrix = sparse(np.random.default_rng(seed), (n, n_in), 0.5).astype(dtype)
    x = laid_out(kind, matrix, dtype)
    for i in range(n):
        a = np.full(start + n_in + lanes_of(dtype), np.nan, dtype)
        a[start:][:n_in] = 0
        expected = a.copy()
        expected[start:][:n_in] = matrix[i]
        copy_row(x, i, a, start)
        np.testing.assert_array_equal(a, expected, strict=True)


@pytest.mark.parametrize("kind", KINDS)
def test_an_input_that_is_not_a_number_makes_all_of_its_row_none(kind):
    width = lanes_of("float64")
    x = laid_out(kind, np.array([[1.0, 2.0, 0.0], [np.nan, 1.0, 0.0], [0.0, np.inf, 1.0]]))
    w, z = np.ones((3, width)), np.zeros((3, width))
    order = Order(np.arange(3), np.arange(0))
    Layer0(3, 3, z.ravel(), z.ravel()).multiply(x, order, w.ravel(), 0, width)
    np.testing.assert_array_equal(z[:, 0], [3, np.nan, np.inf])
    np.testing.assert_array_equal(z, np.broadcast_to(z[:, :1], z.shape))
