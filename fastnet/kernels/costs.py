"""Costs: what the output neurons are, and their errors."""

from __future__ import annotations

from typing import NamedTuple

from fastnet.kernels.activations import exp, sigmoid
from fastnet.kernels.compiler import variant
from fastnet.kernels.vectors import clamp, item, lanes, load, only, store, total, zeros

_SMALLEST_EXPONENT = -87.0  # exp of less than this would be denormal in float32


class Quadratic(NamedTuple):
    """||a - y||^2 / 2, of sigmoid neurons."""


class CrossEntropy(NamedTuple):
    """-sum(y ln a + (1 - y) ln(1 - a)), of sigmoid neurons."""


class LogLikelihood(NamedTuple):
    """-sum(y ln a), of softmax neurons."""


def activate(kind, z, start, step, n, neurons, first_neuron):
    """Replace a sample's z by its activations: n neurons in panels, a step from each to the next."""
    raise NotImplementedError


def error(kind, a, y):
    """Return the derivative of the cost with respect to z (BP1)."""
    raise NotImplementedError


@variant(activate, Quadratic, CrossEntropy)
def _sigmoids(kind, z, start, step, n, neurons, first_neuron):
    i, width = start, lanes(z)
    for k in range(0, n, width):
        store(z, i, only(load(neurons, first_neuron + k), sigmoid(load(z, i))))
        i += step


@variant(activate, LogLikelihood)
def _softmax(kind, z, start, step, n, neurons, first_neuron):
    width = lanes(z)
    largest = item(z, start)
    for k in range(1, n):
        largest = max(largest, item(z, start + k // width * step + k % width))
    sums, i = zeros(z), start
    for k in range(0, n, width):
        e = only(load(neurons, first_neuron + k), exp(clamp(load(z, i) - largest, _SMALLEST_EXPONENT, 0.0)))
        store(z, i, e)
        sums = sums + e
        i += step
    factor, i = 1 / total(sums), start
    for _ in range(0, n, width):
        store(z, i, factor * load(z, i))
        i += step


@variant(error, Quadratic)
def _error_of_quadratic(kind, a, y):
    return (a - y) * a * (1 - a)


@variant(error, CrossEntropy, LogLikelihood)
def _difference(kind, a, y):
    return a - y
