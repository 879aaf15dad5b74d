"""Compares compiled output neurons, costs and errors with `formulas.costs` in higher precision."""

import numpy as np
import pytest

from fastnet.formulas.costs import (
    COSTS,
    CrossEntropyCost,
    HuberCost,
    LogLikelihoodCost,
    Outputs,
    PoissonCost,
    QuadraticCost,
    QuantileCost,
    class_name,
)
from fastnet.kernels import costs
from fastnet.kernels.compiler import kernel
from fastnet.kernels.costs import CODES, OUTPUTS
from fastnet.kernels.vectors import lanes_of

DTYPES = ("float32", "float64")
PAIRS = [(cost, output) for cost in (*COSTS.values(), HuberCost(0.3), QuantileCost(0.1)) for output in cost.outputs]
BOTH = pytest.mark.parametrize(("cost", "output"), PAIRS)
ELSE = 7.0  # value of all memory outside the sample, which must not change


@kernel
def errors(cost, setting, output, z, start, targets, y, factor, delta, step, n, neurons, first_neuron, with_loss):
    return costs.errors(
        cost, setting, output, z, start, targets, y, factor, delta, step, n, neurons, first_neuron, with_loss
    )  # fmt: skip


def widths(dtype):
    """Return numbers of outputs: small numbers, and numbers near multiples of the number of lanes."""
    lanes = lanes_of(dtype)
    return [1, 2, 10, lanes - 1, lanes, lanes + 1, 2 * lanes - 1, 2 * lanes, 3 * lanes + 1]


def computed(cost, output, z, y, factor=1.0, samples=3, sample=1, with_loss=True):
    """Return the errors and the cost of one sample, in panels of several samples.

    Check that no memory outside the sample changes. The padding of z is NaN. Memory of other layers precedes the
    samples.
    """
    lanes, n = lanes_of(z.dtype), len(z)
    panels, before, neurons_before = -(-n // lanes), 2 * lanes, lanes
    memory = np.full(before + panels * samples * lanes + lanes, ELSE, z.dtype)
    delta = memory.copy()
    here = slice(before, before + panels * samples * lanes)
    rows, found = (array[here].reshape(panels, samples, lanes) for array in (memory, delta))
    padded = np.full(panels * lanes, np.nan, z.dtype)
    padded[:n] = z
    rows[:, sample] = padded.reshape(panels, lanes)
    targets = np.full(before + panels * lanes + lanes, ELSE, z.dtype)
    targets[before:][:n] = y
    neurons = np.zeros(neurons_before + panels * lanes, z.dtype)
    neurons[neurons_before:][:n] = 1
    given = memory.copy(), targets.copy()
    loss = errors(
        CODES[class_name(cost)], costs.setting_of(cost), OUTPUTS[output], memory, before + sample * lanes, targets,
        before, factor, delta, samples * lanes, n, neurons, neurons_before, with_loss,
    )  # fmt: skip
    for array, expected in zip((memory, targets), given, strict=True):
        np.testing.assert_array_equal(array, expected)
    result = found[:, sample].flatten()
    assert (result[n:] == 0).all()  # the padding is 0
    found[:, sample] = ELSE
    assert (delta == ELSE).all()  # no memory outside the sample has changed
    return result[:n], loss


def formula(cost, output, z, y, factor=1.0):
    """Return the errors and the cost that `formulas.costs` computes in long double."""
    outputs, z, y = Outputs(cost, output), z.astype(np.longdouble)[np.newaxis], y.astype(np.longdouble)
    return factor * outputs.errors(z, y[np.newaxis])[0], outputs.losses(z, y[np.newaxis])[0]


def drawn_targets(cost, n, random):
    """Return drawn and extreme targets for a cost. Targets for the log-likelihood sum to 1."""
    if "linear" in cost.outputs:
        return [random.normal(0, 2, n), np.zeros(n)]
    if cost is PoissonCost:
        return [random.poisson(2, n), random.random(n)]
    one_hot = np.eye(n)[random.integers(n)]
    if cost is CrossEntropyCost:
        return [random.random(n), one_hot]
    probabilities = random.random(n)
    return [probabilities / probabilities.sum(), one_hot]


def test_every_cost_has_a_number_of_its_own():
    assert sorted(CODES) == sorted(COSTS)
    assert {output for _, output in PAIRS} == set(OUTPUTS)
    for codes in (CODES, OUTPUTS):
        assert sorted(codes.values()) == list(range(len(codes)))


@BOTH
@pytest.mark.parametrize("dtype", DTYPES)
def test_errors_and_losses(cost, output, dtype):
    random, eps = np.random.default_rng(0), np.finfo(dtype).eps
    for n in widths(dtype):
        for scale in (0.1, 3) if output == "exp" else (0.1, 3, 30, 300):  # exp of larger z would be infinite
            z = random.normal(0, scale, n).astype(dtype)
            for y in drawn_targets(cost, n, random):
                y = y.astype(dtype)
                for factor in (1.0, -0.3):
                    found, loss = computed(cost, output, z, y, factor)
                    expected, expected_loss = formula(cost, output, z, y, factor)
                    # Softmax computes exp(z - max(z)), so a rounding error of z - max(z) is a relative error of exp.
                    digits = 12 + (np.ptp(np.maximum(z, z.max() - 100)) if output == "softmax" else 0)
                    sizes = np.abs(expected) + 1 + (np.abs(z) + np.abs(y) if output == "linear" else 0)
                    assert (np.abs(found - expected) <= digits * eps * sizes).all(), (n, scale)
                    # 1 - a has few correct digits if a sigmoid a is near 1. All other losses below exp(-87) count as 0.
                    atol = n * eps if (cost, output) == (QuadraticCost, "sigmoid") else n * 1e-37
                    np.testing.assert_allclose(loss, float(expected_loss), digits * eps, atol, err_msg=f"{n} {scale}")


@BOTH
@pytest.mark.parametrize("dtype", DTYPES)
def test_the_same_errors_whether_the_cost_is_wanted_or_not(cost, output, dtype):
    random = np.random.default_rng(0)
    z, y = random.standard_normal(10).astype(dtype), drawn_targets(cost, 10, random)[0].astype(dtype)
    expected, _ = computed(cost, output, z, y)
    found, _ = computed(cost, output, z, y, with_loss=False)
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("cost", "output"), [pair for pair in PAIRS if pair[1] in ("sigmoid", "softmax")])
@pytest.mark.parametrize("dtype", DTYPES)
def test_costs_and_errors_where_the_outputs_are_saturated(cost, output, dtype):
    """Where the activation rounds to 0 or 1, the cost still depends on z, and is neither infinite nor negative."""
    sign, eps = np.array([1, -1, 1, -1, -1]), np.finfo(dtype).eps
    y = np.array([1, 0, 0, 0, 0] if output == "softmax" else [1, 0, 0, 1, 0]).astype(dtype)
    for level in (17, 88, 100, 1e4, 1e30):
        for z in (level * sign, -level * sign):
            z = z.astype(dtype)
            found, loss = computed(cost, output, z, y)
            expected, expected_loss = formula(cost, output, z, y)
            np.testing.assert_allclose(found, expected, rtol=8 * eps, atol=8 * eps)
            assert 0 <= loss < np.inf
            atol = eps if cost is QuadraticCost else 1e-37  # losses below exp(-87) count as 0
            np.testing.assert_allclose(loss, float(expected_loss), rtol=8 * eps, atol=atol)


def softmax(z):
    """Return the softmax of z, which is equal to the errors if all targets are 0."""
    return computed(LogLikelihoodCost, "softmax", z, np.zeros_like(z))[0]


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax(dtype):
    random = np.random.default_rng(0)
    for n in widths(dtype):
        for scale in (0.1, 1, 10, 30):
            z = random.normal(0, scale, n).astype(dtype)
            e = np.exp(z.astype(np.longdouble) - z.max())
            # The tolerance is relative, also for small probabilities down to about exp(-80).
            rtol = (10 + np.ptp(z)) * np.finfo(dtype).eps
            np.testing.assert_allclose(softmax(z), e / e.sum(), rtol=rtol, atol=np.exp(-80), err_msg=f"{n} outputs")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_largest_is_found_wherever_it_is(dtype):
    """Softmax is 1 for the largest z, at every index, even if the other z are far below or above 0."""
    for n in widths(dtype):
        for k in range(n):
            for level in (-1e6, 0, 1e6):
                z = np.full(n, level, dtype)
                z[k] += 1e6
                expected = np.zeros(n)
                expected[k] = 1
                np.testing.assert_allclose(softmax(z), expected, rtol=0, atol=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
def test_softmax_of_equal_ones(dtype):
    for n in widths(dtype):
        for level in (-1e30, -100, 0, 100, 1e30):
            found = softmax(np.full(n, level, dtype))
            np.testing.assert_allclose(found, np.full(n, 1 / n), rtol=2 * np.finfo(dtype).eps)


@BOTH
@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_not_a_number_is_not_hidden(cost, output, dtype):
    """If z of one output is NaN, the cost and this output's error are NaN. With softmax, all errors are NaN."""
    for n in widths(dtype):
        for k in {0, n // 2, n - 1}:
            z, y = np.linspace(-1, 1, n).astype(dtype), np.full(n, 1 / n, dtype)
            expected, _ = computed(cost, output, z, y)
            z[k] = np.nan
            expected[k if output != "softmax" else slice(None)] = np.nan
            found, loss = computed(cost, output, z, y)
            np.testing.assert_array_equal(found, expected)
            assert np.isnan(loss)
