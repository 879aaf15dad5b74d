import numpy as np
import pytest

from fastnet import network, network2
from fastnet.formulas.costs import NAMES as COSTS
from fastnet.sweeps.recipe import ARGUMENTS, recipe

OTHERS = {
    "sizes": [4, 3, 2], "cost": "cross-entropy", "init": "small", "activation": "tanh", "epochs": 7,
    "mini_batch_size": 3, "eta": 0.25, "lmbda": 0.5, "l1": 0.5, "max_norm": 2.0, "optimizer": "nesterov",
    "momentum": 0.5, "dropout": 0.5, "patience": 2, "schedule": "halve", "engine": "numpy", "dtype": "float64",
}  # fmt: skip


def parameters(net):
    return np.concatenate([array.ravel() for array in (*net.biases, *net.weights)])


def test_the_default_is_chapter_1():
    made = recipe()
    assert (made.sizes, made.epochs, made.mini_batch_size, made.eta) == ((784, 30, 10), 30, 10, 3.0)
    net = made.network(seed=5)
    assert net.cost is network2.QuadraticCost
    np.testing.assert_array_equal(parameters(net), parameters(network.Network([784, 30, 10], seed=5)))


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize(("init", "large"), [(None, None), ("large", True), ("small", False)])
def test_initial_weights_and_the_learning_rate_are_those_of_the_costs_chapter(cost, init, large):
    made = recipe([5, 4, 3], cost=cost, init=init)
    large = cost == "quadratic" if large is None else large
    expected = (network.Network if large else network2.Network)([5, 4, 3], seed=2)
    np.testing.assert_array_equal(parameters(made.network(2)), parameters(expected))
    assert made.eta == (3.0 if cost == "quadratic" else 0.5)


def test_the_network_is_the_one_that_is_described():
    net = recipe(**OTHERS).network(None)
    assert net.sizes == [4, 3, 2]
    assert (net.cost, net.activation, net.engine) == (network2.CrossEntropyCost, "tanh", "numpy")
    assert net.dtype == np.float64


def test_its_text_is_the_same_for_the_same_recipe():
    same = recipe(np.array([784, 30, 10]), eta=np.float64(3), epochs=np.int32(30), lmbda=0, dtype=np.float32)
    assert same == recipe()
    assert same.as_json() == recipe().as_json()


def test_its_text_tells_each_argument():
    assert set(OTHERS) == set(ARGUMENTS)
    texts = {recipe(**{name: value}).as_json() for name, value in OTHERS.items()}
    assert len(texts | {recipe().as_json()}) == len(OTHERS) + 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cost": "hinge"}, "cost is 'hinge'; it must be one of quadratic, cross-entropy, log-likelihood"),
        ({"init": "huge"}, "init is 'huge'; it must be one of large, small"),
        ({"eta": -1}, "eta is -1.0; it must be positive and finite"),
        ({"eta": "fast"}, "eta is 'fast'; it must be a number"),
        ({"sizes": [784, 0, 10]}, "a size is 0; it must be at least 1"),
        ({"epochs": 1.5}, "epochs is 1.5; it must be an integer"),
        ({"mini_batch_size": 0}, "mini_batch_size is 0"),
        ({"engine": "fortran"}, "engine is 'fortran'"),
        ({"dtype": "float16"}, "dtype is 'float16'"),
        ({"dropout": 1}, "dropout is 1.0"),
        ({"patience": 0}, "patience is 0"),
        ({"schedule": "third"}, "schedule is 'third'"),
    ],
)
def test_a_mistake_is_said_with_the_arguments_name(arguments, message):
    with pytest.raises((TypeError, ValueError)) as error:
        recipe(**arguments)
    assert str(error.value).startswith(message)
