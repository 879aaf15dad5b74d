"""Activations, costs and errors of the output neurons."""

from __future__ import annotations

from fastnet.formulas.regression import POISSON_SERIES, HuberCost, QuantileCost
from fastnet.kernels.activations import linear, sigmoid
from fastnet.kernels.compiler import part
from fastnet.kernels.formulas import (
    Value,
    absolute,
    choice,
    clamp,
    exp,
    formula,
    in_float64,
    in_precision_of,
    log,
    log1p,
    where,
)
from fastnet.kernels.vectors import item, lanes, load, only, store, total, zeros

CODES = {
    "QuadraticCost": 0,
    "CrossEntropyCost": 1,
    "LogLikelihoodCost": 2,
    "PoissonCost": 3,
    "AbsoluteErrorCost": 4,
    "HuberCost": 5,
    "QuantileCost": 6,
}
"""Integer code of each cost in the kernels, by the name of the cost's class."""

OUTPUTS = {"sigmoid": 0, "linear": 1, "softmax": 2, "exp": 3}
"""Integer code of each activation function of output neurons in the kernels, by the function's name."""

_SOFTMAX = OUTPUTS["softmax"]
_SMALLEST_EXPONENT = -87.0  # smallest integer z for which exp(z) is not subnormal in float32
_LARGEST_EXPONENT = {32: 88.0, 64: 709.0}  # largest integer z for which exp(z) is finite, by the float's number of bits


def setting_of(cost: object) -> float:
    """Return the threshold of a `HuberCost`, the quantile of a `QuantileCost`, or 0 for any other cost."""
    if isinstance(cost, HuberCost):
        return cost.threshold
    return cost.quantile if isinstance(cost, QuantileCost) else 0.0


def _exponential(z: Value) -> tuple[Value, Value]:
    a = exp(clamp(z, _SMALLEST_EXPONENT, _LARGEST_EXPONENT[z.bits]))
    return a, a


def _softmax_placeholder(z: Value) -> tuple[Value, Value]:
    return z, z  # never executed: `errors` computes softmax, which depends on all neurons


# Formulas for an output neuron: its error, and its term in the cost. Except for a - y, no formula computes a small
# number as a difference of larger numbers, because the difference would have few correct digits.


def _quadratic_error(a: Value, slope: Value, y: Value, setting: Value) -> Value:
    return (a - y) * slope


def _difference(a: Value, slope: Value, y: Value, setting: Value) -> Value:
    return a - y


def _absolute_error(a: Value, slope: Value, y: Value, setting: Value) -> Value:
    return _sign(a - y)


def _huber_error(a: Value, slope: Value, y: Value, threshold: Value) -> Value:
    r = a - y
    return where(absolute(r) > threshold, threshold * _sign(r), r)


def _quantile_error(a: Value, slope: Value, y: Value, quantile: Value) -> Value:
    r = a - y
    return where(r > 0, 1 - quantile, where(r < 0, -quantile, r))  # NaN stays NaN


def _quadratic_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    return 0.5 * (a - y) * (a - y)


def _cross_entropy_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    # The formula uses z instead of a, because 1 - a has few correct digits if a is near 1. The exponent is never
    # positive, so exp cannot overflow.
    return where(z > 0, 1 - y, y) * absolute(z) + log1p(_exp_or_zero(-absolute(z)))


def _log_likelihood_loss(z: Value, a: Value, y: Value, others: Value) -> Value:
    # `errors` has subtracted the largest z, and `others` is the sum of exp(z) without the largest, so this is -y ln a.
    return y * (log1p(others) - z)


def _poisson_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    # The loss is y (exp(d) - 1 - d), where d = z - ln y. For large y, the rounding error of ln y in float32 would be as
    # large as d.
    mean, count = in_float64(a), in_float64(y)
    d = in_float64(z) - log(where(count > 0, count, 1.0))
    near = clamp(d, -1.0, 1.0)
    series = d.like(0.0)
    for coefficient in POISSON_SERIES:
        series = series * near + coefficient
    loss = where(absolute(d) < 1, count * near * near * series, mean - count - count * d)
    return in_precision_of(z, where(count > 0, loss, mean))


def _absolute_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    return absolute(a - y)


def _huber_loss(z: Value, a: Value, y: Value, threshold: Value) -> Value:
    r = absolute(a - y)
    bounded = where(r > threshold, threshold, r)
    return bounded * (r - 0.5 * bounded)


def _quantile_loss(z: Value, a: Value, y: Value, quantile: Value) -> Value:
    r = a - y
    return where(r > 0, (1 - quantile) * r, -quantile * r)


def _exp_or_zero(x: Value) -> Value:
    # exp(x) for x that are not positive. exp(-87), about 2e-38, is the smallest result besides 0.
    return where(x < _SMALLEST_EXPONENT, x.like(0.0), exp(clamp(x, _SMALLEST_EXPONENT, 0.0)))


def _sign(r: Value) -> Value:
    return where(r > 0, r.like(1.0), where(r < 0, r.like(-1.0), r))  # NaN stays NaN


_neuron = choice([sigmoid, linear, _softmax_placeholder, _exponential])  # in the order of OUTPUTS
_error = choice(
    [_quadratic_error, _difference, _difference, _difference, _absolute_error, _huber_error, _quantile_error]
)  # in the order of CODES
_loss = choice(
    [
        _quadratic_loss,
        _cross_entropy_loss,
        _log_likelihood_loss,
        _poisson_loss,
        _absolute_loss,
        _huber_loss,
        _quantile_loss,
    ]
)


@formula
def _exponentials(here: Value, z: Value, largest: Value) -> tuple[Value, Value]:
    """Return exp(z - largest), and the same without the largest z; both are 0 in lanes where `here` is 0."""
    x = z - largest
    e = where(here > 0, exp(clamp(x, _SMALLEST_EXPONENT, 0.0)), 0.0)
    return e, where(x < 0, where(x < _SMALLEST_EXPONENT, x.like(0.0), e), 0.0)


@part
def errors(cost, setting, output, z, start, targets, y, factor, delta, step, n, neurons, first_neuron, with_loss):
    """Write the derivatives of a sample's cost with respect to z (BP1), times `factor`, to `delta`; return the cost.

    z and `delta` have n numbers each. In both arrays, the first vector begins at index `start`, and the vectors are
    `step` numbers apart. The targets begin at index `y`. Up to one vector is read beyond the last target. If
    `with_loss` is false, the returned number is undefined.
    """
    width = lanes(z)
    largest, normalizer = item(z, start), 1.0
    if output == _SOFTMAX:
        for k in range(1, n):
            largest = max(largest, item(z, start + k // width * step + k % width))
        sums, below, i = zeros(z), zeros(z), start
        for k in range(0, n, width):
            e, e_below = _exponentials(load(neurons, first_neuron + k), load(z, i), largest)
            store(delta, i, e)  # the last loop reads the exponentials from `delta`
            sums, below = sums + e, below + e_below
            i += step
        normalizer = 1 / total(sums)
        # Costs with softmax have no setting. `_log_likelihood_loss` takes the sum of exp(z) without the largest.
        # If several z are the largest, the sum is at least 2, and 1 can be subtracted without losing digits.
        setting = total(below) if total(sums) < 2 else total(sums) - 1
    losses, i = zeros(z), start
    for k in range(0, n, width):
        z_k, y_k, here = load(z, i), load(targets, y + k), load(neurons, first_neuron + k)
        if output == _SOFTMAX:
            a, slope, z_k = normalizer * load(delta, i), zeros(z), z_k - largest
        else:
            a, slope = _neuron(output, z_k)
        store(delta, i, factor * only(here, _error(cost, a, slope, y_k, setting)))
        if with_loss:
            losses = losses + only(here, _loss(cost, z_k, a, y_k, setting))
        i += step
    return total(losses)
