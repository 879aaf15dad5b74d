import json

import numpy as np
import pytest

from fastnet import Convolution, Dense, Dropout, MaxPooling, network, network2
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.formulas.architecture import Architecture
from fastnet.formulas.costs import NAMES as COSTS
from fastnet.sweeps.recipe import ARGUMENTS, recipe

OTHERS = {
    "sizes": [4, 3, 2], "cost": "cross-entropy", "init": "small", "activation": "tanh", "epochs": 7,
    "mini_batch_size": 3, "eta": 0.25, "lmbda": 0.5, "l1": 0.5, "deform": True, "max_norm": 2.0,
    "optimizer": "nesterov", "momentum": 0.5, "dropout": 0.5,
    "patience": 2, "schedule": "halve", "engine": "numpy", "dtype": "float64",
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


@pytest.mark.parametrize("cost", COSTS)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS.keys() - {"sigmoid"}))
def test_with_another_activation_the_defaults_of_chapter_1_are_left_out(cost, activation):
    made = recipe([5, 4, 3], cost=cost, activation=activation)
    assert (made.eta, made.init) == (0.1, "small")
    assert recipe([5, 4, 3], cost=cost, activation=activation, optimizer="adam").eta == 0.001


def test_the_network_is_the_one_that_is_described():
    net = recipe(**OTHERS).network(None)
    assert net.sizes == [4, 3, 2]
    assert (net.cost, net.activation, net.engine) == (network2.CrossEntropyCost, "tanh", "numpy")
    assert net.dtype == np.float64


def test_its_text_is_the_same_for_the_same_recipe():
    same = recipe(np.array([784, 30, 10]), eta=np.float64(3), epochs=np.int32(30), lmbda=0, dtype=np.float32)
    assert same == recipe()
    assert same.as_json() == recipe().as_json()


def test_its_text_contains_each_argument():
    assert {*OTHERS, "layers", "image_shape"} == set(ARGUMENTS)
    texts = {recipe(**{name: value}).as_json() for name, value in OTHERS.items()}
    assert len(texts | {recipe().as_json()}) == len(OTHERS) + 1
    layers = {"layers": ["pool", "pool 4x4", "conv 2 3x3"], "image_shape": [(4, 14, 14), (1, 14, 56)]}
    texts = {recipe(**{"layers": "pool", name: value}).as_json() for name, values in layers.items() for value in values}
    assert len(texts) == 5


def test_the_text_of_dense_networks_is_the_one_that_records_have():
    assert not {"layers", "image_shape", "deform"} & json.loads(recipe().as_json()).keys()


def test_layers_are_chapter_6_by_default():
    made = recipe(layers="conv 3 5x5 relu, pool, dense 7")
    net = made.network(0)
    assert (made.cost, made.eta, made.init) == ("log-likelihood", 0.1, "small")
    assert net.layers == (
        Convolution(3, 5, "relu"), MaxPooling(2), Dense(7, "sigmoid"), Dense(10, "softmax")
    )  # fmt: skip
    expected = network2.Network([(1, 28, 28), *net.layers], network2.LogLikelihoodCost, seed=0)
    np.testing.assert_array_equal(parameters(net), parameters(expected))
    assert recipe(layers="dense 7", cost="quadratic").init == "small"
    assert recipe(layers="dense 7", optimizer="adam").eta == 0.001


def test_layers_may_be_objects_and_are_kept_as_text():
    made = recipe([48, 2], layers=[Convolution(3, 3), MaxPooling(), Dropout(0.25), 7], activation="relu")
    assert made.layers == "conv 3 3x3, pool 2x2, dropout 0.25, dense 7"
    assert made == recipe([48, 2], layers=made.layers, activation="relu")
    assert made.input_shape == (3, 4, 4)
    assert recipe([48, 2], layers=made.layers, image_shape=[1, 6, 8]).input_shape == (1, 6, 8)
    assert recipe([48, 2], layers="dense 7").input_shape == (48,)


def test_work_grows_with_the_multiplications():
    assert recipe(epochs=3).work() == 3 * (784 * 30 + 30 * 10)
    layers = (Convolution(3, 5, "relu"), Dense(10))
    assert recipe(layers=layers[:1], epochs=3).work() == 3 * Architecture((1, 28, 28), layers).multiplications


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": "pol"}, "layers: 'pol' is not a layer; a layer must be one of: conv FILTERS"),
        ({"layers": 5}, "layers: 5 must be a string, such as 'conv 20 5x5 relu, pool 2x2, dense 100 relu'"),
        ({"layers": [Dropout(0.5, inverted=False)]}, "layers: Dropout(p=0.5, inverted=False) cannot be written"),
        (
            {"layers": "conv 2 30x30 relu"},
            "layers: 'conv 2 30x30 relu' is larger than its inputs, images of 28 x 28; give a smaller shape. The 784 "
            "numbers of a sample are interpreted as an image of 1 x 28 x 28",
        ),
        ({"layers": "dense 30, conv 2 5x5"}, "layers: 'conv 2 5x5' needs images, but its inputs are 30 numbers"),
        ({"layers": "dense 99999999999"}, "layers: inputs of the shape (784,) and the layers"),
        ({"layers": "pool", "sizes": [40, 2]}, "layers: 'pool 2x2' needs images, but a sample has 40 numbers"),
        ({"layers": "pool", "sizes": [16, 5, 2]}, "sizes is [16, 5, 2], and layers are given"),
        ({"layers": "pool", "image_shape": (3, 2, 2)}, "layers: image_shape is (3, 2, 2), 12 numbers; it must have"),
        ({"layers": "pool", "dropout": 0.5}, "dropout is 0.5, and layers are given; write 'dropout 0.5' among the"),
        ({"image_shape": (1, 28, 28)}, "image_shape is (1, 28, 28), but layers is not given"),
        (
            {"layers": "pool", "sizes": [16, 1]},
            "layers: cost is LogLikelihoodCost, but the softmax of one output neuron",
        ),
    ],
)
def test_a_mistake_in_layers_is_said_as_they_were_written(arguments, message):
    with pytest.raises((TypeError, ValueError)) as error:
        recipe(**arguments)
    assert str(error.value).startswith(message)


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
