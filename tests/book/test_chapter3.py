"""Chapter 3's experiments, on fewer samples and epochs."""

import itertools
import math
import sys

import numpy as np
import pytest

from fastnet import book, network2
from fastnet.book.chapter3.early_stopping import epochs_until
from fastnet.book.chapter3.saturation import COSTS, STARTS
from fastnet.book.chapter3.svm_accuracy import predictions
from fastnet.book.digits import mnist, silently


def last(curve):
    """Return the mean of the last three values, which varies less than the last value."""
    return np.mean(curve[-3:])


def test_saturation_has_the_outputs_of_a_network_of_one_neuron():
    outputs = book.saturation(epochs=5).data["outputs"]
    for cost_name, start_name in itertools.product(COSTS, STARTS):
        cost, eta = COSTS[cost_name]
        weight, bias = STARTS[start_name]
        net = network2.Network([1, 1], cost, engine="numpy", dtype="float64")
        net.weights, net.biases = [np.array([[weight]])], [np.array([[bias]])]
        for output in outputs[cost_name, start_name]:
            assert net.feedforward(np.ones((1, 1))).item() == pytest.approx(output, rel=1e-12)
            net.update_mini_batch([(np.ones((1, 1)), np.zeros((1, 1)))], eta)


def test_saturation_gives_the_books_outputs():
    result = book.saturation()
    for published in result.experiment.published:
        assert result.values[published.name] == pytest.approx(published.value, abs=published.tolerance)


def test_a_saturated_neuron_learns_fastest_at_first_with_the_cross_entropy_cost_only():
    for (cost_name, start_name), costs in book.saturation().data["costs"].items():
        fastest = np.argmax(-np.diff(costs))
        if "cross-entropy" in cost_name:
            assert fastest == 0
        elif start_name == "weight 2, bias 2":
            assert fastest > 150


def test_more_hidden_neurons_are_more_accurate_with_the_cross_entropy_cost():
    result = book.cross_entropy(hidden=(4, 30), samples=2000, epochs=4)
    few, many = result.data.values()
    assert last(many) > last(few) + 0.05
    assert result.values["best test accuracy, 30 hidden neurons"] == 100 * max(many)


def test_overfitting_lowers_the_training_cost_while_the_test_cost_rises():
    result = book.overfitting(samples=100, epochs=60)
    assert result.data["training cost"][-1] < 0.1 * result.data["training cost"][0]
    assert result.data["test cost"][-1] > min(result.data["test cost"])
    assert result.values["training accuracy after the last epoch"] == 100
    assert result.values["test accuracy after the last epoch"] < 80


def test_more_samples_narrow_the_gap_between_training_and_test_accuracy():
    few, many = (book.overfitting_full(samples=samples, epochs=5).data for samples in (300, 5000))
    assert last(many["training accuracy"]) - last(many["test accuracy"]) < 0.05
    assert last(few["training accuracy"]) - last(few["test accuracy"]) > 0.15


def test_regularization_raises_the_test_accuracy_and_lowers_the_test_cost():
    without, regularized = book.overfitting(samples=200, epochs=30), book.regularized(samples=200, epochs=30, lmbda=0.4)
    assert last(regularized.data["test accuracy"]) > last(without.data["test accuracy"]) + 0.02
    assert last(regularized.data["test cost"]) < last(without.data["test cost"])
    best, in_the_end = "best test accuracy", "test accuracy after the last epoch"
    assert regularized.values[best] == 100 * max(regularized.data["test accuracy"]) >= regularized.values[in_the_end]


def test_regularization_narrows_the_gap_between_training_and_test_accuracy():
    without = book.overfitting_full(samples=2000, epochs=12).data
    regularized = book.regularized_full(samples=2000, epochs=12, lmbda=5.0).data
    gaps = [last(each["training accuracy"]) - last(each["test accuracy"]) for each in (without, regularized)]
    assert gaps[1] < 0.7 * gaps[0]


def test_regularized_100_trains_longer_with_the_smaller_eta_and_faster_with_the_new_weights():
    old, new = (book.regularized_100(samples=1000, epochs=4, large_weights=large) for large in (True, False))
    assert [len(curve) for curve in old.data.values()] == [2, 4]
    assert new.data["eta 0.1"][-1] > old.data["eta 0.1"][-1] + 0.1
    assert {published.name for published in old.experiment.published} == set(old.values)


def test_more_data_makes_the_network_and_the_svm_more_accurate():
    pytest.importorskip("sklearn")
    result = book.more_data(samples=200, epochs=1)
    network, svm = result.data["network"], result.data["SVM"]
    assert list(network) == list(svm) == [100, 200]
    assert svm[100] == 25.07  # the book's exact value, because the SVM uses no random numbers
    assert network[100] + 3 < network[200]
    assert svm[100] + 3 < svm[200] < network[200]
    assert result.values["validation accuracy, 100 samples, SVM"] == svm[100]


def test_more_data_leaves_out_an_svm_of_many_samples():
    assert list(book.more_data(samples=100, epochs=1, svm_samples=0).data["SVM"]) == []


def test_more_data_says_what_to_do_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.svm", None)
    with pytest.raises(ImportError, match=r"scikit-learn.*svm_samples=0"):
        predictions(np.zeros((2, 784)), np.arange(2), np.zeros((1, 784)))


def test_the_svm_of_many_samples_is_scikit_learns():
    svm = pytest.importorskip("sklearn.svm")
    training, validation, _ = mnist()
    images, labels, others = training.inputs[:1000], training.labels(10)[:1000], validation.inputs[:500]
    expected = svm.SVC(gamma="auto").fit(images, labels).predict(others)
    assert np.count_nonzero(predictions(images, labels, others) == expected) >= 499


def test_a_learning_rate_that_is_too_large_ends_with_a_higher_and_rougher_cost():
    costs = book.multiple_eta(samples=5000, epochs=8).data
    assert last(costs["eta 2.5"]) > 1.5 * last(costs["eta 0.25"])
    steps = {name: np.diff(curve) for name, curve in costs.items()}
    assert (steps["eta 0.025"] < 0).all()
    assert (steps["eta 2.5"] > 0).any()


def test_the_new_initial_weights_learn_faster():
    result = book.weight_initialization(hidden=(30,), samples=5000, epochs=3)
    new, old = result.data["30 neurons"]["new weights"], result.data["30 neurons"]["old weights"]
    assert all(better > worse + 0.05 for better, worse in zip(new, old, strict=True))
    published = {each.name for each in result.experiment.published if "30 neurons" in each.name}
    assert published == set(result.values)


def test_the_weighted_input_varies_as_the_book_computes():
    result = book.initial_distribution(neurons=2000)
    for name, deviation in (("old weights", math.sqrt(501)), ("new weights", math.sqrt(1.5))):
        error = deviation / math.sqrt(2 * 2000)  # standard error of the measured standard deviation
        assert abs(result.values[f"standard deviation, {name}"] - deviation) < 4 * error
        at_most = math.erf(math.log(99) / deviation / math.sqrt(2))
        assert result.data["saturated"][name] == pytest.approx(1 - at_most, abs=0.04)


def test_momentum_lowers_the_training_cost_faster():
    costs = book.momentum(samples=5000, epochs=2).data
    assert costs["momentum 0.9"][-1] < 0.8 * costs["momentum 0.5"][-1] < 0.8 * costs["momentum 0"][-1]
    training, _, _ = mnist()
    net = network2.Network([784, 30, 10], seed=0)
    net.SGD(training[:5000], 2, 10, 0.025, report=silently)
    assert net.total_cost(training[:5000], 0.0) == pytest.approx(costs["momentum 0"][-1], rel=1e-6)


def test_early_stopping_ends_where_a_training_with_that_patience_does():
    result = book.early_stopping(patience=(1, 2, 4), samples=1000, epochs=40)
    training, validation, _ = mnist()
    for patience, epochs in result.data["epochs"].items():
        net = network2.Network([784, 30, 10], seed=0)
        net.SGD(training[:1000], 40, 10, 0.5, 0.1, validation, patience=patience, report=silently)
        assert len(net.history.epochs) == epochs
        best = max(net.history.series("evaluation_accuracy"))
        assert best / len(validation) == result.data["best accuracy"][patience]
    assert len(set(result.data["epochs"].values())) > 1


def test_epochs_are_counted_from_the_best_accuracy_on():
    assert epochs_until([5, 7, 7, 6, 9], 2) == 4
    assert epochs_until([5, 7, 7, 8, 9], 2) == 5
    assert epochs_until([5, 4, 3], 5) == 3


def test_schedules_lower_the_rate_as_they_say():
    data = book.schedules(samples=500, epochs=14, patience=1).data
    rates = {name: np.array(values) for name, values in data["learning rate"].items()}
    assert (rates["constant"] == 0.5).all()
    assert rates["geometric"][1:] / rates["geometric"][:-1] == pytest.approx(0.01 ** (1 / 13))
    assert rates["cosine"] == pytest.approx(0.25 * (1 + np.cos(np.pi * np.arange(14) / 14)))
    accuracy, expected = data["validation accuracy"]["halve"], [0.5]
    for epoch in range(1, 14):
        improved = accuracy[epoch - 1] > max(accuracy[: epoch - 1], default=-1)
        expected.append(expected[-1] if improved else expected[-1] / 2)
    assert rates["halve"].tolist() == expected
    assert rates["halve"][-1] < 0.5


def test_random_search_trains_with_what_it_draws():
    data, again, other = (book.random_search(trials=4, samples=500, epochs=1, seed=seed).data for seed in (3, 3, 4))
    assert all((data[name] == again[name]).all() for name in data)
    assert (data["eta"] != other["eta"]).all()
    assert ((data["eta"] >= 0.01) & (data["eta"] <= 10)).all()
    assert ((data["lambda"] >= 0.01) & (data["lambda"] <= 100)).all()
    training, validation, _ = mnist()
    net = network2.Network([784, int(data["hidden neurons"][-1]), 10], seed=3)
    net.SGD(training[:500], 1, 10, data["eta"][-1], data["lambda"][-1] / 100, report=silently)
    assert net.accuracy(validation) / len(validation) == data["validation accuracy"][-1]


def test_activations_trains_neurons_of_each_kind():
    curves = book.activations(samples=1000, epochs=2).data
    assert len(curves) == 3
    training, validation, _ = mnist()
    for name, curve in curves.items():
        activation, eta = name.split(", eta ")
        net = network2.Network([784, 30, 10], activation=activation, seed=0)
        net.SGD(training[:1000], 2, 10, float(eta), 0.1, report=silently)
        assert net.accuracy(validation) / len(validation) == curve[-1]
