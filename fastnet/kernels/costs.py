"""Activations, costs and errors of the output neurons."""

from __future__ import annotations

import math

from fastnet.formulas.regression import HuberCost, QuantileCost
from fastnet.kernels.activations import linear, sigmoid
from fastnet.kernels.compiler import part
from fastnet.kernels.formulas import Value, absolute, choice, clamp, exp, formula, log, where
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


# Formulas for an output neuron: its error, and its term in the cost


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
    # The loss is max(z, 0) - z y + ln(1 + exp(-|z|)). The exponent is never positive, so exp cannot overflow. The
    # formula uses z instead of a, because 1 - a has few correct digits if a is near 1.
    return where(z > 0, z, 0.0) - z * y + log(1 + exp(clamp(-absolute(z), _SMALLEST_EXPONENT, 0.0)))


def _log_likelihood_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    return -z * y  # `errors` adds ln(sum(exp(z))) once for each sample


def _poisson_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    return where(y > 0, y * log(where(y > 0, y, 1.0)), 0.0) - y * z - y + a


def _absolute_loss(z: Value, a: Value, y: Value, setting: Value) -> Value:
    return absolute(a - y)


def _huber_loss(z: Value, a: Value, y: Value, threshold: Value) -> Value:
    r = absolute(a - y)
    bounded = where(r > threshold, threshold, r)
    return bounded * (r - 0.5 * bounded)


def _quantile_loss(z: Value, a: Value, y: Value, quantile: Value) -> Value:
    r = a - y
    return where(r > 0, (1 - quantile) * r, -quantile * r)


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
_softmax = formula(lambda z, largest: exp(clamp(z - largest, _SMALLEST_EXPONENT, 0.0)))


@part
def errors(cost, setting, output, z, start, targets, y, factor, delta, step, n, neurons, first_neuron, with_loss):
    """Write the derivatives of a sample's cost with respect to z (BP1), times `factor`, to `delta`; return the cost.

    z and `delta` have n numbers each. In both arrays, the first vector begins at index `start`, and the vectors are
    `step` numbers apart. The targets begin at index `y`. Up to one vector is read beyond the last target. If
    `with_loss` is false, the returned number is undefined.
    """
    width = lanes(z)
    loss, largest, normalizer = 0.0, item(z, start), 1.0
    if output == _SOFTMAX:
        for k in range(1, n):
            largest = max(largest, item(z, start + k // width * step + k % width))
        sums, i = zeros(z), start
        for k in range(0, n, width):
            e = only(load(neurons, first_neuron + k), _softmax(load(z, i), largest))
            store(delta, i, e)  # the last loop reads the exponentials from `delta`
            sums = sums + e
            i += step
        normalizer = 1 / total(sums)
        loss = largest - math.log(normalizer)
    losses, i = zeros(z), start
    for k in range(0, n, width):
        z_k, y_k, here = load(z, i), load(targets, y + k), load(neurons, first_neuron + k)
        if output == _SOFTMAX:
            a, slope = normalizer * load(delta, i), zeros(z)
        else:
            a, slope = _neuron(output, z_k)
        store(delta, i, factor * only(here, _error(cost, a, slope, y_k, setting)))
        if with_loss:
            losses = losses + only(here, _loss(cost, z_k, a, y_k, setting))
        i += step
    return loss + total(losses)
