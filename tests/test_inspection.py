"""Activations of every layer, and derivatives of outputs with respect to inputs."""

import numpy as np
import pytest
from engines.truth import ACTIVATIONS, FORWARD

from fastnet import network2, network3
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, MaxPooling

IMAGES = [(1, 6, 5), Convolution(3, 3, "relu"), MaxPooling(2), Convolution(2, (2, 1), "gelu"), MaxPooling(1), 4]
NETWORKS = {
    "dense": ([5, 4, Dense(3, "relu"), 2], "cross-entropy"),
    "dropped": ([5, Dropout(0.5), 4, Dropout(0.25, inverted=False), 2], "quadratic"),
    "normalized": ([5, Dense(4, "linear"), BatchNormalization("tanh"), 2], "quadratic"),
    "softmax": ([5, 4, 3], "log-likelihood"),
    "linear": ([5, 4, Dense(2, "linear")], "quadratic"),
    "exponential": ([5, 4, Dense(2, "exp")], "poisson"),
    "images": (IMAGES, "log-likelihood"),
}


def network(name):
    net = network2.Network(NETWORKS[name][0], NETWORKS[name][1], dtype="float64", seed=0)
    random = np.random.RandomState(1)
    for layer in net.parameters:
        for array in layer.values():
            array[...] = random.uniform(0.2, 1.2, array.shape) * random.choice([-1, 1], array.shape)
        if "variance" in layer:
            np.abs(layer["variance"], out=layer["variance"])
    return net


def columns(net, m=3):
    return np.random.RandomState(2).randn(net.sizes[0], m)


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "normalized"])
def test_activations_are_what_each_layer_computes(name):
    net = network(name)
    a = columns(net)
    found = net.activations(a)
    assert (found[0].reshape(a.shape) == a).all()
    expected, shape = a.T, net.input_shape
    for layer, parameters, array in zip(net.layers[:-1], net.parameters, found[1:], strict=False):
        z = FORWARD[type(layer).__name__](layer, parameters, expected, None, shape)
        activation = getattr(layer, "activation", None)
        expected, shape = (ACTIVATIONS[activation].function(z) if activation else z), layer.output_shape(shape)
        np.testing.assert_allclose(array, expected.T.reshape(*shape, -1), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(found[-1], net.feedforward(a), rtol=1e-12)


def test_normalized_activations_take_the_running_statistics():
    net = network("normalized")
    a = columns(net)
    before, after = net.activations(a)[1:3]
    gamma, beta, mean, variance = (net.parameters[1][each] for each in ("gamma", "beta", "mean", "variance"))
    expected = np.tanh((before - mean) / np.sqrt(variance + net.layers[1].epsilon) * gamma + beta)
    np.testing.assert_allclose(after, expected, rtol=1e-12)


@pytest.mark.parametrize("name", NETWORKS)
def test_the_input_gradient_is_the_difference_of_outputs(name):
    net = network(name)
    x, h = columns(net), 1e-6
    for output in range(net.sizes[-1]):
        found = net.input_gradient(x, output)
        assert found.shape == x.shape
        for i in range(len(x)):
            step = h * (np.arange(len(x)) == i)[:, np.newaxis]
            difference = (net.feedforward(x + step) - net.feedforward(x - step))[output] / (2 * h)
            np.testing.assert_allclose(found[i], difference, rtol=1e-6, atol=1e-8)


def test_by_default_it_is_that_of_the_largest_output():
    net = network2.Network([5, 8, 3], "log-likelihood", seed=0)
    net.large_weight_initializer()
    x = 5 * columns(net, 20)
    largest = net.feedforward(x).argmax(axis=0)
    assert len(set(largest)) > 1
    found = net.input_gradient(x)
    for i, output in enumerate(largest):
        assert (found[:, i] == net.input_gradient(x, output)[:, i]).all()


@pytest.mark.parametrize(("output", "error"), [(3, ValueError), (-1, ValueError), (1.5, TypeError)])
def test_an_output_that_is_not_there_is_refused(output, error):
    net = network("softmax")
    with pytest.raises(error, match="output is"):
        net.input_gradient(columns(net), output)


def test_networks_of_chapter_6_have_a_sample_a_row():
    layers = [
        network3.ConvPoolLayer((2, 1, 4, 4), (7, 1, 9, 9), (2, 2), activation_fn=network3.ReLU),
        network3.SoftmaxLayer(18, 3),
    ]
    net = network3.Network(layers, 7)
    x = np.random.RandomState(0).rand(4, 81).astype(np.float32)
    found = net.activations(x)
    assert [each.shape for each in found] == [(4, 1, 9, 9), (4, 2, 6, 6), (4, 2, 3, 3), (4, 3)]
    np.testing.assert_allclose(found[2], found[1].reshape(4, 2, 3, 2, 3, 2).max(axis=(3, 5)))
    np.testing.assert_allclose(found[-1], net.output(x), rtol=1e-5)
    h = np.float32(1e-2)
    step = h * (np.arange(81) == 40)
    difference = (net.output(x + step) - net.output(x - step))[:, 1] / (2 * h)
    np.testing.assert_allclose(net.input_gradient(x, 1)[:, 40], difference, rtol=0.02, atol=1e-4)
    with pytest.raises(ValueError, match=r"x has the shape \(1, 80\)"):
        net.activations(np.zeros((1, 80)))
