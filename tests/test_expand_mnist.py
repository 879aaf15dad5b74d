import contextlib
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.caching import NullCache

from fastnet import Dataset, expand_mnist
from fastnet.kernels import deformation, threads
from fastnet.kernels.compiler import kernel
from fastnet.utils import progress

NOTHING = {"rotation": 0, "shift": 0, "elastic": 0}


def images_of(data):
    side = int(data.inputs.shape[1] ** 0.5)
    return data.inputs.reshape(-1, side, side)


def data_of(images, targets=None):
    images = np.asarray(images)
    return Dataset(images.reshape(len(images), -1), np.arange(len(images)) if targets is None else targets)


def random_data(n, side, dtype=np.float32):
    random = np.random.default_rng(0)
    return data_of(random.integers(0, 256, (n, side, side)).astype(dtype) / 256)


def blob(side=28, row=14, column=14, deviation=2.5):
    """Return an image of a Gaussian whose centre of mass is (row, column), which may lie between pixels."""
    rows, columns = np.mgrid[:side, :side]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * deviation**2)).astype(np.float32)


def centres_of(images):
    """Return the rows and the columns of the images' centres of mass."""
    places = np.arange(images.shape[1])
    weights = images.sum(axis=(1, 2))
    return (images.sum(axis=2) @ places) / weights, (images.sum(axis=1) @ places) / weights


# Tests of `expand`.


def test_an_image_and_its_four_copies():
    expanded = expand_mnist.expand([(np.arange(1.0, 10.0)[:, np.newaxis], 3)])
    np.testing.assert_array_equal(
        images_of(expanded),
        [
            [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
            [[0, 0, 0], [1, 2, 3], [4, 5, 6]],
            [[4, 5, 6], [7, 8, 9], [0, 0, 0]],
            [[0, 1, 2], [0, 4, 5], [0, 7, 8]],
            [[2, 3, 0], [5, 6, 0], [8, 9, 0]],
        ],
    )
    np.testing.assert_array_equal(expanded.targets, [3] * 5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_it_is_what_the_books_program_makes(dtype):
    data = random_data(3, 28, dtype)
    pairs = []
    for x, y in data:  # the loop of the book's program
        pairs.append((x, y))
        image = np.reshape(x, (-1, 28))
        for d, axis, index_position, index in [(1, 0, "first", 0), (-1, 0, "first", 27), (1, 1, "last", 0),
                                               (-1, 1, "last", 27)]:  # fmt: skip
            new_img = np.roll(image, d, axis)
            if index_position == "first":
                new_img[index, :] = np.zeros(28)
            else:
                new_img[:, index] = np.zeros(28)
            pairs.append((np.reshape(new_img, (784, 1)), y))
    expected = Dataset.from_pairs(pairs)
    expanded = expand_mnist.expand(data)
    np.testing.assert_array_equal(expanded.inputs, expected.inputs, strict=True)
    np.testing.assert_array_equal(expanded.targets, expected.targets, strict=True)


def test_vectors_go_with_their_images():
    vectors = np.eye(3)[[2, 0]]
    expanded = expand_mnist.expand(data_of(np.zeros((2, 1, 1)), vectors))
    np.testing.assert_array_equal(expanded.targets, np.repeat(vectors, 5, axis=0), strict=True)


def test_expanding_takes_no_more_memory_than_the_result():
    data = random_data(1000, 28)
    tracemalloc.start()
    expanded = expand_mnist.expand(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.05 * (expanded.inputs.nbytes + expanded.targets.nbytes)


# Tests of the kernel `deform`: comparison with SciPy, and with shifted and rotated images.


def deformed_by_kernel(images, transforms, noise=None, elastic=0.0, smoothness=4.0, workspace=None):
    n, side, _ = images.shape
    noise = np.empty((0, 2, side, side), np.uint8) if noise is None else noise
    deformed = np.full((n, side * side), np.nan, np.float32)
    deformation.deform(
        data_of(images).inputs,
        side,
        np.array(transforms, np.float64),
        noise.reshape(len(noise), 2, side * side),
        elastic,
        expand_mnist._smoothing(side, smoothness).ravel(),
        deformed,
        workspace or deformation.workspace_for(side),
    )
    return deformed.reshape(images.shape)


@pytest.mark.parametrize("side", [1, 2, 5, 28])
def test_whole_pixels_and_quarter_turns_are_exact(side):
    image = images_of(random_data(1, side))[0]
    down, right, turned, mirrored, far, nowhere = deformed_by_kernel(
        np.stack([image] * 6),
        [
            [1, 0, -1, 0, 1, 0],
            [1, 0, 0, 0, 1, -1],
            [0, 1, 0, -1, 0, 0],
            [1, 0, 0, 0, -1, 0],
            [1, 0, 1e300, 0, 1, 0],
            [np.nan, 0, 0, 0, np.nan, 0],
        ],
    )
    np.testing.assert_array_equal(down, np.pad(image, ((1, 0), (0, 0)))[:-1])
    np.testing.assert_array_equal(right, np.pad(image, ((0, 0), (1, 0)))[:, :-1])
    np.testing.assert_array_equal(turned, np.rot90(image))
    np.testing.assert_array_equal(mirrored, image[:, ::-1])
    assert not far.any()
    assert not nowhere.any()


def test_between_pixels_it_is_the_mean_and_outside_there_is_nothing():
    image = np.array([[[0, 0, 0], [0, 0.5, 0.25], [0, 0, 0]]], np.float32)
    (deformed,) = deformed_by_kernel(image, [[1, 0, 0.5, 0, 1, 0.5]])
    np.testing.assert_array_equal(deformed, [[0.125, 0.1875, 0.0625], [0.125, 0.1875, 0.0625], [0, 0, 0]])
    (faint,) = deformed_by_kernel(np.full((1, 1, 1), 3 / 256, np.float32), [[1, 0, 0.85, 0, 1, 0]])
    assert faint[0, 0] == 0  # 0.45 / 256 is rounded to 0


def test_earlier_noise_is_forgotten():
    workspace, image = deformation.workspace_for(5), images_of(random_data(1, 5))
    noise = np.random.default_rng(0).integers(0, 256, (1, 2, 5, 5), dtype=np.uint8)
    unchanged = [[1, 0, 0, 0, 1, 0]]
    assert (deformed_by_kernel(image, unchanged, noise, 9.0, workspace=workspace) != image).any()
    np.testing.assert_array_equal(deformed_by_kernel(image, unchanged, workspace=workspace), image)


@given(
    side=st.sampled_from([1, 3, 16, 17, 28, 33, 70]),  # smaller and larger than the kernel's panels
    smoothness=st.sampled_from([0.0, 0.3, 0.5, 1.0, 4.0, 60.0]),
    elastic=st.floats(0, 100),
    transform=st.lists(st.floats(-1.5, 1.5), min_size=6, max_size=6),
    seed=st.integers(0, 2**32 - 1),
)
@settings(deadline=None, max_examples=60)
def test_it_is_what_scipy_computes(side, smoothness, elastic, transform, seed):
    ndimage = pytest.importorskip("scipy.ndimage")
    random = np.random.default_rng(seed)
    # The kernel rounds positions to float32. Smoothing makes the resulting errors of the grey values smaller.
    image = ndimage.gaussian_filter(random.random((side, side)), 1)
    noise = random.integers(0, 256, (1, 2, side, side), dtype=np.uint8)
    (deformed,) = deformed_by_kernel(image[np.newaxis], [transform], noise, elastic, smoothness)

    fields = [
        ndimage.gaussian_filter(field / 127.5 - 1, smoothness, mode="constant", radius=400) if smoothness else
        field / 127.5 - 1
        for field in noise[0]
    ]  # fmt: skip
    middle = (side - 1) / 2
    places = np.mgrid[:side, :side] - middle
    matrix, column = np.reshape(transform, (2, 3))[:, :2], np.reshape(transform, (2, 3))[:, 2]
    places = np.tensordot(matrix, places, 1) + column[:, np.newaxis, np.newaxis] + middle + elastic * np.array(fields)
    expected = ndimage.map_coordinates(image, places, order=1, mode="grid-constant")
    np.testing.assert_allclose(deformed, expected, rtol=0, atol=0.5 / 256 + 1e-3)
    np.testing.assert_array_equal(deformed * 256, np.floor(deformed * 256))


# Tests of the random transformations of `deform`.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_to_deform_leaves_all_as_it_is(dtype):
    data = random_data(3, 5, dtype)
    assert expand_mnist.deform(data, **NOTHING) is data
    for part in ("rotation", "shift", "elastic"):
        deformed = expand_mnist.deform(data, **{**NOTHING, part: 1e-9})
        np.testing.assert_array_equal(deformed.inputs, data.inputs.astype(np.float32), strict=True)


def test_images_are_shifted_by_at_most_that_much_in_all_directions():
    data = data_of(np.stack([blob()] * 500))
    down, right = (c - 14 for c in centres_of(images_of(expand_mnist.deform(data, **{**NOTHING, "shift": 3}, seed=0))))
    for shifts in (down, right):
        assert -3.02 < shifts.min() < -2.9
        assert 2.9 < shifts.max() < 3.02
        assert abs(shifts.mean()) < 0.3
        assert abs(shifts.std() - 3 / 3**0.5) < 0.15
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.2


def test_images_are_rotated_by_at_most_that_much_in_both_directions():
    data = data_of(np.stack([blob(side=41, row=10, column=20)] * 500))  # 10 pixels above the image's centre
    rows, columns = centres_of(images_of(expand_mnist.deform(data, **{**NOTHING, "rotation": 30}, seed=0)))
    np.testing.assert_allclose(np.hypot(rows - 20, columns - 20), 10, atol=0.05)
    angles = np.degrees(np.arctan2(columns - 20, 20 - rows))
    assert -30.2 < angles.min() < -29
    assert 29 < angles.max() < 30.2
    assert abs(angles.std() - 30 / 3**0.5) < 1.5


@pytest.mark.parametrize(("smoothness", "distance"), [({}, 0.92), ({"smoothness": 4}, 1.4)])
def test_images_are_bent_as_far_as_the_docstring_says(smoothness, distance):
    ramp = np.mgrid[:33, :33] / 33  # a pixel's grey value shows its original row or column
    for direction in ramp:
        data = data_of(np.stack([direction] * 500))
        deformed = images_of(expand_mnist.deform(data, rotation=0, shift=0, **smoothness, seed=0))
        moved = 33 * (deformed - direction)[:, 16, 16]
        assert abs(moved.std() - distance) < 0.1 * distance
        assert abs(moved.mean()) < 0.2


def test_compiling_is_shown_and_nothing_else(monkeypatch):
    shown = []
    compiling = contextlib.contextmanager(lambda: (yield shown.append("compiling")))
    monkeypatch.setattr(progress, "compiling", compiling)
    monkeypatch.setattr(deformation, "deform", kernel(deformation.deform.py_func))
    monkeypatch.setattr(deformation.deform, "_cache", NullCache())
    expand_mnist.deform(random_data(200, 3))
    expand_mnist.deform(random_data(200, 3))
    assert shown == ["compiling"]


def test_each_image_has_deformations_of_its_own():
    data = data_of(np.stack([blob()] * 200))
    for part in ({"shift": 2}, {"elastic": 34}):
        deformed = expand_mnist.deform(data, **{**NOTHING, **part}, seed=1)
        assert len(np.unique(deformed.inputs, axis=0)) == 200


def test_a_seed_makes_it_repeatable():
    data = random_data(3, 9)
    first = expand_mnist.deform(data, seed=1).inputs
    np.testing.assert_array_equal(expand_mnist.deform(data, seed=1).inputs, first)
    assert (expand_mnist.deform(data, seed=2).inputs != first).any()
    np.random.seed(5)
    one, two = (expand_mnist.deform(data).inputs for _ in range(2))
    np.random.seed(5)
    np.testing.assert_array_equal(expand_mnist.deform(data).inputs, one)
    assert (one != two).any()


def test_the_same_images_with_any_number_of_threads(monkeypatch):
    data = random_data(300, 9)
    images = []
    for n in (1, 2, 3, 7):
        monkeypatch.setattr(threads, "available", lambda n=n: n)
        images.append(expand_mnist.deform(data, seed=1).inputs)
    for others in images[1:]:
        np.testing.assert_array_equal(others, images[0])


def test_deformed_digits_are_grey_and_blank_where_digits_are(mnist):
    training_data = mnist[0][:2000]
    deformed = expand_mnist.deform(training_data, seed=0)
    assert np.shares_memory(deformed.targets, training_data.targets)
    assert deformed.inputs.dtype == np.float32
    assert deformed.inputs.min() == 0
    assert deformed.inputs.max() <= 255 / 256
    np.testing.assert_array_equal(deformed.inputs * 256, np.rint(deformed.inputs * 256))
    before, after = (np.count_nonzero(data.inputs) / data.inputs.size for data in (training_data, deformed))
    assert before < after < 1.4 * before


@pytest.mark.parametrize("function", [expand_mnist.expand, expand_mnist.deform])
def test_images_must_be_square(function):
    for inputs in (np.zeros((1, 783)), np.zeros((1, 0))):
        with pytest.raises(ValueError, match=r"training_data has \d+ inputs; they must be the pixels of a square"):
            function(Dataset(inputs, [0]))
    with pytest.raises(ValueError, match="the data set is empty"):
        function([])


@pytest.mark.parametrize("name", ["rotation", "shift", "elastic", "smoothness"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (-1, ValueError, r"is -1\.0; it must be finite and not negative"),
        (np.nan, ValueError, "is nan; it must be finite"),
        (np.inf, ValueError, "is inf; it must be finite"),
        ("1", TypeError, "is '1'; it must be a number"),
        (None, TypeError, "is None; it must be a number"),
    ],
)
def test_a_number_that_is_wrong_is_named(name, value, error, message):
    with pytest.raises(error, match=f"{name} {message}"):
        expand_mnist.deform(random_data(1, 2), **{name: value})


def test_a_seed_that_is_wrong_is_named():
    with pytest.raises(ValueError, match=r"seed is -1; it must not be negative"):
        expand_mnist.deform(random_data(1, 2), **NOTHING, seed=-1)


@pytest.mark.parametrize("huge", [{"rotation": 1e300}, {"shift": 1e308}, {"elastic": 1e300}, {"elastic": 1e38}])
@pytest.mark.parametrize("smoothness", [0, 1e-300, 4, 1e300])
def test_absurd_numbers_do_no_harm(huge, smoothness):
    deformed = expand_mnist.deform(random_data(3, 6), **huge, smoothness=smoothness, seed=0).inputs
    assert 0 <= deformed.min() <= deformed.max() < 1


@pytest.mark.parametrize("grey", [-0.1, 1.1, 255, np.nan, np.inf])
def test_what_is_not_grey_is_not_deformed(grey):
    images = np.zeros((3, 4))
    images[1, 2] = grey
    with pytest.raises(ValueError, match=r"training_data has inputs from .* to .*; they must be from 0 to 1"):
        expand_mnist.deform(Dataset(images, np.zeros(3, int)))
