"""Warnings about problems in training, and the network after Ctrl-C."""

import signal
import warnings

import numpy as np
import pytest
from network3_in_numpy import bits, small_network, some_data

from fastnet.learning.diagnostics import TrainingWarning
from fastnet.network3 import FullyConnectedLayer, Network, SoftmaxLayer, linear, training


@pytest.fixture(autouse=True)
def overflow_is_no_warning():
    """Suppress the floating-point warnings of the engine `numpy`, which are not tested here."""
    with np.errstate(all="ignore"):
        yield


def of_ones(n, factor=1.0):
    return np.full((n, 1), factor), np.arange(n) % 2


@pytest.mark.parametrize("settings", [{"eta": 1e30, "lmbda": 1e10}, {"eta": 0.1, "lmbda": 1e38}])
def test_a_run_that_diverges_stops_and_is_undone(settings, engine, capsys):
    net, data = small_network(engine), some_data()
    before = bits(net)
    with pytest.warns(TrainingWarning, match="^epoch 0: weights became infinite or NaN") as caught:
        net.SGD(data, 3, 4, validation_data=data, test_data=data, **settings)
    assert [warning.filename for warning in caught] == [__file__]  # the warning has the caller's location
    assert bits(net) == before
    assert net.best is None
    assert net.stopped == "Stopped: weights became infinite or NaN in epoch 0"
    assert capsys.readouterr().out == (
        "Training mini-batch number 0\n"
        "Stopped: weights became infinite or NaN in epoch 0\n"
        "There is no best validation accuracy: no epoch was completed\n"
    )
    net.SGD(data, 1, 4, 0.1, data, data)
    assert (net.best.iteration, net.stopped) == (5, "")
    assert bits(net) != before


def growing(engine):
    """Return a network and settings. Each mini-batch multiplies weights by about -1e15; the third overflows float32."""
    net = Network([SoftmaxLayer(1, 2, params=([[1.0, 0.0]], [0.0, 0.0]))], 1, engine=engine)
    return net, {"epochs": 9, "mini_batch_size": 1, "eta": 1e5, "lmbda": 1e10}


def test_what_was_before_the_epoch_is_kept(engine, capsys):
    net, settings = growing(engine)
    data = of_ones(1)
    net.SGD(data, **settings | {"epochs": 2}, validation_data=data, test_data=None)
    expected, best = bits(net), net.best
    net, _ = growing(engine)
    with pytest.warns(TrainingWarning, match="^epoch 2: weights became infinite"):
        net.SGD(data, **settings, validation_data=data, test_data=None)
    assert bits(net) == expected
    assert net.best == best
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "Stopped: weights became infinite or NaN in epoch 2"
    assert lines[-1].startswith("Best validation accuracy of ")


def test_a_warning_that_is_an_error_leaves_the_network_as_it_was():
    net, settings = growing("numpy")
    data = of_ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TrainingWarning):
            net.SGD(data, **settings, validation_data=data, test_data=None)
    assert np.isfinite(net.layers[0].w).all()


def test_what_is_not_a_number_is_no_prediction(engine):
    """The weights are finite, but so large that the outputs are NaN."""
    hidden = FullyConnectedLayer(1, 1, linear, params=([[1e30]], [0.0]))
    net = Network([hidden, SoftmaxLayer(1, 2, params=([[1e30, 1e30]], [0.0, 0.0]))], 1, engine=engine)
    assert np.isnan(net.output(of_ones(2)[0])).all()
    assert net.predictions(of_ones(2)[0]).tolist() == [-1, -1]
    assert net.accuracy(of_ones(2)) == 0


def biased(engine="numpy"):
    """Return a network that predicts 0 for every input."""
    return Network([SoftmaxLayer(1, 3, params=([[0.0] * 3], [9.0, 0.0, 0.0]))], 1, engine=engine)


def test_a_digit_that_is_never_predicted_is_reported_once(engine, capsys):
    data = np.zeros((60, 1)), np.arange(60) % 3
    with pytest.warns(
        TrainingWarning, match="^epoch 1: no sample was classified as 1 or 2 in two consecutive epochs"
    ) as caught:
        biased(engine).SGD(data, 4, 60, 1e-6, data, None)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("labels", [[0] * 60, [0] * 41 + [1] * 19])
def test_digits_that_are_rare_or_not_there_are_not_missed(labels, capsys):
    data = np.zeros((60, 1)), labels
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        biased().SGD(data, 3, 60, 1e-6, data, None)


def test_inputs_of_a_large_scale_are_reported(capsys):
    with pytest.warns(TrainingWarning, match=r"^inputs go from 255 to 255, which is far from unit scale") as caught:
        biased().SGD(of_ones(4, 255.0), 1, 4, 1e-6, of_ones(4), None)
    assert [warning.filename for warning in caught] == [__file__]


def test_outputs_that_are_not_numbers_are_predictions_of_no_digit(capsys):
    net = Network([SoftmaxLayer(1, 3, params=([[1e30] * 3], [0.0] * 3))], 1, engine="numpy")
    validation = np.full((60, 1), 1e30), np.arange(60) % 3
    with pytest.warns(
        TrainingWarning, match="^epoch 1: no sample was classified as 0 or 1 or 2 in two consecutive epochs"
    ):
        net.SGD((np.zeros((1, 1)), [0]), 2, 1, 1e-6, validation, None)


def interrupt_at(call, monkeypatch):
    """Raise SIGINT when `SGD` prints the line about a mini-batch for the `call`-th time, counted from 1."""
    calls = 0

    def say(*args, **keywords):
        nonlocal calls
        calls += 1
        if calls == call:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training, "print", say, raising=False)
    monkeypatch.setattr(training, "_MINI_BATCHES_PER_LINE", 2)


@pytest.mark.parametrize(("call", "epochs"), [(1, 0), (3, 0), (4, 1), (8, 2)])
def test_ctrl_c_leaves_the_network_as_after_the_last_whole_epoch(call, epochs, engine, monkeypatch, capsys):
    """An epoch has six mini-batches; a line is printed before every second mini-batch."""
    data = some_data()
    like, net = small_network(engine), small_network(engine)
    if epochs:
        like.SGD(data, epochs, 4, 0.3, data, data)
    interrupt_at(call, monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        net.SGD(data, 5, 4, 0.3, data, data)
    assert bits(net) == bits(like)
    assert (net.best, net.stopped) == (like.best, "")
    assert len(net.history.epochs) == epochs
    monkeypatch.undo()
    net.accuracy(data)
    net.SGD(data, 1, 4, 0.3, data, data)
    assert bits(net) != bits(like)


def test_what_a_custom_activation_raises_leaves_the_network_as_it_was(pytorch, capsys):
    net, data = small_network(pytorch), some_data()
    before = bits(net)
    net.layers[1].activation_fn = lambda z: 1 / 0
    with pytest.raises(ZeroDivisionError):
        net.SGD(data, 1, 4, 0.3, data, data)
    assert bits(net) == before
