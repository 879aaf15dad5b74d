"""Files of chapter 3's networks."""

import json

import numpy as np
import pytest
from model_files import with_checksum

from fastnet import Dense, network, network2
from fastnet.formulas.regression import HuberCost
from fastnet.network2 import CrossEntropyCost, LogLikelihoodCost, Network, QuadraticCost

COSTS = [QuadraticCost, CrossEntropyCost, LogLikelihoodCost]


class Mine:
    @staticmethod
    def fn(a, y):
        return np.sum((a - y) ** 4)

    @staticmethod
    def delta(z, a, y):
        return (a - y) ** 3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("cost", COSTS)
def test_a_saved_network_is_the_same_network(tmp_path, cost, activation, dtype):
    net = Network([5, 4, 3, 2], cost, activation=activation, dtype=dtype, seed=0)
    net.save(tmp_path / "net.json")
    again = network2.load(str(tmp_path / "net.json"), engine="numpy", seed=3)
    assert isinstance(again, Network)
    assert (again.sizes, again.cost, again.activation, again.dtype) == (net.sizes, cost, activation, net.dtype)
    assert again.engine == "numpy"
    for array, expected in zip(again.weights + again.biases, net.weights + net.biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
    x = np.ones((5, 1))
    net.engine = "numpy"
    np.testing.assert_array_equal(again.feedforward(x), net.feedforward(x))


def books_load(path):
    """Return the sizes, cost, weights and biases that the book's `load` reads."""
    with open(path) as file:
        data = json.load(file)
    cost = {"QuadraticCost": QuadraticCost, "CrossEntropyCost": CrossEntropyCost}[data["cost"]]
    return data["sizes"], cost, [np.array(w) for w in data["weights"]], [np.array(b) for b in data["biases"]]


def books_save(path, net):
    """Write a file as the book's `save` does."""
    data = {
        "sizes": net.sizes,
        "weights": [w.tolist() for w in net.weights],
        "biases": [b.tolist() for b in net.biases],
        "cost": str(net.cost.__name__),
    }
    with open(path, "w") as file:
        json.dump(data, file)


@pytest.mark.parametrize("cost", [QuadraticCost, CrossEntropyCost])
def test_the_books_program_reads_it_and_writes_what_can_be_read(tmp_path, cost):
    net = Network([5, 4, 2], cost, dtype="float64", seed=0)
    net.save(tmp_path / "net.json")
    sizes, found, weights, biases = books_load(tmp_path / "net.json")
    assert (sizes, found) == ([5, 4, 2], cost)
    books_save(tmp_path / "book.json", net)
    again = network2.load(tmp_path / "book.json")
    assert (again.cost, again.activation, again.dtype) == (cost, "sigmoid", np.float64)
    for arrays in (weights + biases, again.weights + again.biases):
        for array, expected in zip(arrays, net.weights + net.biases, strict=True):
            np.testing.assert_array_equal(array, expected, strict=True)


@pytest.mark.parametrize("activation", ["tanh", "relu"])
def test_the_books_program_does_not_take_it_for_sigmoid(tmp_path, activation):
    Network([5, 4, 2], activation=activation).save(tmp_path / "net.json")
    with pytest.raises(KeyError, match="cost"):
        books_load(tmp_path / "net.json")


def test_an_instance_is_saved_as_its_class(tmp_path):
    Network([2, 2], LogLikelihoodCost()).save(tmp_path / "net.json")
    assert network2.load(tmp_path / "net.json").cost is LogLikelihoodCost


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_a_custom_cost_is_given_to_load(tmp_path, activation):
    path, instance = tmp_path / "net.json", Mine()
    Network([2, 2], Mine, activation=activation).save(path)
    for cost in (Mine, instance):
        assert network2.load(path, cost=cost).cost is cost
    message = r"net\.json: its cost is Mine; it must be one of QuadraticCost, CrossEntropyCost, LogLikelihoodCost"
    with pytest.raises(ValueError, match=message):
        network2.load(path)


@pytest.mark.parametrize("saved", [Mine, CrossEntropyCost, HuberCost(2.0)])
@pytest.mark.parametrize("given", [type("Other", (Mine,), {}), QuadraticCost, HuberCost, "quadratic"])
def test_a_cost_that_is_not_that_of_the_file_is_refused(tmp_path, saved, given):
    Network([2, Dense(2, "linear") if isinstance(saved, HuberCost) else 2], saved).save(tmp_path / "net.json")
    with pytest.raises(ValueError, match=r"^cost is (Other|QuadraticCost|HuberCost.*); the cost in .* is "):
        network2.load(tmp_path / "net.json", cost=given)


def test_the_cost_of_the_file_may_be_given_in_every_form(tmp_path):
    Network([2, 2], QuadraticCost).save(tmp_path / "net.json")
    for cost in (QuadraticCost, "quadratic", "QuadraticCost"):
        assert network2.load(tmp_path / "net.json", cost=cost).cost is QuadraticCost
    with pytest.raises(TypeError, match="cost is 5; it must have a function fn"):
        network2.load(tmp_path / "net.json", cost=5)


def test_chapters_1_and_3_read_one_anothers_files(tmp_path):
    path = tmp_path / "net.json"
    network.Network([3, 2], seed=0).save(path)
    assert network2.load(path).cost is QuadraticCost
    Network([3, 2], QuadraticCost).save(path)
    assert network.load(path).sizes == [3, 2]
    for keywords, what in (
        ({"cost": CrossEntropyCost}, "its cost is CrossEntropyCost, its activation sigmoid"),
        ({"cost": QuadraticCost, "activation": "tanh"}, "its cost is QuadraticCost, its activation tanh"),
    ):
        Network([3, 2], **keywords).save(path)
        with pytest.raises(ValueError, match=f"{what}; .* Use network2.load instead"):
            network.load(path)


VALID = {"sizes": [2, 1], "weights": [[[0.1, -0.2]]], "biases": [[[0.3]]], "dtype": "float32"}


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (VALID, "it has no 'cost'"),
        (VALID | {"neurons": {"cost": "QuadraticCost", "activation": "step"}}, "its activation must be one of sigmoid"),
        (VALID | {"neurons": {"cost": "QuadraticCost", "activation": ["tanh"]}}, "does not hold a network"),
        (VALID | {"neurons": {"activation": "tanh"}}, "it has no 'cost'"),
        (VALID | {"neurons": "tanh"}, "its entry 'neurons' must be a JSON object"),
        (VALID | {"neurons": {"cost": 3, "activation": "tanh"}}, "the name of its cost is"),
        (VALID | {"cost": "LogLikelihoodCost"}, "the softmax of one output neuron is always 1"),
    ],
)
def test_a_file_that_holds_no_network(tmp_path, contents, message):
    (tmp_path / "net.json").write_bytes(with_checksum(contents))
    with pytest.raises(ValueError, match=message):
        network2.load(tmp_path / "net.json")
