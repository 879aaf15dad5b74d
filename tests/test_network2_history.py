"""Patience, schedules and the history of chapter 3's program."""

import json
import math

import numpy as np
import pytest

from fastnet import Dataset
from fastnet.learning.history import Epoch, Epochs, History
from fastnet.network2 import LogLikelihoodCost, Network

NAMES = ("training_cost", "training_accuracy", "evaluation_cost", "evaluation_accuracy")


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    return Dataset(random.random((10, 4)), random.integers(0, 3, 10))


def fake(accuracies, seen=None):
    """Return a network whose `accuracy` returns the next of the given values in each call."""

    class FakeNetwork(Network):
        def accuracy(self, data, convert=False):
            if seen is not None:
                seen.append(len(data))
            return next(self.accuracies)

    net = FakeNetwork([4, 3], engine="numpy", seed=0)
    net.accuracies = iter(accuracies)
    return net


def test_patience_stops_the_training(data, capsys):
    seen = []
    net = fake([5, 7, 6, 7, 6, 9, 9], seen)
    returned = net.SGD(data, 100, 5, 0.5, evaluation_data=data[:9], patience=3)
    assert returned == ([], [], [], [])  # no monitor was on
    assert seen == [9] * 5
    assert net.history.series("evaluation_accuracy") == [5, 7, 6, 7, 6]
    assert net.history.stopped == "Stopped: no better evaluation accuracy than 7 in 3 epochs"
    out = capsys.readouterr().out
    end = f"{net.history.stopped}\n\n{net.history.summary()}\n"
    assert out.endswith(f"Accuracy on evaluation data: 6 / 9\n{end}")
    assert out.count("Stopped") == 1
    assert str(net.history).splitlines()[-1] == net.history.stopped


def test_what_is_monitored_is_returned_with_patience_too(data):
    net = fake([1, 2, 2, 3])
    assert net.SGD(data, 9, 5, 0.5, evaluation_data=data, monitor_evaluation_accuracy=True, patience=1)[1] == [1, 2, 2]


def test_all_epochs_are_not_stopped_early(data, capsys):
    net = fake([5, 5, 5])
    net.SGD(data, 3, 5, 0.5, evaluation_data=data, patience=2)
    assert len(net.history.epochs) == 3
    assert net.history.stopped == ""  # all requested epochs were trained
    assert "Stopped" not in capsys.readouterr().out


def test_the_schedule_halves_and_stops_after_seven_halvings(data):
    net = fake([5] * 100)
    net.SGD(data, 100, 5, 0.8, evaluation_data=data, patience=2, schedule="halve")
    etas = [0.8] * 3 + [0.8 / 2**k for k in range(1, 7) for _ in range(2)]
    assert net.history.series("eta") == etas
    assert net.history.stopped.endswith("with a learning rate halved seven times")


def test_the_schedule_changes_the_steps(data):
    """With a patience of 1 and constant accuracy, the learning rates are 0.25, 0.25 and 0.125."""
    net, plain = fake([5] * 9), Network([4, 3], engine="numpy", seed=0)
    net.SGD(data, 3, 5, 0.25, evaluation_data=data, patience=1, schedule="halve")
    for epochs, eta in ((2, 0.25), (1, 0.125)):
        plain.SGD(data, epochs, 5, eta)
    for array, expected in zip(net.weights, plain.weights, strict=True):
        np.testing.assert_array_equal(array, expected)


def test_the_velocity_lasts_from_epoch_to_epoch(data):
    """With one mini-batch per epoch, the weights after epochs 1 to 3 satisfy w3 - w2 = mu (w2 - w1) - eta g(w2)."""
    net = Network([4, 3], engine="numpy", dtype="float64", seed=0)
    weights = []
    net.SGD(data, 3, 10, 0.5, momentum=0.75, report=lambda history: weights.append(net.weights[0].copy()))
    at_w2 = Network([4, 3], engine="numpy", dtype="float64", seed=0)
    at_w2.SGD(data, 2, 10, 0.5, momentum=0.75)
    gradient = sum(at_w2.backprop(x, np.eye(3)[:, [y]])[1][0] for x, y in data) / 10
    w1, w2, w3 = weights
    np.testing.assert_allclose(w3 - w2, 0.75 * (w2 - w1) - 0.5 * gradient, rtol=0, atol=1e-14)


def test_history_says_what_was_done(data, capsys):
    net = Network([4, 3, 3], LogLikelihoodCost(), activation="tanh", engine="numpy", seed=0)
    assert net.history is None
    returned = net.SGD(
        data, 2, 5, 0.5, 0.1, data[:7], True, True, True, True,
        l1=0.2, momentum=0.3, dropout=0.4, patience=9, schedule="halve",
    )  # fmt: skip
    history = net.history
    assert history.recipe == {
        "sizes": [4, 3, 3], "cost": "LogLikelihoodCost", "activation": "tanh", "engine": "numpy",
        "dtype": "float32", "seed": 0, "epochs": 2, "mini_batch_size": 5, "eta": 0.5,
        "lmbda": 0.1, "l1": 0.2, "momentum": 0.3, "dropout": 0.4, "patience": 9, "schedule": "halve",
    }  # fmt: skip
    names = ("evaluation_cost", "evaluation_accuracy", "training_cost", "training_accuracy")
    assert tuple(history.series(name) for name in names) == returned
    assert (history.training_samples, history.evaluation_samples, history.stopped) == (10, 7, "")
    assert history.series("number") == [0, 1]
    assert min(history.series("seconds")) > 0
    assert {"processor", "numpy"} <= set(history.machine)

    again = json.loads(json.dumps(history.as_dict()))
    assert again["epochs"][1]["training_cost"] == returned[2][1]
    assert again["recipe"] == history.recipe

    lines = str(history).splitlines()
    above, below, *epochs = lines[-2 - len(history.epochs) :]
    recipe = lines[: -2 - len(history.epochs)]
    assert " ".join(recipe) == ", ".join(f"{name} {value}" for name, value in history.recipe.items())
    assert all(line.endswith(",") for line in recipe[:-1])
    assert max(map(len, lines)) < 80
    assert above.split() == ["training", "training", "evaluation", "evaluation"]
    assert below.split() == ["epoch", "eta", "seconds", "cost", "accuracy", "cost", "accuracy"]
    assert epochs[1].split()[0] == "1"
    assert epochs[1].split()[3:] == [
        f"{returned[2][1]:.4f}", f"{returned[3][1] / 10:.2%}", f"{returned[0][1]:.4f}", f"{returned[1][1] / 7:.2%}"
    ]  # fmt: skip
    assert len({len(line) for line in (above, below, *epochs)}) == 1


def test_history_of_less(data):
    net = Network([4, 3], engine="numpy", seed=0)
    net.SGD(data, 1, 5, 0.5)
    of_network = {"sizes", "cost", "activation", "engine", "dtype", "seed"}
    assert set(net.history.recipe) == of_network | {"epochs", "mini_batch_size", "eta"}
    assert net.history.series("training_cost") == []
    assert str(net.history).splitlines()[-2].split() == ["epoch", "eta", "seconds"]
    assert net.history.evaluation_samples == 0
    json.dumps(net.history.as_dict())
    first = net.history
    net.SGD(data, 0, 5, 0.5)
    assert len(first.epochs) == 1
    assert net.history.epochs == []
    assert net.history.recipe["epochs"] == 0
    assert str(net.history).splitlines()[0].startswith("sizes [4, 3]")


def test_a_history_can_be_written_whatever_an_own_accuracy_returns(data):
    net = fake(np.array([3, 4]))
    net.SGD(data, 2, 5, 0.5, evaluation_data=data, monitor_evaluation_accuracy=True)
    assert json.loads(json.dumps(net.history.as_dict()))["epochs"][1]["evaluation_accuracy"] == 4


def test_a_custom_report_is_called_instead_of_printing(data, capsys):
    net, lengths = Network([4, 3], engine="numpy", seed=0), []
    net.SGD(data, 3, 5, 0.5, report=lambda history: lengths.append(len(history.epochs)))
    assert lengths == [1, 2, 3]
    assert capsys.readouterr().out == ""


def test_epochs_are_as_a_list_of_them():
    random = np.random.default_rng(0)
    values = [(None, None, 0.5, 7), (0.25, None, None, 0), (-np.inf, 3, 1e-320, None), (None,) * 4]
    listed = [Epoch(i, 0.1 * i, random.random(), *values[i % 4]) for i in range(60)]
    epochs = Epochs(listed)
    assert epochs == listed
    assert epochs != listed[:-1]
    assert len(epochs) == 60
    assert [epochs[i] for i in (0, 1, -1, np.int64(7))] == [listed[i] for i in (0, 1, -1, 7)]
    assert epochs[5:50:7] == listed[5:50:7]
    assert repr(epochs[:2]) == f"Epochs({listed[:2]})"
    for index in ([0], None, "eta", 0.0):
        with pytest.raises(TypeError):
            epochs[:1][index]
    assert [type(value) for value in (epochs[1].number, epochs[1].training_cost)] == [int, float]
    with pytest.raises(IndexError):
        epochs[60]
    part = epochs[:2]
    part.append(listed[2])
    assert (part, epochs) == (listed[:3], listed)
    assert epochs.series("eta") == [epoch.eta for epoch in listed]
    assert epochs.series("training_cost") == [epoch.training_cost for epoch in listed]
    assert Epochs(listed[:1]).series("training_cost") == []


def test_epochs_come_back_from_their_arrays():
    for values in ((), (0.5,), (0.5, 3, math.nan, 4)):
        epochs = Epochs([Epoch(0, 0.5, 0.1), Epoch(1, 0.25, 0.2, *values)])
        arrays = epochs.arrays()
        assert set(arrays) == {"known", "eta", "seconds", *NAMES[: len(values)]}
        assert repr(Epochs.from_arrays(arrays)) == repr(epochs)
    assert Epochs.from_arrays(Epochs().arrays()) == []


def test_patience_uses_the_accuracy_of_a_single_output():
    bits = np.array([[a, b] for a in (0, 1) for b in (0, 1)], float)
    data = Dataset(bits, (bits.sum(axis=1) > 0).astype(int))
    net = Network([2, 1], seed=0)
    net.weights, net.biases = [np.array([[9.0, 9.0]])], [np.array([[-5.0]])]  # the network computes OR before training
    net.SGD(data, 9, 4, 0.01, evaluation_data=data, monitor_evaluation_accuracy=True, patience=2)
    assert [epoch.evaluation_accuracy for epoch in net.history.epochs] == [4, 4, 4]


def test_a_run_that_is_resumed_with_other_monitors_keeps_what_the_first_ones_saw(tmp_path, capsys):
    bits = np.array([[a, b] for a in (0, 1) for b in (0, 1)], float)
    data = Dataset(bits, np.eye(2)[(bits.sum(axis=1) > 0).astype(int)])
    options = {"evaluation_data": data, "checkpoint": tmp_path / "run", "resume": True}
    Network([2, 2], seed=0).SGD(data, 2, 4, 0.5, monitor_evaluation_accuracy=True, **options)
    net = Network([2, 2], seed=0)
    _, accuracy, cost, _ = net.SGD(
        data, 3, 4, 0.5, monitor_evaluation_accuracy=True, monitor_training_cost=True, **options
    )
    assert all(isinstance(correct, int) for correct in accuracy)
    assert cost[:2] == [None, None]
    assert cost[2] == pytest.approx(net.total_cost(data, 0.0))
    above, below, *rows = str(net.history).splitlines()[-5:]
    assert [above.split(), below.split()] == [
        ["training", "evaluation"],
        ["epoch", "eta", "seconds", "cost", "accuracy"],
    ]
    assert [len(row.split()) for row in rows] == [4, 4, 5]
    assert net.history.plot() is not None


def test_a_summary_names_the_best_epoch_the_time_and_how_to_keep_the_network(capsys):
    epochs = [Epoch(i, 0.5, 1.5, evaluation_accuracy=n) for i, n in enumerate([5, 8, 7, 8])]
    history = History({}, 100, 10, Epochs(epochs))
    expected = (
        'Best after epoch 1: 8 / 10 (80.00%). 4 epochs took 6.00 seconds; net.save("net.json") keeps the network.'
    )
    assert history.summary() == expected
    assert (
        History({}, 100, 0, Epochs([Epoch(0, 0.5, 2.0)])).summary().startswith("1 epoch took 2.00 seconds; net.save(")
    )
    net = Network([2, 2], seed=0)
    net.SGD(Dataset(np.eye(2), np.eye(2)), 2, 2, 0.5)
    assert capsys.readouterr().out.splitlines()[-1] == net.history.summary()
    net.SGD(Dataset(np.eye(2), np.eye(2)), 2, 2, 0.5, report=lambda history: None)
    assert capsys.readouterr().out == ""


def test_what_a_notebook_shows_is_short():
    history = History({"sizes": [2, 2]}, 100, 10, Epochs([Epoch(0, 0.5, 1.5, evaluation_accuracy=5)] * 3))
    assert repr(history) == "<History of 3 epochs: Epoch 0: 5 / 10 (50.00% accuracy), took 1.50 seconds>"
    assert history._repr_html_().startswith("<pre>sizes [2, 2]\n  ")


def test_a_data_frame_has_what_was_monitored():
    pytest.importorskip("pandas")
    epochs = [Epoch(0, 0.5, 1.5), Epoch(1, 0.25, 1.0, evaluation_accuracy=5)]
    frame = History({}, 100, 10, Epochs(epochs)).to_frame()
    assert list(frame.columns) == ["eta", "seconds", "evaluation_accuracy"]
    assert frame.eta.tolist() == [0.5, 0.25]
    assert frame.evaluation_accuracy.isna().tolist() == [True, False]


def test_a_history_without_epochs():
    pandas = pytest.importorskip("pandas")
    net = Network([2, 2], engine="numpy", seed=0)
    net.SGD(Dataset(np.eye(2), np.eye(2)), 0, 2, 0.5)
    other = History({}, 2, 0, Epochs([Epoch(0, 0.5, 1.5)]))
    frame = net.history.to_frame()
    pandas.testing.assert_frame_equal(frame, other.to_frame().iloc[:0])
    assert net.history.last_line() == "No epoch was completed"


def test_a_series_that_no_epoch_has_is_refused():
    with pytest.raises(ValueError, match="name is 'cost'; it must be one of number, eta, seconds, training_cost"):
        History({}, 100, 10).series("cost")
