"""Chapter 4's experiments: outputs of networks whose parameters are set, not trained."""

import numpy as np
import pytest

from fastnet import book
from fastnet.book.chapter4 import one_input, two_inputs


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def test_a_neuron_comes_closer_to_a_step_as_its_weight_grows():
    data = book.step_neuron(weights=(3.0, 30.0, 3000.0), position=0.25, points=101).data
    x, outputs = data["x"], data["outputs"]
    for weight, output in zip(data["weights"], outputs, strict=True):
        np.testing.assert_allclose(output, sigmoid(weight * (x - 0.25)), rtol=0, atol=1e-12)
    distances = np.abs(outputs - (x > 0.25))[:, x != 0.25].max(axis=1)
    assert distances[0] > distances[1] > distances[2]
    assert distances[2] < 1e-12
    np.testing.assert_allclose(outputs[:, x == 0.25], 0.5)


def test_a_pair_of_neurons_makes_a_bump_and_several_make_a_histogram():
    data = book.bumps(edges=(0.2, 0.7), height=-0.6, heights=(1.0, -2.0, 3.0, 0.5), weight=5000).data
    x = data["x"]
    away = np.abs(x[:, np.newaxis] - [0.2, 0.7]).min(axis=1) > 0.01
    np.testing.assert_allclose(data["bump"][away], np.where((x > 0.2) & (x < 0.7), -0.6, 0)[away], rtol=0, atol=1e-10)
    np.testing.assert_allclose(data["up"] + data["down"], data["bump"], rtol=0, atol=1e-12)
    away = np.abs(x[:, np.newaxis] - [0.25, 0.5, 0.75]).min(axis=1) > 0.01
    expected = np.array([1.0, -2.0, 3.0, 0.5])[np.minimum(4 * x, 3).astype(int)]
    np.testing.assert_allclose(data["histogram"][away], expected[away], rtol=0, atol=1e-10)


@pytest.mark.parametrize("error", [0.2, 0.05, 0.01])
def test_the_network_of_one_input_keeps_the_error(error):
    data = book.one_input(error=error, points=5001).data
    assert error / 2 < data["largest error"] < error  # below half of `error`, there would be needless bumps
    x = data["x"]
    expected = 0.2 + 0.4 * x**2 + 0.3 * x * np.sin(15 * x) + 0.05 * np.cos(50 * x)
    np.testing.assert_allclose(data["function"], expected, rtol=1e-14)
    assert np.abs(data["output"] - expected).max() == data["largest error"]
    # Compute the network's output from its hidden neurons, without fastnet.
    n = data["bumps"]
    output = np.zeros_like(x)
    for k in range(n):
        left, right = (k if k else -1) / n, (k + 1 if k + 1 < n else n + 1) / n
        height = np.interp((k + 0.5) / n, x, expected)
        output += height * (sigmoid(50 * n * (x - left)) - sigmoid(50 * n * (x - right)))
    np.testing.assert_allclose(data["output"], output, rtol=0, atol=1e-5)


def test_the_network_of_one_input_has_two_neurons_a_bump():
    assert one_input.approximation(7).sizes == [1, 14, 1]


def test_the_network_of_two_inputs_is_a_tower_on_each_cell():
    data = book.two_inputs(error=0.2, points=90).data
    assert 0.2 / 3 < data["largest error inside the cells"] < 0.2
    assert data["mean absolute error"] < 0.2 / 3
    cells = data["cells"]
    x, y = np.random.default_rng(0).random((2, 500))
    inside = np.maximum(*np.abs(np.stack([x, y]) * cells % 1 - 0.5)) < 0.45
    middle_x, middle_y = ((np.floor(each * cells) + 0.5) / cells for each in (x, y))
    expected = 0.5 + 0.5 * np.sin(2 * np.pi * middle_x) * np.cos(np.pi * middle_y)
    found = two_inputs.towers(cells).feedforward(np.stack([x, y]))[0]
    np.testing.assert_allclose(found[inside], expected[inside], rtol=0, atol=1e-5)
    assert book.two_inputs(error=0.1, points=90).data["mean absolute error"] < 0.7 * data["mean absolute error"]


@pytest.mark.parametrize("name", ["one_input", "two_inputs"])
@pytest.mark.parametrize("error", [0, -0.1, float("nan")])
def test_an_error_must_be_positive(name, error):
    with pytest.raises(ValueError, match=r"^error is .*; it must be positive"):
        getattr(book, name)(error=error)


def test_other_neurons_make_the_same_bump():
    data = book.other_activations(edges=(0.25, 0.5), weight=300, points=201).data
    x = data["x"]
    away = np.abs(x[:, np.newaxis] - [0.25, 0.5]).min(axis=1) > 0.05
    inside = (x > 0.25) & (x < 0.5)
    assert [*data["curves"]] == ["sigmoid", "tanh", "relu"]
    for curve in data["curves"].values():
        np.testing.assert_allclose(curve[away], inside[away], rtol=0, atol=1e-5)
        np.testing.assert_allclose(curve[(x == 0.25) | (x == 0.5)], 0.5, rtol=0, atol=1e-5)
