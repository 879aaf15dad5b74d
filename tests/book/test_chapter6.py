"""Chapter 6's experiments, on few samples and epochs."""

import contextlib
import threading
import time
from functools import partial
from importlib import import_module

import numpy as np
import pytest
from scipy.signal import convolve2d, correlate2d

from fastnet.book.chapter6 import EXPERIMENTS
from fastnet.book.chapter6.convolutions import NETWORKS, convolutions
from fastnet.book.chapter6.dropout import NETWORKS as WITH_DROPOUT
from fastnet.book.chapter6.ensemble import ensemble, vote
from fastnet.book.chapter6.expanded_data import expanded_data
from fastnet.book.chapter6.feature_maps import feature_maps
from fastnet.book.chapter6.filters import NETWORK, filters
from fastnet.book.chapter6.networks import shallow, two_convolutions
from fastnet.book.chapter6.regularization_strength import regularization_strength
from fastnet.book.chapter6.relu import relu
from fastnet.book.chapter6.training import Recipe, accuracies, train, training_data
from fastnet.book.digits import mnist
from fastnet.network3 import ConvPoolLayer, Network, ReLU

LINEAR_UNITS = Recipe(partial(two_convolutions, ReLU), eta=0.03, lmbda=0.1)
(DROPOUT,) = WITH_DROPOUT.values()


def by_the_book(recipe, samples, test_samples, epochs, seed):
    """Train and return a network. As in the book's program, NumPy's global generator draws all random numbers."""
    _, validation, test = mnist()
    np.random.seed(seed)
    net = Network(recipe.layers(), 10)
    data = training_data(samples, recipe.expanded)
    with contextlib.redirect_stdout(None):
        net.SGD(data, epochs, 10, recipe.eta, validation[:test_samples], test[:test_samples], lmbda=recipe.lmbda)
    return net


def test_the_networks_are_the_chapters():
    numbers = [sum(isinstance(layer, ConvPoolLayer) for layer in each.layers()) for each in NETWORKS.values()]
    assert numbers == [0, 1, 2]
    first, second, *connected = DROPOUT.layers()
    assert [first.w.shape, first.b.shape, second.w.shape] == [(20, 1, 5, 5), (20,), (40, 20, 5, 5)]
    assert [layer.w.shape for layer in connected] == [(640, 1000), (1000, 1000), (1000, 10)]
    assert [layer.p_dropout for layer in connected] == [0.5] * 3
    assert all(layer.activation_fn is ReLU for layer in (first, second, *connected[:-1]))


@pytest.mark.parametrize(
    ("name", "book"),
    [
        ("convolutions", [97.80, 98.78, 99.06]),
        ("relu", [99.06, 99.23]),
        ("expanded_data", [99.23, 99.37]),
        ("expanded_units", [99.37, 99.46, 99.43]),
        ("two_fully_connected", [99.43, 99.48, 99.47]),
        ("dropout", [99.60]),
    ],
)
def test_each_network_has_an_accuracy_beside_the_books(name, book):
    assert name in EXPERIMENTS
    experiment = getattr(import_module(f"fastnet.book.chapter6.{name}"), name)
    result = experiment(samples=10, test_samples=20, epochs=1)
    assert [each.value for each in result.experiment.published] == book
    assert [each.name for each in result.experiment.published] == list(result.values)
    assert all(len(curve) == 1 for curve in result.data["validation accuracy"].values())


def test_networks_that_are_trained_at_once_are_those_of_the_books_generator(capsys):
    trained = train([DROPOUT] * 3, 20, 20, 2, [4, 5, 6])
    assert capsys.readouterr().out == ""
    for net, seed in zip(trained, (4, 5, 6), strict=True):
        expected = by_the_book(DROPOUT, 20, 20, 2, seed)
        assert all((ours == theirs).all() for ours, theirs in zip(net.params, expected.params, strict=True))
    assert (trained[0].params[0] != trained[1].params[0]).all()


def test_a_network_that_fails_ends_all():
    before = set(threading.enumerate())
    with pytest.raises(ValueError, match="eta"):
        train([LINEAR_UNITS, LINEAR_UNITS._replace(eta=-1.0)], 100, 20, 1_000_000, [0, 0])
    end = time.monotonic() + 10
    while set(threading.enumerate()) - before:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_test_accuracy_is_that_of_the_epoch_with_the_best_validation_accuracy():
    recipe = Recipe(shallow, eta=1.0)
    result = accuracies({"": recipe}, 300, 100, 12, 0)
    curve = result.data["validation accuracy"][""]
    best = max(epoch for epoch, accuracy in enumerate(curve, 1) if accuracy == max(curve))
    test = mnist()[2][:100]
    accuracy, last = (by_the_book(recipe, 300, 100, epochs, 0).accuracy(test) for epochs in (best, 12))
    assert accuracy != last
    assert result.values == {"test accuracy, ": 100 * accuracy}


def test_the_expanded_data_are_all_images_and_their_shifted_copies_in_another_order():
    own, expanded = training_data(8, False), training_data(8, True)
    assert len(expanded) == 40
    images = own.inputs.reshape(-1, 28, 28)
    assert not images[:, [0, -1]].any()
    assert not images[:, :, [0, -1]].any()  # border pixels are 0, so `roll` moves only zeros across the border
    found = {(*image, label) for image, label in zip(expanded.inputs.tolist(), expanded.labels(10), strict=True)}
    for shift in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
        copies = np.roll(images, shift, (1, 2)).reshape(8, -1).tolist()
        assert {(*copy, label) for copy, label in zip(copies, own.labels(10), strict=True)} <= found
    assert (expanded.inputs[::5] != own.inputs).any()
    assert (expanded.inputs == training_data(8, True).inputs).all()


def test_rectified_linear_units_learn_sooner():
    curves = relu(samples=300, test_samples=300, epochs=4).data["validation accuracy"]
    assert curves["sigmoid"][-1] < 0.3 < 0.5 < curves["rectified linear"][-1]


def test_expanded_data_raise_the_accuracy():
    data = expanded_data(samples=200, test_samples=500, epochs=3).data["test accuracy"]
    assert data["expanded data"] > data["own data"] + 0.05


def test_regularization_that_is_too_strong_lowers_the_accuracy():
    data = regularization_strength(lambdas=(0.0, 2.0, 5000.0), networks=2, samples=300, test_samples=300, epochs=3).data
    without, weak, strong = data["validation accuracy"]
    assert (strong < without - 0.2).all()
    net = by_the_book(LINEAR_UNITS._replace(lmbda=2.0 * 300 / 50_000), 300, 300, 3, 1)
    assert weak[1] == net.best.validation_accuracy
    assert (weak != without).any()


def test_feature_maps_are_what_the_filters_find_in_the_digit():
    settings = {"samples": 300, "epochs": 1, "seed": 3}
    found = filters(**settings).data["filters"]
    data = feature_maps(digit=5, **settings).data
    (net,) = train([NETWORK], 300, 1000, 1, [3])
    assert (data["image"].ravel() == mnist()[2].inputs[5]).all()
    assert data["maps"].shape == (20, 12, 12)
    first = net.layers[0]
    for w, bias, drawn, found_map in zip(first.w, first.b, found, data["maps"], strict=True):
        z = convolve2d(data["image"], w[0], mode="valid") + bias
        np.testing.assert_allclose(correlate2d(data["image"], drawn[0], mode="valid") + bias, z, rtol=0, atol=1e-5)
        expected = [[max(0.0, z[i : i + 2, j : j + 2].max()) for j in range(0, 24, 2)] for i in range(0, 24, 2)]
        np.testing.assert_allclose(found_map, expected, rtol=0, atol=1e-5)


def test_a_vote_goes_to_the_label_of_most_networks():
    predictions = np.array([[1, 2, 7, 9], [1, 3, 7, 0], [4, 3, 4, 5], [4, 3, 4, 5], [0, 3, 4, 9]])
    assert vote(predictions).tolist() == [1, 3, 4, 5]


def test_the_ensemble_shows_the_digits_that_its_networks_outvoted(monkeypatch):
    recipe = Recipe(shallow, eta=0.5)  # this network learns in fewer epochs than the one with dropout
    monkeypatch.setattr(import_module("fastnet.book.chapter6.ensemble"), "NETWORKS", {"": recipe})
    result = ensemble(networks=3, samples=200, test_samples=60, epochs=3, seed=1)
    test = mnist()[2][:60]
    networks = [by_the_book(recipe, 200, 60, 3, seed) for seed in (3, 4, 5)]
    votes = np.stack([net.predictions(test.inputs) for net in networks])
    answers = np.array([np.bincount(each).argmax() for each in votes.T])
    wrong = answers != test.targets
    assert (result.data["images"].reshape(-1, 784) == test.inputs[wrong]).all()
    assert (result.data["answers"] == answers[wrong]).all()
    assert (result.data["labels"] == test.targets[wrong]).all()
    assert result.values["test accuracy"] == pytest.approx(100 * np.mean(~wrong))
    assert result.data["test accuracy of each network"] == [net.best.test_accuracy for net in networks]
    assert (votes != votes[0]).any()


def test_the_curves_and_the_books_values_are_drawn():
    result = convolutions(samples=10, test_samples=20, epochs=2)
    curves, dots = result.draw().axes
    assert [line.get_ydata().tolist() for line in curves.lines] == [*result.data["validation accuracy"].values()]
    assert dots.lines[0].get_xdata() == pytest.approx([0.978, 0.9878, 0.9906])
    assert [text.get_text() for text in dots.get_yticklabels()] == list(NETWORKS)
