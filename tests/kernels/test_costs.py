"""The compiled output neurons and their errors, against NumPy."""

import numpy as np
import pytest

from fastnet.kernels import costs
from fastnet.kernels.compiler import kernel
from fastnet.kernels.costs import CrossEntropy, LogLikelihood, Quadratic
from fastnet.kernels.vectors import lanes, lanes_of, load, store

DTYPES = ("float32", "float64")


@kernel
def activate(kind, z, start, step, n, neurons, first_neuron):
    costs.activate(kind, z, start, step, n, neurons, first_neuron)


@kernel
def errors(kind, a, y, result):
    for i in range(0, len(a), lanes(a)):
        store(result, i, costs.error(kind, load(a, i), load(y, i)))


def widths(dtype):
    """Numbers of outputs around whole vectors."""
    lanes = lanes_of(dtype)
    return [1, 2, 10, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 3 * lanes + 1]


def activations(kind, z, samples=3, sample=1):
    """Compute the activations of one sample of several, which lie in panels after other layers; check the others."""
    lanes, n = lanes_of(z.dtype), len(z)
    panels = -(-n // lanes)
    before, neurons_before = 2 * lanes, lanes
    memory = np.full(before + panels * samples * lanes + lanes, 7, z.dtype)
    rows = memory[before : before + panels * samples * lanes].reshape(panels, samples, lanes)
    rows[:, sample] = 0  # as the padding of a z is
    for k, value in enumerate(z):
        rows[k // lanes, sample, k % lanes] = value
    neurons = np.zeros(neurons_before + panels * lanes, z.dtype)
    neurons[neurons_before : neurons_before + n] = 1
    activate(kind, memory, before + sample * lanes, samples * lanes, n, neurons, neurons_before)
    result = rows[:, sample].flatten()
    assert (result[n:] == 0).all()  # the padding
    rows[:, sample] = 7
    assert (memory == 7).all()  # all else
    return result[:n]


def numpys_softmax(z):
    e = np.exp(z.astype(np.float64) - z.max())
    return e / e.sum()


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(dtype):
    random = np.random.default_rng(0)
    for n in widths(dtype):
        for scale in (0.1, 1, 10, 30):
            z = random.normal(0, scale, n).astype(dtype)
            found, expected = activations(LogLikelihood(), z), numpys_softmax(z)
            # A difference of z is off by half a unit in its last place, and exp by as much relative to its result.
            rtol = (10 + np.ptp(z)) * np.finfo(dtype).eps
            np.testing.assert_allclose(found, expected, rtol=rtol, atol=np.exp(-80), err_msg=f"{n} outputs")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_is_found_wherever_it_is(dtype):
    """Nothing overflows, whichever z is far above the others, and all of them may be far below zero."""
    for n in widths(dtype):
        for k in range(n):
            for level in (-1e6, 0, 1e6):
                z = np.full(n, level, dtype)
                z[k] += 1e6
                expected = np.zeros(n)
                expected[k] = 1
                np.testing.assert_allclose(activations(LogLikelihood(), z), expected, rtol=0, atol=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_equal_ones(dtype):
    for n in widths(dtype):
        for level in (-1e30, -100, 0, 100, 1e30):
            found = activations(LogLikelihood(), np.full(n, level, dtype))
            np.testing.assert_allclose(found, np.full(n, 1 / n), rtol=2 * np.finfo(dtype).eps)


@pytest.mark.parametrize("kind", [Quadratic(), CrossEntropy()], ids=lambda kind: type(kind).__name__)
@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_outputs(kind, dtype):
    random = np.random.default_rng(0)
    for n in widths(dtype):
        z = random.normal(0, 10, n).astype(dtype)
        expected = 1 / (1 + np.exp(-z.astype(np.float64)))
        np.testing.assert_allclose(activations(kind, z), expected, rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize(
    ("kind", "formula"),
    [
        (Quadratic(), lambda a, y: (a - y) * a * (1 - a)),
        (CrossEntropy(), lambda a, y: a - y),
        (LogLikelihood(), lambda a, y: a - y),
    ],
    ids=["quadratic", "cross-entropy", "log-likelihood"],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors(kind, formula, dtype):
    a, y = np.random.default_rng(0).random((2, 64)).astype(dtype)
    result = np.full_like(a, np.nan)
    errors(kind, a, y, result)
    np.testing.assert_allclose(result, formula(a, y), rtol=4 * np.finfo(dtype).eps, strict=True)
