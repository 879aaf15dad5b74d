import decimal
from decimal import Decimal

import numpy as np
import pytest

from fastnet.kernels import activations
from fastnet.kernels.compiler import kernel
from fastnet.kernels.vectors import lanes, load, store

DTYPES = ("float32", "float64")
LARGEST = 87
EXP_ULPS, SIGMOID_ULPS = 1.25, 2.25  # found: 1.07 without fused multiply-add and 0.84 with it; 1.93


@kernel
def sigmoid_of_vectors(z, a):
    for i in range(0, len(z), lanes(z)):
        store(a, i, activations.sigmoid(load(z, i)))


@kernel
def exp_of_vectors(x, e):
    for i in range(0, len(x), lanes(x)):
        store(e, i, activations.exp(load(x, i)))


@kernel
def activation_of_vectors(kind, z, a):
    for i in range(0, len(z), lanes(z)):
        store(a, i, activations.activation(kind, load(z, i)))


@kernel
def slope_of_vectors(kind, a, x, result):
    for i in range(0, len(a), lanes(a)):
        store(result, i, activations.times_slope(kind, load(a, i), load(x, i)))


def in_vectors(function, numbers):
    """Apply a function of vectors to any number of numbers."""
    padded = np.resize(numbers, -(-len(numbers) // 64) * 64)
    result = np.full_like(padded, np.nan)
    function(padded, result)
    return result[: len(numbers)]


def sigmoid(z):
    return in_vectors(sigmoid_of_vectors, z)


def exp(x):
    return in_vectors(exp_of_vectors, x)


def samples(dtype, most=LARGEST):
    """Numbers of every magnitude, whole ones, and halfway between what `exp` reduces to: multiples of log(2) / 2."""
    random = np.random.default_rng(0)
    drawn = [random.uniform(-most, most, 3000), random.choice([-1, 1], 1000) * 2.0 ** random.uniform(-60, 6, 1000)]
    halfway = np.log(2) / 2 * np.arange(-251, 252)
    numbers = np.concatenate([*drawn, np.arange(-most, most + 1), halfway * (1 + 1e-7), halfway * (1 - 1e-7)])
    numbers = numbers.astype(dtype)
    return numbers[np.abs(numbers) <= most]


def exactly(formula, numbers):
    with decimal.localcontext(decimal.Context(prec=40)):
        return [formula(Decimal(float(number))) for number in numbers]


def ulps(result, truth):
    """Return by how many units in the last place each result is off."""
    with decimal.localcontext(decimal.Context(prec=40)):
        return [
            float(abs(Decimal(float(number)) - true) / Decimal(float(unit)))
            for number, unit, true in zip(result, np.spacing(result), truth, strict=True)
        ]


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_exponential_function_up_to_a_few_roundings(dtype):
    x = samples(dtype)
    assert max(ulps(exp(x), exactly(Decimal.exp, x))) <= EXP_ULPS


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_up_to_a_few_roundings(dtype):
    z = samples(dtype)
    assert max(ulps(sigmoid(z), exactly(lambda z: 1 / (1 + (-z).exp()), z))) <= SIGMOID_ULPS


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_exact(dtype):
    zero = np.array([0.0, -0.0], dtype)
    assert sigmoid(zero).tolist() == [0.5, 0.5]
    assert exp(zero).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_beyond_87_sigmoid_is_that_of_87(dtype):
    above = np.nextafter(np.dtype(dtype).type(LARGEST), np.dtype(dtype).type(np.inf))
    beyond = np.array([LARGEST, above, 88, 100, 1e4, np.finfo(dtype).max, np.inf], dtype)
    at_87 = sigmoid(np.array([LARGEST, -LARGEST], dtype))
    assert (sigmoid(beyond) == at_87[0]).all()
    assert (sigmoid(-beyond) == at_87[1]).all()
    assert at_87[0] == 1
    assert 0 < at_87[1] < 1e-37


@pytest.mark.parametrize("dtype", DTYPES)
def test_nothing_becomes_denormal_or_infinite(dtype):
    normal = np.finfo(dtype).smallest_normal
    for result in (exp(samples(dtype)), sigmoid(samples(dtype)), sigmoid(np.array([-np.inf, np.inf], dtype))):
        assert normal <= result.min() <= result.max() < np.inf
    assert sigmoid(samples(dtype)).max() <= 1


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_stays_so_and_leaves_its_neighbours_alone(dtype):
    z = samples(dtype)[:64]
    expected = sigmoid(z)
    z[5::7] = np.nan
    expected[5::7] = np.nan
    np.testing.assert_array_equal(sigmoid(z), expected)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_and_its_mirror_image_are_one_together(dtype):
    z = samples(dtype)
    np.testing.assert_allclose(sigmoid(z) + sigmoid(-z), 1, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_never_falls(dtype):
    z = np.linspace(-90, 90, 100_000).astype(dtype)
    assert (np.diff(sigmoid(z)) >= 0).all()
    for start in (-80, -20, -5, -1, -0.1, 0.1, 0.34657, 1, 5, 15):  # and from a number to the very next
        start = np.dtype(dtype).type(start)
        neighbours = (start + np.arange(-10_000, 10_000) * np.spacing(abs(start))).astype(dtype)
        assert (np.diff(sigmoid(neighbours)) >= 0).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_grows_where_there_are_numbers_between(dtype):
    z = np.arange(-LARGEST, 16).astype(dtype)
    assert (np.diff(sigmoid(z)) > 0).all()


# Named tuples without fields are equal to one another, whatever their class.
KINDS = [
    (activations.Sigmoid(), lambda z: 1 / (1 + np.exp(-z)), lambda a: a * (1 - a)),
    (activations.Tanh(), np.tanh, lambda a: 1 - a**2),
    (activations.ReLU(), lambda z: np.where(z > 0, z, 0), lambda a: np.where(a > 0, 1, 0)),
]
EACH_KIND = pytest.mark.parametrize(("kind", "formula", "slope"), KINDS, ids=["sigmoid", "tanh", "relu"])


def activation(kind, z):
    return in_vectors(lambda z, a: activation_of_vectors(kind, z, a), z)


@EACH_KIND
@pytest.mark.parametrize("dtype", DTYPES)
def test_activations_against_numpy(kind, formula, slope, dtype):
    z = samples(dtype)
    expected = formula(z.astype(np.float64))
    np.testing.assert_allclose(
        activation(kind, z), expected, rtol=4 * np.finfo(dtype).eps, atol=2 * np.finfo(dtype).eps
    )


@EACH_KIND
@pytest.mark.parametrize("dtype", DTYPES)
def test_slopes_against_numpy(kind, formula, slope, dtype):
    random = np.random.default_rng(0)
    a, x = formula(random.normal(0, 3, 640)).astype(dtype), random.standard_normal(640).astype(dtype)
    a[:3] = formula(np.array([0.0, -50.0, 50.0]))
    result = np.full_like(a, np.nan)
    slope_of_vectors(kind, a, x, result)
    expected = x.astype(np.float64) * slope(a.astype(np.float64))
    np.testing.assert_allclose(result, expected, rtol=8 * np.finfo(dtype).eps, atol=4 * np.finfo(dtype).eps)
    if isinstance(kind, activations.ReLU):
        np.testing.assert_array_equal(result, np.where(a > 0, x, 0))  # nothing is lost, and zero is zero


@pytest.mark.parametrize("dtype", DTYPES)
def test_relu_is_exact(dtype):
    z = samples(dtype)
    np.testing.assert_array_equal(activation(activations.ReLU(), z), np.maximum(z, 0))
    extremes = np.array([-np.inf, -0.0, 0.0, np.inf, np.finfo(dtype).max, -np.finfo(dtype).max], dtype)
    np.testing.assert_array_equal(activation(activations.ReLU(), extremes), np.maximum(extremes, 0))


@pytest.mark.parametrize("dtype", DTYPES)
def test_tanh_of_extremes_and_its_mirror_image(dtype):
    z = np.array([0.0, -0.0, 1000, -1000, np.inf, -np.inf, 88, -88], dtype)
    assert activation(activations.Tanh(), z).tolist() == [0, 0, 1, -1, 1, -1, 1, -1]
    z = samples(dtype)
    found, mirrored = activation(activations.Tanh(), z), activation(activations.Tanh(), -z)
    np.testing.assert_allclose(found, -mirrored, rtol=0, atol=2 * np.finfo(dtype).eps)
    assert np.abs(found).max() <= 1


@EACH_KIND
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_is_not_hidden_by_an_activation(kind, formula, slope, dtype):
    z = samples(dtype)[:64]
    expected = activation(kind, z)
    z[5::7], expected[5::7] = np.nan, np.nan
    np.testing.assert_array_equal(activation(kind, z), expected)
