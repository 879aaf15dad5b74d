"""Arguments that chapter 3's network refuses."""

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.network2 import LogLikelihoodCost, Network


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return Dataset(random.random((10, 4)), np.eye(3)[random.integers(0, 3, 10)])


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


INFINITY, NAN = float("inf"), float("nan")
MONITORED = "monitor_evaluation_cost or monitor_evaluation_accuracy"
TOO_LARGE = "training_data: a target y has the component 1.5; CrossEntropyCost needs targets from 0 to 1"
LABELS_TO_THREE = Dataset(np.zeros((4, 4)), [0, 1, 2, 3])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"training_data": []}, ValueError, "training_data: the data set is empty"),
        ({"training_data": None}, TypeError, "training_data: None is neither"),
        ({"training_data": LABELS_TO_THREE}, ValueError, "training_data: there is a label 3"),
        ({"training_data": Dataset(np.zeros((3, 5)), [0, 1, 0])}, ValueError, "training_data: x has 5 components"),
        ({"epochs": -1}, ValueError, "epochs is -1"),
        ({"epochs": 1.5}, TypeError, "epochs is 1.5; it must be an integer"),
        ({"mini_batch_size": 0}, ValueError, "mini_batch_size is 0"),
        ({"mini_batch_size": None}, TypeError, "mini_batch_size is None"),
        ({"eta": 0}, ValueError, "eta is 0.0; it must be positive and finite"),
        ({"eta": NAN}, ValueError, "eta is nan"),
        ({"eta": "0.5"}, TypeError, "eta is '0.5'; it must be a number"),
        ({"lmbda": -0.1}, ValueError, "lmbda is -0.1; it must be finite and not negative"),
        ({"lmbda": INFINITY}, ValueError, "lmbda is inf"),
        ({"lmbda": NAN}, ValueError, "lmbda is nan"),
        ({"lmbda": None}, TypeError, "lmbda is None"),
        ({"l1": -1}, ValueError, "l1 is -1.0; it must be finite and not negative"),
        ({"l1": "1"}, TypeError, "l1 is '1'"),
        ({"momentum": 1}, ValueError, "momentum is 1.0; it must be at least 0 and less than 1"),
        ({"momentum": -0.1}, ValueError, "momentum is -0.1"),
        ({"momentum": NAN}, ValueError, "momentum is nan"),
        ({"momentum": [0.5]}, TypeError, "momentum is"),
        ({"dropout": 1.0}, ValueError, "dropout is 1.0"),
        ({"dropout": -1}, ValueError, "dropout is -1.0"),
        ({"dropout": "half"}, TypeError, "dropout is 'half'"),
        ({"optimizer": "newton"}, ValueError, "optimizer is 'newton'; it must be one of sgd, nesterov"),
        ({"optimizer": 3}, TypeError, "optimizer is 3; it must be one of"),
        ({"optimizer": "adam", "momentum": 0.5}, ValueError, "momentum is 0.5, but optimizer is 'adam'"),
        ({"max_norm": 0}, ValueError, "max_norm is 0.0; it must be positive"),
        ({"max_norm": "1"}, TypeError, "max_norm is '1'; it must be a number"),
        ({"monitor_mini_batch_cost": 1}, TypeError, "monitor_mini_batch_cost is 1; it must be True or False"),
        ({"training_data": Dataset(np.zeros((3, 4)), np.full((3, 3), 1.5))}, ValueError, TOO_LARGE),
        ({"patience": 0, "evaluation_data": LABELS_TO_THREE[:3]}, ValueError, "patience is 0; it must be at least 1"),
        ({"patience": 2.5, "evaluation_data": LABELS_TO_THREE[:3]}, TypeError, "patience is 2.5"),
        ({"patience": 2}, ValueError, "evaluation_data is missing; patience needs it"),
        ({"schedule": "double"}, ValueError, "schedule is 'double'; it must be one of halve"),
        ({"schedule": "halve"}, ValueError, "schedule is 'halve'; it needs patience"),
        ({"monitor_evaluation_cost": True}, ValueError, f"evaluation_data is missing; {MONITORED} needs it"),
        ({"monitor_evaluation_accuracy": True}, ValueError, f"evaluation_data is missing; {MONITORED} needs it"),
        ({"evaluation_data": []}, ValueError, "evaluation_data: the data set is empty"),
        ({"evaluation_data": LABELS_TO_THREE}, ValueError, "evaluation_data: there is a label 3"),
        ({"evaluation_data": Dataset(np.zeros((3, 5)), [0, 1, 0])}, ValueError, "evaluation_data: x has 5 components"),
        ({"evaluation_data": Dataset(np.zeros((3, 4)), np.zeros((3, 2)))}, ValueError, "evaluation_data: y has 2"),
    ],
)
def test_bad_arguments_change_nothing(data, change, error, message):
    net = Network([4, 5, 3], engine="numpy", seed=0)
    before, generator = parameters(net), net._random.get_state()[1].copy()
    arguments = {"training_data": data, "epochs": 1, "mini_batch_size": 4, "eta": 0.5}
    with pytest.raises(error, match=message):
        net.SGD(**(arguments | change))
    np.testing.assert_array_equal(parameters(net), before)
    np.testing.assert_array_equal(net._random.get_state()[1], generator)
    assert net.history is None


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([], 0.5), ValueError, "mini_batch: the data set is empty"),
        ((LABELS_TO_THREE, 0.5), ValueError, "mini_batch: there is a label 3"),
        ((LABELS_TO_THREE[:3], 0), ValueError, "eta is 0.0"),
        ((LABELS_TO_THREE[:3], 0.5, -1), ValueError, "lmbda is -1.0"),
        ((LABELS_TO_THREE[:3], 0.5, 1, 0), ValueError, "n is 0; it must be at least 1"),
        ((LABELS_TO_THREE[:3], 0.5, 1, 2.5), TypeError, "n is 2.5; it must be an integer"),
    ],
)
def test_bad_arguments_of_update_mini_batch(arguments, error, message):
    net = Network([4, 3], engine="numpy", seed=0)
    before = parameters(net)
    with pytest.raises(error, match=message):
        net.update_mini_batch(*arguments)
    np.testing.assert_array_equal(parameters(net), before)


def test_bad_arguments_of_the_rest(data):
    net = Network([4, 3], engine="numpy")
    for function in (net.accuracy, net.classes, lambda those: net.total_cost(those, 0)):
        with pytest.raises(TypeError, match="data: 5 is neither a Dataset nor"):
            function(5)
        with pytest.raises(ValueError, match="data: there is a label 3"):
            function(LABELS_TO_THREE)
    with pytest.raises(ValueError, match=r"lmbda is -1\.0"):
        net.total_cost(data, -1)
    with pytest.raises(ValueError, match="l1 is nan"):
        net.total_cost(data, 0, l1=NAN)
    for keywords, error, message in [
        ({"activation": "step"}, ValueError, "activation is 'step'; it must be one of sigmoid, tanh, relu"),
        ({"activation": None}, ValueError, "activation is None"),
        ({"engine": "cuda"}, ValueError, "engine is 'cuda'; it must be one of numba, numpy, torch, reference"),
        ({"dtype": "float16"}, ValueError, "dtype is 'float16'"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"cost": "mse"}, ValueError, "cost is 'mse'; it must be 'quadratic'"),
        ({"cost": 3}, TypeError, "cost is 3; it must have a function fn"),
    ]:
        with pytest.raises(error, match=message):
            Network([4, 3], **keywords)


def test_dropout_needs_hidden_neurons(data):
    with pytest.raises(ValueError, match=r"dropout is 0.5, but the network has no hidden neurons to drop"):
        Network([4, 3], engine="numpy").SGD(data, 1, 5, 0.5, dropout=0.5)


@pytest.mark.parametrize("y", [[[0.5], [0.2], [0.2]], [[1.5], [-0.5], [0.0]], [[0.0], [0.0], [0.0]]])
def test_the_log_likelihood_is_about_probabilities(data, y):
    net = Network([4, 3], LogLikelihoodCost, engine="numpy", seed=0)
    before, x, bad = parameters(net), data[0][0], np.array(y)
    those = [*data, (x, bad)]
    for argument, refused in [
        ("training_data: ", lambda: net.SGD(those, 1, 5, 0.5)),
        (
            "evaluation_data: ",
            lambda: net.SGD(data, 1, 5, 0.5, evaluation_data=those, monitor_evaluation_cost=True),
        ),
        ("mini_batch: ", lambda: net.update_mini_batch(those, 0.5)),
        ("data: ", lambda: net.total_cost(those, 0)),
        ("y: ", lambda: net.backprop(x, bad)),
    ]:
        message = f"^{argument}a target y has the sum .*; LogLikelihoodCost needs probabilities"
        with pytest.raises(ValueError, match=message):
            refused()
    np.testing.assert_array_equal(parameters(net), before)
    assert 0 <= net.accuracy(those) <= 11  # the accuracy does not depend on the cost
    net.SGD(data, 1, 5, 0.5, evaluation_data=those, monitor_evaluation_accuracy=True)
    net.SGD([(x, np.array([[0.25], [0.25], [0.5]]))], 1, 5, 0.5)


def test_the_softmax_of_one_output_is_refused(data):
    with pytest.raises(ValueError, match="the softmax of one output neuron is always 1"):
        Network([4, 1], LogLikelihoodCost)
    net = Network([4, 1], engine="numpy")
    net.cost = LogLikelihoodCost()
    with pytest.raises(ValueError, match="the softmax of one output neuron is always 1"):
        net.feedforward(data[0][0])
