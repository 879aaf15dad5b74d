"""The cost, and the number of samples classified correctly."""

from types import SimpleNamespace

import numpy as np
import pytest
from engines import names

from fastnet import Dataset
from fastnet.engines import engine_class
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import COSTS, CrossEntropyCost, CustomCost, LogLikelihoodCost, QuadraticCost
from fastnet.formulas.layers import Dense
from fastnet.kernels import choice

Z = np.array([[2.0, -1.0, 0.5], [0.0, 3.0, -2.0], [-1.0, 0.25, 0.0], [1.0, 0.5, 4.0]])
LABELS = np.array([0, 2, 1, 2])
RIGHT = 3  # number of samples classified correctly: all except the second
IDENTITY = [np.eye(3)], [np.zeros((3, 1))]  # with these parameters, z equals the inputs
OUTPUTS = [(name, activation) for name, cost in names.COSTS.items() for activation in cost.losses]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def engine_with(name, cost, activation, dtype="float64"):
    architecture = Architecture((3,), (Dense(3, activation),), COSTS[cost], np.dtype(dtype))
    return engine_class(name)(architecture, architecture.parameters(*IDENTITY))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_by_hand(engine_name, cost, activation, dtype):
    engine = engine_with(engine_name, cost, activation, dtype)
    expected = names.COSTS[cost].losses[activation](Z, np.eye(3)[LABELS]).sum()
    for targets in (LABELS, np.eye(3)[LABELS]):
        found = engine.measure(Dataset(Z, targets), cost=True)
        assert found.correct == RIGHT
        assert found.predictions.tolist() == [0, 1, 1, 2]
        assert found.cost == pytest.approx(expected, rel=1e-6 if dtype == "float32" else 1e-14)
        assert type(found.correct) is int
        assert type(found.cost) is float
    without = engine.measure(Dataset(Z, LABELS))
    assert (without.correct, without.cost) == (RIGHT, None)


@pytest.mark.parametrize(("cost", "activation"), OUTPUTS)
def test_targets_that_are_not_zero_or_one(engine_name, cost, activation):
    y = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1], [0.25, 0.5, 0.25], [1.0, 0.0, 0.0]])
    found = engine_with(engine_name, cost, activation).measure(Dataset(Z, y), cost=True)
    assert found.correct == 3  # all samples except the last
    assert found.cost == pytest.approx(names.COSTS[cost].losses[activation](Z, y).sum(), rel=1e-14)


def test_an_output_that_is_not_a_number_is_no_prediction(engine_name):
    biases = [np.array([[0.0], [np.nan], [0.0]])]
    for cost, activation in OUTPUTS:
        engine = engine_with(engine_name, cost, activation)
        engine.set_parameters(engine.architecture.parameters(IDENTITY[0], biases))
        found = engine.measure(Dataset(Z, LABELS), cost=True)
        assert found.predictions.tolist() == [-1] * 4
        assert found.correct == 0
        assert np.isnan(found.cost)


def test_one_output_distinguishes_two_classes(engine_name, make_engine):
    """z is -0.5, 0.5, 1.5 and 0. At z = 0 the sigmoid is 0.5, which means class 0."""
    engine = make_engine(engine_name, [3, 1], [np.ones((1, 3))], [np.zeros((1, 1))])
    inputs = np.array([[-0.5, 0, 0], [0.5, 0, 0], [0.5, 0.5, 0.5], [0, 0, 0]])
    found = engine.measure(Dataset(inputs, np.array([0.0, 1.0, 0.0, 1.0])))
    assert found.predictions.tolist() == [0, 1, 1, 0]
    assert found.correct == 2
    assert engine.measure(Dataset(inputs, np.array([[0.1], [0.9], [0.6], [0.4]]))).correct == 4


@pytest.mark.parametrize(("targets", "boundary"), [([0, 1, 1, 0], 0.5), ([-1, 1, 1, -1], 0.0), ([-3, 0.2, 2, -1], 0.0)])
def test_one_linear_output_is_read_between_the_targets(engine_name, targets, boundary):
    engine = engine_class(engine_name)(
        Architecture((1,), (Dense(1, "linear"),), QuadraticCost), [{"weights": np.eye(1), "biases": np.zeros((1, 1))}]
    )
    outputs = np.array([[-0.3], [0.3], [0.7], [-5.0]])
    found = engine.measure(Dataset(outputs, np.array(targets, float).reshape(-1, 1)))
    assert found.predictions.tolist() == (outputs[:, 0] > boundary).tolist()
    assert found.correct == (4 if boundary == 0 else 3)


def test_a_custom_cost_is_measured_by_every_engine(engine_name, make_engine):
    seen = []

    def fn(a, y):
        seen.append((a.shape, y.shape))
        return np.abs(a - y).max()

    cost = CustomCost(SimpleNamespace(fn=fn, delta=None))
    engine = make_engine(engine_name, [3, 3], *IDENTITY, cost=cost)
    found = engine.measure(Dataset(Z, LABELS), cost=True)
    assert found.cost == pytest.approx(np.abs(sigmoid(Z) - np.eye(3)[LABELS]).max(axis=1).sum(), rel=1e-14)
    assert found.correct == RIGHT
    assert set(seen) == {((3, 1), (3, 1))}


@pytest.mark.parametrize("samples", [2047, 2048, 2049, 4097])
def test_any_number_of_samples_and_of_threads(engine_name, make_engine, draw_parameters, monkeypatch, samples):
    """Threads feed parts of the samples forward. The number of threads changes no result."""
    if engine_name == "reference":
        samples %= 100  # `reference` is slow: it computes one sample at a time, in one thread
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([4, 6, 3], random)
    data = Dataset(random.standard_normal((samples, 4)), random.integers(0, 3, samples))
    engine = make_engine(engine_name, [4, 6, 3], weights, biases)
    z = weights[1] @ sigmoid(weights[0] @ data.inputs.T + biases[0]) + biases[1]
    found = set()
    for count in (1, 2, 3, 2, 2):
        monkeypatch.setattr(choice, "threads", lambda multiplications, parts, available, n=count: min(n, parts))
        measure = engine.measure(data, cost=True)
        found.add((measure.correct, measure.cost))
    assert len(found) == 1
    assert measure.correct == np.sum(z.argmax(axis=0) == data.targets)
    assert measure.cost == pytest.approx(np.sum((sigmoid(z.T) - np.eye(3)[data.targets]) ** 2) / 2, rel=1e-12)


def test_the_sum_is_the_same_in_whatever_order_threads_come(make_engine, draw_parameters, monkeypatch):
    random = np.random.default_rng(0)
    weights, biases = draw_parameters([4, 6, 3], random)
    data = Dataset(random.standard_normal((2000, 4)), random.integers(0, 3, 2000))
    engine = make_engine("reference", [4, 6, 3], weights, biases)
    expected, parts, feed_forward = engine.measure(data, cost=True), [], engine._feed_forward

    def backwards(inputs, receive, desired):
        feed_forward(inputs, lambda *found: parts.append(found), desired)
        for each in reversed(parts):
            receive(*each)

    monkeypatch.setattr(engine, "_feed_forward", backwards)
    assert engine.measure(data, cost=True) == expected
    assert len(parts) == 2000


@pytest.mark.parametrize("cost", [CrossEntropyCost, LogLikelihoodCost])
def test_a_saturated_network_has_a_finite_cost(engine_name, make_engine, cost):
    engine = make_engine(engine_name, [3, 3], *IDENTITY, cost=cost)
    z = np.array([[1000.0, -1000.0, -1000.0]])
    assert engine.measure(Dataset(z, [0]), cost=True).cost == 0
    # The cross-entropy is 2000: 1000 for each of the first two outputs. The log-likelihood cost is also 2000, because
    # the softmax of the second output is exp(-2000).
    assert engine.measure(Dataset(z, [1]), cost=True).cost == 2000


def test_labels_that_are_no_outputs(engine_name, make_engine):
    engine = make_engine(engine_name, [3, 3], *IDENTITY)
    with pytest.raises(ValueError, match="there is a label 3"):
        engine.measure(Dataset(Z, [0, 1, 2, 3]))
