"""A problem in training is reported once. An epoch or a mini-batch in which training diverges is undone."""

import warnings

import numpy as np
import pytest
from scipy import sparse

from fastnet import Dataset, network, network2
from fastnet.learning import diagnostics
from fastnet.learning.diagnostics import TrainingWarning

ENGINES = ["numba", "numpy", "reference", "torch-cpu"]


def some_data(n=60, seed=0):
    random = np.random.default_rng(seed)
    return Dataset(random.random((n, 6)), np.eye(3)[np.arange(n) % 3])


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_diverges_stops_at_that_epoch(engine):
    if engine == "torch-cpu":
        pytest.importorskip("torch")
    data = some_data()
    net = network2.Network([6, 4, 3], network2.LogLikelihoodCost, activation="relu", engine=engine, seed=0)
    net.SGD(data, 1, 10, 0.1, report=lambda history: None)
    before = [array.copy() for array in net.weights + net.biases]
    reported = []
    with np.errstate(all="ignore"), pytest.warns(TrainingWarning, match=r"epoch 0: weights .* smaller eta than 1e\+30"):
        net.SGD(data, 5, 10, 1e30, report=reported.append)
    for array, expected in zip(net.weights + net.biases, before, strict=True):
        np.testing.assert_array_equal(array, expected)
    assert (reported, net.history.epochs) == ([], [])
    assert net.history.stopped == "Stopped: weights became infinite or NaN in epoch 0"


def test_of_chapter_1_too(capsys):
    net = network.Network([6, 3], engine="numpy", seed=0)
    data = Dataset(np.full((4, 6), 1e30), np.eye(3)[[0, 1, 2, 0]])
    net.weights = [np.full((3, 6), 1e-31, np.float32)]
    with np.errstate(all="ignore"), pytest.warns(TrainingWarning) as caught:
        net.SGD(data, 3, 4, 1e20)
    assert {each.filename for each in caught} == {__file__}  # the warnings have the caller's location
    scale, diverged = (str(each.message) for each in caught)
    assert scale.startswith("inputs go from 1e+30 to 1e+30")
    assert diverged.startswith("epoch 0: weights became infinite")
    assert capsys.readouterr().out == ""
    assert np.isfinite(net.weights[0]).all()


@pytest.mark.parametrize("make", [network.Network, network2.Network])
def test_an_output_that_is_never_predicted_is_reported_once(make, capsys):
    data = some_data()
    net = make([6, 3], engine="numpy", seed=0)
    net.biases = [np.array([[9.0], [0.0], [0.0]])]
    keywords = {"monitor_evaluation_accuracy": True} if make is network2.Network else {}
    with pytest.warns(
        TrainingWarning, match="epoch 1: no sample was classified as 1 or 2 in two consecutive epochs"
    ) as caught:
        net.SGD(data, 3, 10, 1e-6, **{"evaluation_data" if keywords else "test_data": data}, **keywords)
    assert len(caught) == 1
    assert caught[0].filename == __file__


@pytest.mark.parametrize("labels", [np.arange(60) % 2, np.r_[np.arange(41) % 2, np.full(19, 2)]])
def test_labels_that_are_rare_or_not_there_are_not_missed(labels, capsys):
    """The network never predicts 2, but there is no warning, because at most 19 samples have this label."""
    inputs = np.zeros((60, 6))
    inputs[np.arange(60), labels % 2] = 1
    net = network2.Network([6, 3], engine="numpy", seed=0)
    net.weights, net.biases = [np.eye(3, 6) * 20], [np.array([[0.0], [0.0], [-20.0]])]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        net.SGD(Dataset(inputs, np.eye(3)[labels]), 1, 10, 1e-6, 0.0, Dataset(inputs, labels), False, True)


@pytest.mark.parametrize("engine", ["numba", "numpy", "reference"])
@pytest.mark.parametrize("make", [network.Network, network2.Network])
def test_a_mini_batch_after_which_weights_would_be_infinite_changes_nothing(make, engine):
    net = make([6, 3], engine=engine, seed=0)
    net.weights = [np.full((3, 6), 1e-31)]
    before = net.weights[0]
    data = Dataset(np.full((4, 6), 1e30), np.eye(3)[[0, 1, 2, 0]])
    with np.errstate(all="ignore"), pytest.warns(TrainingWarning, match="^this mini-batch: weights became") as caught:
        net.update_mini_batch(data, 1e20)
    assert caught[0].filename == __file__
    assert net.weights[0] is before
    net.update_mini_batch(data, 1e-30)
    assert net.weights[0] is not before


def test_without_evaluation_data_the_training_data_say_what_is_never_predicted(capsys):
    net = network2.Network([6, 3], engine="numpy", seed=0)
    net.biases = [np.array([[9.0], [0.0], [0.0]])]
    with pytest.warns(
        TrainingWarning, match="epoch 1: no sample was classified as 1 or 2 in two consecutive epochs"
    ) as caught:
        net.SGD(some_data(), 3, 10, 1e-6, monitor_training_accuracy=True)
    assert len(caught) == 1


@pytest.mark.parametrize(
    ("largest", "expected"), [(1, ""), (5, ""), (16, "inputs go from 0 to 16"), (255, "inputs go from 0 to 255")]
)
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_inputs_far_from_unit_scale(largest, expected, kind):
    inputs = np.zeros((6, 4))
    inputs[:, ::2] = largest
    assert diagnostics.scale(Dataset(kind(inputs), np.zeros(6, int))) == expected


@pytest.mark.parametrize("make", [network.Network, network2.Network])
def test_pixels_of_0_to_255_are_reported_once_and_before_training(make, capsys):
    random = np.random.default_rng(0)
    data = Dataset(random.integers(0, 256, (60, 6)).astype(np.uint8), np.repeat([0, 1, 2], 20))
    net = make([6, 3], engine="numpy", seed=0)
    net.weights, net.biases = [np.zeros((3, 6))], [np.array([[9.0], [0.0], [0.0]])]
    keywords = {"monitor_evaluation_accuracy": True} if make is network2.Network else {}
    with pytest.warns(TrainingWarning) as caught:
        net.SGD(data, 3, 10, 1e-9, **{"evaluation_data" if keywords else "test_data": data}, **keywords)
    scale, dead = (str(each.message) for each in caught)
    assert scale.startswith("inputs go from 0 to 255, which is far from unit scale")
    assert "Divide the inputs by the largest" in scale
    assert "the inputs go from 0 to 255; scale them first" in dead
    assert {each.filename for each in caught} == {__file__}
