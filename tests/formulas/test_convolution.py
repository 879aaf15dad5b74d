"""Compares convolution and pooling with SciPy, and their gradients with PyTorch's automatic differentiation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastnet.formulas import convolution
from fastnet.formulas.layers import Convolution, MaxPooling

SIDES = st.tuples(st.integers(1, 4), st.integers(1, 4))


def drawn(maps, shape, layer, seed):
    random = np.random.default_rng(seed)
    images = random.standard_normal((2, maps, *shape))
    w = random.standard_normal((layer.filters, maps, *layer.shape))
    return images, w


@given(st.integers(1, 3), st.tuples(st.integers(4, 7), st.integers(4, 7)), st.integers(1, 3), SIDES,
       st.sampled_from(["valid", "same"]), st.integers(0, 99))  # fmt: skip
@settings(max_examples=40, deadline=None)
def test_patches_make_the_convolution_a_product(maps, shape, filters, sides, padding, seed):
    signal = pytest.importorskip("scipy.signal")
    layer = Convolution(filters, sides, "linear", padding)
    images, w = drawn(maps, shape, layer, seed)
    padded = convolution.padded(images, layer.borders())
    rows = convolution.patches(padded, sides) @ w.reshape(filters, -1).T
    z = convolution.rows_as_samples(rows, 2).reshape(2, *layer.output_shape((maps, *shape)))
    for image, own in zip(padded, z, strict=True):
        for of_filter, one in zip(own, w, strict=True):
            np.testing.assert_allclose(of_filter, signal.correlate(image, one, "valid")[0], rtol=0, atol=1e-12)
    if padding == "same":
        assert z.shape[2:] == shape
    np.testing.assert_array_equal(convolution.places_as_rows(z.reshape(2, -1), filters), rows)

    torch = pytest.importorskip("torch")
    x, weights = torch.tensor(images, requires_grad=True), torch.tensor(w)
    (above, below), (left, right) = layer.borders()
    around = torch.nn.functional.pad(x, (left, right, above, below))
    errors = np.random.default_rng(seed).standard_normal(z.shape)
    torch.nn.functional.conv2d(around, weights).backward(torch.tensor(errors))
    of_patches = convolution.places_as_rows(errors.reshape(2, -1), filters) @ w.reshape(filters, -1)
    found = convolution.add_patches(of_patches, sides, (maps, *shape), layer.borders())
    np.testing.assert_allclose(found, x.grad.numpy(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("sides", [(1, 1), (2, 3), (3, 2), (4, 4), (5, 6)])
@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")
def test_borders_are_those_of_pytorch(sides):
    torch = pytest.importorskip("torch")
    layer = Convolution(2, sides, "linear", "same")
    images, w = drawn(2, (4, 5), layer, 0)
    rows = convolution.patches(convolution.padded(images, layer.borders()), sides) @ w.reshape(2, -1).T
    expected = torch.nn.functional.conv2d(torch.tensor(images), torch.tensor(w), padding="same").numpy()
    np.testing.assert_allclose(convolution.rows_as_samples(rows, 2), expected.reshape(2, -1), rtol=0, atol=1e-12)


@given(SIDES, st.tuples(st.integers(4, 9), st.integers(4, 9)), st.booleans(), st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_pooling_and_back_are_pytorchs(sides, shape, ties, seed):
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(seed)
    images = random.standard_normal((2, 3, *shape))
    if ties:
        images = np.round(images)
    x = torch.tensor(images, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(x, sides)
    largest, places = convolution.max_pool(images, sides)
    np.testing.assert_array_equal(largest, expected.detach().numpy())
    assert largest.shape[1:] == MaxPooling(sides).output_shape((3, *shape))
    errors = random.standard_normal(largest.shape)
    expected.backward(torch.tensor(errors))
    np.testing.assert_array_equal(convolution.max_pool_back(errors, places, sides, (3, *shape)), x.grad.numpy())


def test_of_equal_numbers_the_first_row_by_row_is_the_largest():
    image = np.array([[[[0.0, 2.0, 1.0], [2.0, 2.0, 1.0]]]])
    largest, places = convolution.max_pool(image, (2, 3))
    assert (largest.tolist(), places.tolist()) == ([[[[2.0]]]], [[[[1]]]])
    back = convolution.max_pool_back(np.array([[[[7.0]]]]), places, (2, 3), (1, 2, 3))
    assert back.tolist() == [[[[0.0, 7.0, 0.0], [0.0, 0.0, 0.0]]]]
