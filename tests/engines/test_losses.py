"""Relative errors of single samples' costs. The exact costs are computed with Python's `decimal`."""

import decimal
from decimal import Decimal

import numpy as np
import pytest
from engines import names

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.engines.contract import Descent
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import COSTS, PoissonCost
from fastnet.formulas.layers import Dense

DTYPES = ("float32", "float64")


def xlogy(x, y):
    return x * y.ln() if x else Decimal(0)


def quantile(a, y, q):
    return q * (y - a) if y > a else (1 - q) * (a - y)


DEFINITIONS = {
    "QuadraticCost": lambda a, y: (a - y) ** 2 / 2,
    "CrossEntropyCost": lambda a, y: -xlogy(y, a) - xlogy(1 - y, 1 - a),
    "LogLikelihoodCost": lambda a, y: -xlogy(y, a),
    "PoissonCost": lambda a, y: xlogy(y, y) - xlogy(y, a) - y + a,
    "AbsoluteErrorCost": lambda a, y: abs(a - y),
    "HuberCost": lambda a, y: (a - y) ** 2 / 2 if abs(a - y) <= 1 else abs(a - y) - Decimal("0.5"),
    "QuantileCost": lambda a, y: quantile(a, y, Decimal("0.5")),
}
ACTIVATIONS = {
    "sigmoid": lambda z: [1 / (1 + (-each).exp()) for each in z],
    "softmax": lambda z: [each.exp() / sum(other.exp() for other in z) for each in z],
    "exp": lambda z: [each.exp() for each in z],
    "linear": lambda z: z,
}
# The quadratic cost of sigmoid neurons is left out: it depends on 1 - a, which has few correct digits if a is near 1.
OUTPUTS = [
    (name, activation)
    for name, cost in names.COSTS.items()
    for activation in cost.losses
    if (name, activation) != ("QuadraticCost", "sigmoid")
]


def exact(cost, activation, z, y):
    """Return the cost of a sample, computed from the exact values of the floats z and y."""
    with decimal.localcontext(decimal.Context(prec=120)):
        a = ACTIVATIONS[activation]([Decimal(float(each)) for each in z])
        return float(sum(DEFINITIONS[cost](*each) for each in zip(a, (Decimal(float(t)) for t in y), strict=True)))


def samples_of_sigmoid(random):
    for z in (0, 3, 14, 18, 40):
        for sign in (np.ones(3), -np.ones(3), np.array([1, -1, -1])):
            right = (sign > 0).astype(float)
            for softness in (0, 1e-6, 0.3):
                yield z * sign, right + softness * (1 - 2 * right)
            yield z * sign, 1 - right


def samples_of_softmax(random):
    for gap in (0, 1e-3, 3, 14, 18, 40):
        for z in (np.array([gap, 0, -gap]), np.array([0, gap, gap]), np.array([-gap, 0, -gap / 2])):
            right = np.eye(3)[z.argmax()]
            for softness in (0, 1e-6, 0.3):
                yield z + 1000 * random.integers(-1, 2), right * (1 - softness) + softness / 3
            yield z, np.eye(3)[z.argmin()]


def samples_of_exp(random):
    for count in (0, 1e-3, 0.5, 1, 10, 1e3, 1e5, 1e6, 1e9):
        y = count * random.uniform(1, 2, 3)
        for difference in (0.3, 2, 20):
            d = random.choice([-1, 1], 3) * difference / np.sqrt(y + 1)
            yield np.log(np.maximum(y, 1e-3)) + d, y
    for d in (0.95, 1e-3, 1e-6, 1e-9):  # the series for abs(d) < 1 is least accurate near 1
        yield np.array([d, -d, 2 * d]), np.ones(3)


def samples_of_linear(random):
    for size in (1e-3, 1, 40, 1e6):
        y = random.normal(0, size, 3)
        for difference in (1e-4, 0.3, 20):
            yield y + difference * size * random.standard_normal(3), y
        yield y + np.spacing(y.astype(np.float32)), y


SAMPLES = {
    "sigmoid": samples_of_sigmoid,
    "softmax": samples_of_softmax,
    "exp": samples_of_exp,
    "linear": samples_of_linear,
}


def samples(activation, dtype):
    """Return z and targets, one sample per row."""
    pairs = SAMPLES[activation](np.random.default_rng(0))
    z, y = (np.array(each).astype(dtype) for each in zip(*pairs, strict=True))
    return z, y


def tolerance(cost, z, y):
    """Return the largest relative error that is allowed. `PoissonCost` documents an error besides rounding errors."""
    rounding = 8 * np.finfo(z.dtype).eps
    if cost != "PoissonCost":
        return rounding
    log = np.log(np.where(y > 0, y, 1).astype(float))
    difference = np.where(z == log, np.inf, z - log)
    return rounding + 1e-15 * np.max(np.abs(log / difference))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_small_and_large_losses_are_equally_accurate(engine_name, cost, activation, dtype):
    """`measure`, `cost_and_gradients` and `epoch` all compute the cost accurately."""
    architecture = Architecture((3,), (Dense(3, activation),), COSTS[cost], np.dtype(dtype))
    z, y = samples(activation, dtype)
    parameters = architecture.parameters([np.eye(3)], [np.zeros((3, 1))])  # z equals the inputs
    for each, desired in zip(z, y, strict=True):
        data = Dataset(each[np.newaxis], desired[np.newaxis])
        engine = engine_class(engine_name)(architecture, parameters, data)
        found = [
            engine.measure(data, cost=True).cost,
            engine.cost_and_gradients()[0],
            engine.epoch(np.arange(1), 1, 1e-30, Descent(), with_costs=True).costs,
        ]
        expected = exact(cost, activation, each, desired)
        rtol = tolerance(cost, each, desired)
        np.testing.assert_allclose(found, expected, rtol=rtol, atol=0, err_msg=f"{each} {desired}")


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_poisson_cost_of_rounded_outputs(dtype):
    for z, y in zip(*samples("exp", dtype), strict=True):
        a = np.exp(z)
        with decimal.localcontext(decimal.Context(prec=60)):
            terms = [
                DEFINITIONS["PoissonCost"](Decimal(float(p)), Decimal(float(q))) for p, q in zip(a, y, strict=True)
            ]
        rtol = tolerance("PoissonCost", np.log(a), y)
        np.testing.assert_allclose(PoissonCost.fn(a, y), float(sum(terms)), rtol=rtol, atol=0)


def test_the_poisson_cost_of_zeros():
    zero, one = np.zeros((1, 1)), np.ones((1, 1))
    assert PoissonCost.fn(zero, zero) == 0
    assert PoissonCost.fn(one, zero) == 1
    assert PoissonCost.fn(zero, one) == np.inf
