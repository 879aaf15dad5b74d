"""Custom costs and methods in chapter 3's network."""

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.network2 import CrossEntropyCost, Network, QuadraticCost, sigmoid_prime


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return Dataset(random.random((10, 4)), np.eye(3)[random.integers(0, 3, 10)])


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


class CustomQuadratic:
    """The quadratic cost as the book writes it."""

    @staticmethod
    def fn(a, y):
        return 0.5 * np.linalg.norm(a - y) ** 2

    @staticmethod
    def delta(z, a, y):
        return (a - y) * sigmoid_prime(z)


class CustomCrossEntropy:
    def __init__(self, weight=1.0):
        self.weight = weight

    def fn(self, a, y):
        return self.weight * np.sum(np.nan_to_num(-y * np.log(a) - (1 - y) * np.log(1 - a)))

    def delta(self, z, a, y):
        return self.weight * (a - y)


@pytest.mark.parametrize("name", ["numpy", "reference"])
@pytest.mark.parametrize(
    ("custom", "built_in"),
    [(CustomQuadratic, QuadraticCost), (CustomQuadratic(), QuadraticCost()), (CustomCrossEntropy(), CrossEntropyCost)],
    ids=["class", "instance", "with a parameter"],
)
def test_a_custom_cost_with_the_books_formulas_is_the_books(name, custom, built_in, data):
    nets = [Network([4, 5, 3], cost, engine=name, dtype="float64", seed=0) for cost in (custom, built_in)]
    found, expected = (
        net.SGD(data, 2, 3, 0.5, 0.1, data, True, True, True, True, momentum=0.5, dropout=0.25) for net in nets
    )
    np.testing.assert_allclose(parameters(nets[0]), parameters(nets[1]), rtol=0, atol=1e-13)
    for costs, expected_costs in zip(found, expected, strict=True):
        assert costs == pytest.approx(expected_costs, rel=1e-12)
    x, y = data[0]
    for arrays, others in zip(nets[0].backprop(x, y), nets[1].backprop(x, y), strict=True):
        for array, other in zip(arrays, others, strict=True):
            np.testing.assert_allclose(array, other, rtol=0, atol=1e-13)


def test_a_cost_may_be_assigned_and_its_parameters_changed(data):
    twice, plain = (Network([4, 3], engine="numpy", dtype="float64", seed=0) for _ in range(2))
    twice.cost = CustomCrossEntropy(2.0)
    twice.SGD(data, 1, 5, 0.25)
    plain.SGD(data, 1, 5, 0.5)
    np.testing.assert_allclose(parameters(twice), parameters(plain), rtol=0, atol=1e-14)
    assert twice.total_cost(data, 0) == pytest.approx(2 * plain.total_cost(data, 0), rel=1e-13)


@pytest.mark.parametrize(
    ("name", "why"),
    [("numba", "'numba' is compiled and cannot call"), ("torch", "'torch' gets its gradients from PyTorch and cannot")],
)
def test_engines_that_call_no_cost_refuse_to_train_and_do_the_rest(name, why, data):
    if name == "torch":
        pytest.importorskip("torch")
    net = Network([4, 5, 3], CustomQuadratic, engine=name, dtype="float64", seed=0)
    plain = Network([4, 5, 3], QuadraticCost, engine="numpy", dtype="float64", seed=0)
    before = parameters(net)
    x, y = data[0]
    for train in (
        lambda: net.SGD(data, 1, 5, 0.5),
        lambda: net.update_mini_batch(data, 0.5),
        lambda: net.backprop(x, y),
    ):
        with pytest.raises(ValueError, match=f"{why}.* a custom cost.delta; use engine='numpy' or"):
            train()
    np.testing.assert_array_equal(parameters(net), before)
    np.testing.assert_allclose(net.feedforward(x), plain.feedforward(x), rtol=1e-13)
    assert net.accuracy(data) == plain.accuracy(data)
    assert net.total_cost(data, 0.5) == pytest.approx(plain.total_cost(data, 0.5), rel=1e-12)


def test_what_the_engine_would_not_call_is_refused(data):
    class CustomBackprop(Network):
        def backprop(self, x, y):
            raise AssertionError

    class CustomUpdate(Network):
        def update_mini_batch(self, mini_batch, eta, lmbda, n):
            raise AssertionError

    for kind, train in [
        (CustomBackprop, lambda net: net.SGD(data, 1, 4, 0.5)),
        (CustomBackprop, lambda net: net.update_mini_batch(data, 0.5)),
        (CustomUpdate, lambda net: net.SGD(data, 1, 4, 0.5)),
    ]:
        net = kind([4, 3], engine="numpy", seed=0)
        before = parameters(net)
        with pytest.raises(TypeError, match=f"{kind.__name__} overrides .*, which the engine would never call; use"):
            train(net)
        np.testing.assert_array_equal(parameters(net), before)


def test_custom_methods_are_used(data):
    class CustomCost(Network):
        def total_cost(self, data, lmbda, convert=False, *, l1=0.0):
            return 100 * lmbda + l1

    class CustomAccuracy(Network):
        def accuracy(self, data, convert=False):
            return 7

    class CustomInitializer(Network):
        def default_weight_initializer(self):
            self.large_weight_initializer()

    arguments = (data, 1, 5, 0.5, 2, data, True, True, True, True)
    plain = Network([4, 3], engine="numpy", seed=0).SGD(*arguments, l1=3)
    assert CustomCost([4, 3], engine="numpy", seed=0).SGD(*arguments, l1=3) == ([203], plain[1], [203], plain[3])
    assert CustomAccuracy([4, 3], engine="numpy", seed=0).SGD(*arguments, l1=3) == (plain[0], [7], plain[2], [7])
    net = CustomInitializer([4, 3], engine="numpy", seed=0)
    large = Network([4, 3], engine="numpy", seed=0)
    large._random = np.random.RandomState(0)
    large.large_weight_initializer()
    np.testing.assert_array_equal(parameters(net), parameters(large))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (1.5, "the result of accuracy is 1.5; it must be an integer"),
        (None, "the result of accuracy is None"),
        (-1, "the result of accuracy is -1; it must not be negative"),
        (np.nan, "the result of accuracy is nan"),
        (10**30, r"the result of accuracy is 10+; it must be at most \d+$"),
    ],
)
def test_a_custom_accuracy_that_is_none_is_reported(value, message, data):
    net = Network([4, 3], engine="numpy", seed=0)
    net.accuracy = lambda data, convert=False: value
    with pytest.raises((TypeError, ValueError), match=message):
        net.SGD(data, 1, 5, 0.5, evaluation_data=data, monitor_evaluation_accuracy=True)


def test_a_custom_feedforward_is_used(data):
    class Turned(Network):
        def feedforward(self, a):
            return np.roll(super().feedforward(a), 1, axis=0)

    net, plain = (kind([4, 3], engine="numpy", dtype="float64", seed=0) for kind in (Turned, Network))
    turned = [(x, np.roll(y, 1, axis=0)) for x, y in data]
    assert net.accuracy(turned) == plain.accuracy(data)
    assert net.total_cost(turned, 0.5) == pytest.approx(plain.total_cost(data, 0.5), rel=1e-12)
    found = net.SGD(data, 1, 5, 0.5, 0.5, turned, True, True)
    expected = plain.SGD(data, 1, 5, 0.5, 0.5, data, True, True)
    assert found[:2] == tuple(pytest.approx(costs, rel=1e-12) for costs in expected[:2])


def test_a_refused_cost_changes_nothing(data):
    net = Network([4, 5, 3], CustomQuadratic, engine="numba", seed=0)
    before = parameters(net)
    with pytest.raises(ValueError, match="cannot call"):
        net.SGD(data, 1, 2, 0.5, dropout=0.5)
    assert net.history is None
    np.testing.assert_array_equal(parameters(net), before)
    another = Network([4, 5, 3], CustomQuadratic, engine="numba", seed=0)
    assert net._random.randint(2**31) == another._random.randint(2**31)  # no random number was drawn
