"""Every engine's gradient against differences of the cost, computed here without fastnet."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastnet.activations import sigmoid_prime
from fastnet.costs import OwnCost

SHARED_FIXTURES = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def quadratic_cost(weights, biases, inputs, targets):
    """Return the mean of ||a - y||^2 / 2 over the samples (chapter 1, equation 6)."""
    a = inputs.T
    for w, b in zip(weights, biases, strict=True):
        a = 1.0 / (1.0 + np.exp(-(w @ a + b)))
    return np.sum((a - targets.T) ** 2) / (2 * len(inputs))


def differences(cost, parameters, h=1e-3):
    """Return the derivatives of `cost()` by the central difference of fourth order, perturbing in place."""
    result = [np.empty_like(array) for array in parameters]
    for array, derivatives in zip(parameters, result, strict=True):
        for index in np.ndindex(array.shape):
            value = array[index]
            costs = {}
            for k in (-2, -1, 1, 2):
                array[index] = value + k * h
                costs[k] = cost()
            array[index] = value
            derivatives[index] = (8 * (costs[1] - costs[-1]) - (costs[2] - costs[-2])) / (12 * h)
    return result


def relative_distance(arrays, expected):
    a, b = (np.concatenate([x.ravel() for x in xs]) for xs in (arrays, expected))
    return np.linalg.norm(a - b) / np.linalg.norm(b)


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=5)
    | st.lists(st.sampled_from([1, 3, 18]), min_size=2, max_size=3),
    batch=st.integers(1, 12),
    zeros=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 2**32 - 1),
)
@SHARED_FIXTURES
def test_gradient_is_that_of_the_cost(engine_name, make_engine, draw_parameters, sizes, batch, zeros, seed):
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    inputs = random.standard_normal((batch, sizes[0])) * (random.random((batch, sizes[0])) >= zeros)
    targets = random.random((batch, sizes[-1]))

    nabla_b, nabla_w = make_engine(engine_name, sizes, weights, biases).gradients(inputs, targets)

    expected = differences(lambda: quadratic_cost(weights, biases, inputs, targets), biases + weights)
    assert relative_distance(nabla_b + nabla_w, expected) < 1e-7


def test_the_differences_notice_a_wrong_gradient(make_engine, draw_parameters):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([3, 4, 2], random)
    inputs, targets = random.standard_normal((5, 3)), random.random((5, 2))
    nabla_b, nabla_w = make_engine("reference", [3, 4, 2], weights, biases).gradients(inputs, targets)
    expected = differences(lambda: quadratic_cost(weights, biases, inputs, targets), biases + weights)
    nabla_w[0][0, 0] *= 1.001
    assert relative_distance(nabla_b + nabla_w, expected) > 1e-7


@pytest.mark.parametrize("name", ["reference", "numpy"])
def test_a_cost_derivative_of_ones_own_gives_the_gradient_of_its_cost(name, make_engine, draw_parameters):
    sizes = [4, 5, 3]
    random = np.random.default_rng(1)
    weights, biases = draw_parameters(sizes, random)
    inputs, targets = random.standard_normal((6, 4)), random.random((6, 3))

    def quartic_cost():
        a = inputs.T
        for w, b in zip(weights, biases, strict=True):
            a = 1.0 / (1.0 + np.exp(-(w @ a + b)))
        return np.sum((a - targets.T) ** 4) / len(inputs)

    def derivative(a, y):
        assert a.shape == y.shape == (3, 1)  # a column, as the book hands it over
        return 4 * (a - y) ** 3

    cost = OwnCost(SimpleNamespace(delta=lambda z, a, y: derivative(a, y) * sigmoid_prime(z)))
    engine = make_engine(name, sizes, weights, biases, cost=cost)
    nabla_b, nabla_w = engine.gradients(inputs, targets)
    assert relative_distance(nabla_b + nabla_w, differences(quartic_cost, biases + weights)) < 1e-7
