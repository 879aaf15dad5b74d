"""Code and files for other versions of the book's programs work, or the error message shows the correct form."""

import json

import numpy as np
import pytest

from fastnet import network, network2

DATA = [(np.full((3, 1), i / 20), np.eye(2)[:, [i % 2]]) for i in range(20)]


class InTheBooksWay(network.Network):
    def __init__(self, sizes):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.biases = [np.random.randn(y, 1) for y in sizes[1:]]
        self.weights = [np.random.randn(y, x) for x, y in zip(sizes[:-1], sizes[1:], strict=True)]  # noqa: RUF007


class InTheBooksWay2(network2.Network):
    def __init__(self, sizes, cost=network2.CrossEntropyCost):
        self.num_layers = len(sizes)
        self.sizes = sizes
        self.default_weight_initializer()
        self.cost = cost


@pytest.mark.parametrize("make", [InTheBooksWay, InTheBooksWay2])
def test_a_subclass_that_initializes_itself_as_the_book_does(make, capsys):
    """Training gives the same parameters as for the base class, whose initializer is fastnet's."""
    trained = []
    for kind in (make, make.__base__):
        np.random.seed(3)
        net = kind([3, 4, 2])
        net.SGD(DATA, 2, 5, 0.5)
        trained.append([array.tolist() for array in (*net.weights, *net.biases)])
    assert trained[0] == trained[1]
    assert repr(make([3, 4, 2])) == "<Network [3, 4, 2], engine 'numba', float32>"
    with pytest.raises(ValueError, match=r"num_layers is 4; for .* it must be 3"):
        make([3, 4, 2]).num_layers = 4


@pytest.mark.parametrize("load", [network.load, network2.load])
def test_chapter_1s_network_without_a_cost_is_read(tmp_path, load):
    weights, biases = [[[1.0, 2.0, 3.0]] * 4, [[0.5] * 4] * 2], [[[0.1]] * 4, [[0.2]] * 2]
    file = tmp_path / "net.json"
    file.write_text(json.dumps({"sizes": [3, 4, 2], "weights": weights, "biases": biases}))
    net = load(file)
    assert net._cost() is network2.QuadraticCost
    assert [w.tolist() for w in net.weights] == weights


@pytest.mark.parametrize("cost", ["cross-entropy", "CrossEntropyCost"])
def test_a_cost_by_its_name(cost):
    net = network2.Network([3, 2], cost=cost)
    assert net.cost is network2.CrossEntropyCost
    net.cost = "quadratic"
    assert net.cost is network2.QuadraticCost
    with pytest.raises(ValueError, match="cost is 'mse'; it must be 'quadratic', 'cross-entropy', 'log-likelihood'"):
        net.cost = "mse"
    assert net.cost is network2.QuadraticCost


@pytest.mark.parametrize("make", [network.Network, network2.Network])
def test_sizes_one_by_one_are_answered_with_a_list(make):
    with pytest.raises(TypeError, match=r"sizes is 784; it must be one list: Network\(\[784, 30, 10\]\)"):
        make(784, 30, 10)


@pytest.mark.parametrize(
    ("make", "given"),
    [(network.Network, [network2.QuadraticCost]), (network2.Network, [network2.CrossEntropyCost, "tanh"])],
)
def test_an_additional_argument_is_not_ignored(make, given):
    with pytest.raises(TypeError, match=r"^Network has the additional argument .*; give .* by name"):
        make([3, 2], *given)


@pytest.mark.parametrize("make", [network.Network, network2.Network])
@pytest.mark.parametrize(
    ("name", "instead"),
    [("early_stopping_n", "patience"), ("batch_size", "mini_batch_size"), ("learning_rate", "eta"), ("lr", "eta")],
)
def test_arguments_of_other_programs_are_answered_with_ours(make, name, instead):
    net = make([3, 2])
    before = net.weights
    with pytest.raises(TypeError, match=f"SGD has no argument '{name}'; use {instead} instead"):
        net.SGD(DATA, 1, 5, 0.5, **{name: 3})
    assert net.weights is before
    with pytest.raises(TypeError, match=r"SGD has no argument 'verbose'$"):
        net.SGD(DATA, 1, 5, 0.5, verbose=True)


@pytest.mark.parametrize("module", [network, network2])
@pytest.mark.parametrize("name", ["sigmoid", "sigmoid_prime"])
def test_a_sigmoid_that_no_engine_would_call_cannot_be_assigned(module, name):
    before = getattr(module, name)
    with pytest.raises(AttributeError, match=f"{name} cannot be assigned: engines would ignore it. .*activation='"):
        setattr(module, name, np.tanh)
    assert getattr(module, name) is before
    module.of_mine = 1
    del module.of_mine
