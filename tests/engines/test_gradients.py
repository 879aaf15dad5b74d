"""Every engine's gradient against differences of the cost, computed here without fastnet."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from fastnet import Dataset
from fastnet.engines.contract import Descent
from fastnet.formulas import dropout
from fastnet.formulas.activations import sigmoid_prime
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost, OwnCost, QuadraticCost

FEW = settings(deadline=None, max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])

HIDDEN = {"sigmoid": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh, "relu": lambda z: np.where(z > 0, z, 0.0)}


def quadratic(z, y):
    return np.sum((1 / (1 + np.exp(-z)) - y) ** 2) / 2


def cross_entropy(z, y):
    minus_ln_a, minus_ln_1_minus_a = np.logaddexp(0, -z), np.logaddexp(0, z)
    return np.sum(y * minus_ln_a + (1 - y) * minus_ln_1_minus_a)


def log_likelihood(z, y):
    return -np.sum(y * np.log(np.exp(z) / np.exp(z).sum(axis=0)))


COSTS = {QuadraticCost: quadratic, CrossEntropyCost: cross_entropy, LogLikelihoodCost: log_likelihood}


class Truth:
    """The mean cost over some samples, with regularization, and what it is differentiated by.

    Where `factors` are given, hidden neurons are multiplied by them: a list of a matrix for each layer, a column a
    sample.
    """

    def __init__(self, weights, biases, inputs, targets, activation, cost, l2=0.0, l1=0.0, factors=None):
        self.weights, self.biases = [w.copy() for w in weights], [b.copy() for b in biases]
        self.x, self.y = inputs.T, targets.T
        self.activation, self.cost, self.l2, self.l1 = activation, COSTS.get(cost, cost), l2, l1
        self.factors = factors or [1.0] * (len(weights) - 1)
        self.smooth = True

    def zs(self):
        """Return the weighted inputs, layer by layer."""
        a, zs = self.x, []
        for w, b, factor in zip(self.weights, self.biases, [*self.factors, None], strict=True):
            zs.append(w @ a + b)
            if factor is not None:
                a = HIDDEN[self.activation](zs[-1]) * factor
        return zs

    def value(self):
        squares, absolutes = (sum(f(w).sum() for w in self.weights) for f in (np.square, np.abs))
        return self.cost(self.zs()[-1], self.y) / self.x.shape[1] + self.l2 / 2 * squares + self.l1 * absolutes

    def signs(self):
        """Return on which side of its kink everything is that has one."""
        kinks = self.zs()[:-1] if self.activation == "relu" else []
        return np.concatenate([np.sign(array).ravel() for array in (*kinks, *(self.weights if self.l1 else []))] + [[]])

    def gradient(self):
        """Return the derivatives by the biases and the weights: central differences of fourth order.

        With rectified linear neurons and with L1, the cost is smooth only where no z and no weight changes its sign;
        `smooth` says whether that is so, and examples where it is not are left out. As a weight is varied, the z that
        it leads to grow in proportion, and so do those above, unless one below has changed its sign: the outermost
        points tell.
        """
        parameters, result = self.biases + self.weights, []
        signs = self.signs()
        h = 5e-5 if signs.size else 1e-3
        for array in parameters:
            derivatives = np.empty_like(array)
            for index in np.ndindex(array.shape):
                value, costs = array[index], {}
                for k in (-2, -1, 1, 2):
                    array[index] = value + k * h
                    costs[k] = self.value()
                    self.smooth &= abs(k) < 2 or not signs.size or (self.signs() == signs).all()
                array[index] = value
                derivatives[index] = (8 * (costs[1] - costs[-1]) - (costs[2] - costs[-2])) / (12 * h)
            result.append(derivatives)
        return result


def relative_distance(arrays, expected):
    a, b = (np.concatenate([x.ravel() for x in xs]) for xs in (arrays, expected))
    return np.linalg.norm(a - b) / np.linalg.norm(b)


def draw_samples(random, samples, sizes, zeros, cost):
    """Draw inputs, of which that part is zero, and targets: probabilities where the cost is about these."""
    inputs = random.standard_normal((samples, sizes[0])) * (random.random((samples, sizes[0])) >= zeros)
    targets = random.random((samples, sizes[-1])) + 0.01
    return inputs, targets / targets.sum(axis=1, keepdims=True) if cost is LogLikelihoodCost else targets


SIZES = st.lists(st.integers(1, 6), min_size=2, max_size=5) | st.lists(
    st.sampled_from([1, 3, 18]), min_size=2, max_size=3
)
DRAWN = {
    "sizes": SIZES.map(lambda sizes: [*sizes[:-1], max(sizes[-1], 2)]),  # of one output, the softmax is always 1
    "samples": st.integers(1, 12),
    "zeros": st.sampled_from([0.0, 0.5, 1.0]),
    "seed": st.integers(0, 2**32 - 1),
}


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", HIDDEN)
@given(**DRAWN)
@FEW
def test_gradient_is_that_of_the_cost(
    engine_name, make_engine, draw_parameters, few_kernels, activation, cost, sizes, samples, zeros, seed
):
    few_kernels(activation, cost)
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    inputs, targets = draw_samples(random, samples, sizes, zeros, cost)

    engine = make_engine(engine_name, sizes, weights, biases, activation=activation, cost=cost)
    nabla_b, nabla_w = engine.gradients(inputs, targets)

    truth = Truth(weights, biases, inputs, targets, activation, cost)
    expected = truth.gradient()
    assume(truth.smooth)
    assert relative_distance(nabla_b + nabla_w, expected) < 1e-7


@given(**DRAWN | {"sizes": SIZES})
@FEW
def test_gradient_with_any_number_of_outputs(engine_name, make_engine, draw_parameters, sizes, samples, zeros, seed):
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    inputs, targets = draw_samples(random, samples, sizes, zeros, QuadraticCost)
    nabla_b, nabla_w = make_engine(engine_name, sizes, weights, biases).gradients(inputs, targets)
    expected = Truth(weights, biases, inputs, targets, "sigmoid", QuadraticCost).gradient()
    assert relative_distance(nabla_b + nabla_w, expected) < 1e-7


def drawn_factors(random, seed, first, samples, sizes, probability):
    """Return what hidden neurons are multiplied by, as `Truth` takes it."""
    kept = dropout.kept(seed, first, samples, sum(sizes[1:-1]), probability) / (1 - probability)
    return np.split(kept.T, np.cumsum(sizes[1:-1])[:-1]) if len(sizes) > 2 else []


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", HIDDEN)
@given(
    **DRAWN,
    l2=st.sampled_from([0.0, 0.1, 3.0]),
    l1=st.sampled_from([0.0, 0.2]),
    momentum=st.sampled_from([0.0, 0.7]),
    probability=st.sampled_from([0.0, 0.4]),
)
@FEW
def test_steps_follow_the_gradient_of_the_regularized_cost(
    engine_name, make_engine, draw_parameters, few_kernels, activation, cost, sizes, samples, zeros, seed,
    l2, l1, momentum, probability,
):  # fmt: skip
    """Two mini-batches, with two learning rates: v1 = -eta1 g1, then v2 = mu v1 - eta2 g2 (chapter 3, 107 and 108)."""
    few_kernels(activation, cost)
    random = np.random.default_rng(seed)
    weights, biases = draw_parameters(sizes, random)
    inputs, targets = draw_samples(random, 2 * samples, sizes, zeros, cost)
    descent = Descent(l2, l1, momentum, probability if len(sizes) > 2 else 0.0, seed)
    engine = make_engine(
        engine_name, sizes, weights, biases, Dataset(inputs, targets), activation=activation, cost=cost
    )
    order, before, velocity = random.permutation(2 * samples), biases + weights, None
    for step, eta in enumerate((0.25, 0.125)):
        part = order[step * samples : (step + 1) * samples]
        engine.epoch(part, samples, eta, descent)
        factors = drawn_factors(random, seed, step * samples, samples, sizes, descent.dropout)
        truth = Truth(
            before[len(biases) :], before[: len(biases)], inputs[part], targets[part], activation, cost, l2, l1, factors
        )
        # The sum of squares and of absolute values is of the weights only: the biases are not regularized.
        gradient = truth.gradient()
        assume(truth.smooth)
        after = [array for arrays in engine.parameters()[::-1] for array in arrays]
        change = [a - b for a, b in zip(after, before, strict=True)]
        expected = [-eta * g for g in gradient]
        if velocity is not None:
            expected = [momentum * v + e for v, e in zip(velocity, expected, strict=True)]
        assert relative_distance(change, expected) < 1e-7
        before, velocity = after, change


def test_the_differences_notice_a_wrong_gradient(make_engine, draw_parameters):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([3, 4, 2], random)
    inputs, targets = random.standard_normal((5, 3)), random.random((5, 2))
    nabla_b, nabla_w = make_engine("reference", [3, 4, 2], weights, biases).gradients(inputs, targets)
    expected = Truth(weights, biases, inputs, targets, "sigmoid", QuadraticCost).gradient()
    nabla_w[0][0, 0] *= 1.001
    assert relative_distance(nabla_b + nabla_w, expected) > 1e-7


@pytest.mark.parametrize("name", ["reference", "numpy"])
@pytest.mark.parametrize("activation", HIDDEN)
def test_a_cost_of_ones_own_gives_its_own_gradient(name, activation, make_engine, draw_parameters):
    sizes = [4, 5, 3]
    random = np.random.default_rng(1)
    weights, biases = draw_parameters(sizes, random)
    inputs, targets = random.standard_normal((6, 4)), random.random((6, 3))

    def quartic(z, y):
        return np.sum((1 / (1 + np.exp(-z)) - y) ** 4)

    def delta(z, a, y):
        assert z.shape == a.shape == y.shape == (3, 1)  # a column, as the book hands it over
        return 4 * (a - y) ** 3 * sigmoid_prime(z)

    cost = OwnCost(SimpleNamespace(delta=delta))
    engine = make_engine(name, sizes, weights, biases, activation=activation, cost=cost)
    nabla_b, nabla_w = engine.gradients(inputs, targets)
    truth = Truth(weights, biases, inputs, targets, activation, quartic)
    expected = truth.gradient()
    assert truth.smooth
    assert relative_distance(nabla_b + nabla_w, expected) < 1e-7
