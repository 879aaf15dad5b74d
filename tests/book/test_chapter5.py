"""Chapter 5's experiments, on fewer samples and epochs."""

import warnings

import numpy as np
import pytest

from fastnet import book, network2
from fastnet.book.chapter5 import exploding, sigmoid_prime
from fastnet.book.chapter5.speeds import deep_network, hidden_layers, speeds
from fastnet.book.digits import mnist


def test_deeper_networks_take_longer_to_begin_to_learn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a network that learns nothing in the first epochs must not warn
        result = book.depth(samples=8000, epochs=2)
    assert [*result.data] == [hidden_layers(number) for number in (1, 2, 3, 4)]
    one, two, three, four = (curve[-1] for curve in result.data.values())
    assert one > 0.8
    assert one > two > three > four
    assert result.values == {name: 100 * curve[-1] for name, curve in result.data.items()}


def test_the_networks_are_the_chapters():
    net = deep_network(3, seed=5)
    assert net.sizes == [784, 30, 30, 30, 10]
    assert net.cost is network2.CrossEntropyCost
    assert [np.std(w) for w in net.weights] == pytest.approx([1 / 28, *[30**-0.5] * 3], rel=0.15)


def test_speeds_are_norms_of_the_hidden_layers_gradients():
    assert speeds([np.array([[3.0], [-4.0]]), np.array([[0.0]]), np.array([[7.0]])]) == [5.0, 0.0]


def test_initial_gradients_fall_towards_the_inputs():
    result = book.initial_gradients(samples=100, networks=3, seed=4)
    assert [found.shape for found in result.data.values()] == [(3, 2), (3, 3), (3, 4)]
    for found in result.data.values():
        assert (found[:, :-1] < 0.5 * found[:, 1:]).all()
    # As in the book, the gradients are averaged over the samples before their norm is computed.
    training, _, _ = mnist()
    net = network2.Network([784, 30, 30, 10], seed=5)
    of_samples = [net.backprop(x, y)[0] for x, y in training[:100]]
    means = [np.mean(nablas, axis=0) for nablas in zip(*of_samples, strict=True)]
    expected = [np.linalg.norm(mean) for mean in means[:2]]
    np.testing.assert_allclose(result.data["2 hidden layers"][1], expected, rtol=1e-4)
    assert result.values["2 hidden layers: layer 1"] == result.data["2 hidden layers"][0, 0]
    assert result.values["4 hidden layers: layer 4"] == result.data["4 hidden layers"][0, 3]


def test_the_books_initial_gradients_are_among_ours():
    result = book.initial_gradients(networks=20)
    for name, value, _, _, _, tolerance in result.experiment.published:
        title, layer = name.split(": layer ")
        ours = result.data[title][:, int(layer) - 1]
        assert ours.min() - tolerance < value < ours.max() + tolerance


def test_training_speeds_are_those_of_gradient_descent():
    result = book.training_speeds(samples=200, epochs=6, seed=2)
    training, _, _ = mnist()
    training = training[:200]
    for depth in (2, 3, 4):
        net = deep_network(depth, seed=2)
        expected = [speeds(net.gradients(training)[0])]
        after = lambda history, net=net, found=expected: found.append(speeds(net.gradients(training)[0]))  # noqa: E731
        net.SGD(training, 5, 200, 0.1, lmbda=5.0, report=after)
        np.testing.assert_allclose(result.data[hidden_layers(depth)], expected, rtol=1e-3)
    last = result.data["4 hidden layers"][-1]
    assert result.values["4 hidden layers: first layer in the last epoch"] == last[0]
    assert result.values["4 hidden layers: last layer in the last epoch"] == last[3]


def test_the_derivative_is_largest_at_0_and_the_factors_are_those_of_backprop():
    result = book.sigmoid_prime(chains=50, neurons=5, seed=3)
    assert result.values["largest value of the derivative"] == 0.25
    assert result.data["z"][result.data["derivative"].argmax()] == 0
    products = result.data["products"]
    assert (np.median(products, axis=1) < 0.25 ** np.arange(1, 6)).all()
    weights, biases = np.random.default_rng(3).standard_normal((2, 5, 50))
    factors = sigmoid_prime.factors_of_chains(weights, biases, start=1.0)
    np.testing.assert_allclose(np.prod(factors, axis=0), products[-1], rtol=1e-12)
    for chain in range(3):
        net = network2.Network([1] * 6, network2.QuadraticCost, engine="numpy", dtype="float64", seed=0)
        net.weights = [np.full((1, 1), w) for w in weights[:, chain]]
        net.biases = [np.full((1, 1), b) for b in biases[:, chain]]
        nabla_b = np.ravel(net.backprop([[1.0]], [[0.0]])[0])
        output = net.feedforward([[1.0]]).item()
        # Chain rule: multiply the first neuron's derivative, the other neurons' factors and the cost's derivative.
        expected = factors[0, chain] / abs(weights[0, chain]) * np.prod(factors[1:, chain]) * output
        assert abs(nabla_b[0]) == pytest.approx(expected, rel=1e-10)


def test_gradients_explode_with_large_weights_and_vanish_with_small_ones():
    result = book.exploding(weight=40.0, neurons=5)
    exploding_ones, vanishing_ones = result.data["gradients"].values()
    np.testing.assert_allclose(exploding_ones[:-1] / exploding_ones[1:], 10)
    np.testing.assert_allclose(vanishing_ones[:-1] / vanishing_ones[1:], 1 / 4)
    assert exploding_ones[-1] == vanishing_ones[-1] == 0.5 * 0.25
    assert result.values["factor from each neuron to the one before"] == pytest.approx(10)
    assert book.exploding().values["factor from each neuron to the one before"] == 25


def test_all_neurons_of_the_chain_are_at_the_steepest_place_of_the_sigmoid():
    """As in the book, each weight w is 100, and each bias is -w times the neuron's input, so every z is 0."""
    one, another = (exploding.gradients_of_biases(100.0, 4, start) for start in (1.0, 0.3))
    np.testing.assert_allclose(one, another)
