"""What a training should not do unseen, and what Ctrl-C leaves."""

import signal
import sys
import warnings

import pytest

from fastnet.learning.diagnostics import TrainingWarning

torch = pytest.importorskip("torch")

from network3_in_numpy import small_network, some_data  # noqa: E402 - not without PyTorch

from fastnet.network3 import FullyConnectedLayer, Network, SoftmaxLayer, linear  # noqa: E402


def bits(net):
    return b"".join(param.numpy().tobytes() for param in net.params)


def of_ones(n, factor=1.0):
    return torch.full((n, 1), factor), torch.arange(n) % 2


@pytest.mark.parametrize("settings", [{"eta": 1e30, "lmbda": 1e10}, {"eta": 0.1, "lmbda": 1e38}])
def test_a_run_that_diverges_stops_and_is_undone(settings, capsys):
    net, data = small_network(), some_data()
    before = bits(net)
    with pytest.warns(TrainingWarning, match="^epoch 0: weights became infinite or not a number") as caught:
        net.SGD(data, 3, 4, validation_data=data, test_data=data, **settings)
    assert [warning.filename for warning in caught] == [__file__]  # it points at the caller
    assert bits(net) == before
    assert net.best is None
    assert net.stopped == "Stopped: weights became infinite or not a number in epoch 0"
    assert capsys.readouterr().out == (
        "Training mini-batch number 0\n"
        "Stopped: weights became infinite or not a number in epoch 0\n"
        "There is no best validation accuracy: no epoch was completed\n"
    )
    net.SGD(data, 1, 4, 0.1, data, data)
    assert (net.best.iteration, net.stopped) == (5, "")
    assert bits(net) != before


def growing():
    """Return a network of which each mini-batch multiplies the weights by about -1e15: float32 holds two of these."""
    net = Network([SoftmaxLayer(1, 2, params=([[1.0, 0.0]], [0.0, 0.0]))], 1, device="cpu")
    return net, {"epochs": 9, "mini_batch_size": 1, "eta": 1e5, "lmbda": 1e10}


def test_what_was_before_the_epoch_is_kept(capsys):
    net, settings = growing()
    data = of_ones(1)
    net.SGD(data, **settings | {"epochs": 2}, validation_data=data, test_data=None)
    expected, best = bits(net), net.best
    net, _ = growing()
    with pytest.warns(TrainingWarning, match="^epoch 2: weights became infinite"):
        net.SGD(data, **settings, validation_data=data, test_data=None)
    assert bits(net) == expected
    assert net.best == best
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2] == "Stopped: weights became infinite or not a number in epoch 2"
    assert lines[-1].startswith("Best validation accuracy of ")


def test_a_warning_that_is_an_error_leaves_the_network_as_it_was():
    net, settings = growing()
    data = of_ones(1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TrainingWarning):
            net.SGD(data, **settings, validation_data=data, test_data=None)
    assert torch.isfinite(net.layers[0].w).all()
    assert not any(param.requires_grad for param in net.params)


def test_what_is_not_a_number_is_no_prediction():
    """Of finite weights that are so large, the outputs are not."""
    hidden = FullyConnectedLayer(1, 1, linear, params=([[1e30]], [0.0]))
    net = Network([hidden, SoftmaxLayer(1, 2, params=([[1e30, 1e30]], [0.0, 0.0]))], 1, device="cpu")
    assert net.output(of_ones(2)[0]).isnan().all()
    assert net.predictions(of_ones(2)[0]).tolist() == [-1, -1]
    assert net.accuracy(of_ones(2)) == 0


def biased(bias=9.0):
    """Return a network that says 0 whatever it is shown."""
    return Network([SoftmaxLayer(1, 3, params=([[0.0] * 3], [bias, 0.0, 0.0]))], 1, device="cpu")


def test_a_digit_that_is_never_predicted_is_reported_once(capsys):
    data = torch.zeros(60, 1), torch.arange(60) % 3
    with pytest.warns(
        TrainingWarning, match="^epoch 1: no sample was classified as 1 or 2 in two consecutive epochs"
    ) as caught:
        biased().SGD(data, 4, 60, 1e-6, data, None)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("labels", [[0] * 60, [0] * 41 + [1] * 19])
def test_digits_that_are_rare_or_not_there_are_not_missed(labels, capsys):
    data = torch.zeros(60, 1), torch.tensor(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        biased().SGD(data, 3, 60, 1e-6, data, None)


def test_outputs_that_are_not_numbers_are_predictions_of_no_digit(capsys):
    net = Network([SoftmaxLayer(1, 3, params=([[1e30] * 3], [0.0] * 3))], 1, device="cpu")
    training, validation = (torch.zeros(1, 1), torch.tensor([0])), (torch.full((60, 1), 1e30), torch.arange(60) % 3)
    with pytest.warns(
        TrainingWarning, match="^epoch 1: no sample was classified as 0 or 1 or 2 in two consecutive epochs"
    ):
        net.SGD(training, 2, 1, 1e-6, validation, None)


def interrupted_at(moment):
    """Return a function that does nothing, but for Ctrl-C the so-many-th time that it is called."""
    calls = 0

    def count():
        nonlocal calls
        calls += 1
        if calls == moment:
            signal.raise_signal(signal.SIGINT)

    return count


def steps(net, data, eta):
    """Train for so many mini-batches by hand, and return the bits after each."""
    states = [bits(net)]
    for start in range(0, 24, 4):
        part = tuple(tensor[start : start + 4] for tensor in data)
        net.SGD(part, 1, 4, eta, data, None)
        states.append(bits(net))
    return states


@pytest.mark.parametrize("place", ["forward", "between weights and biases"])
def test_ctrl_c_leaves_the_network_as_after_the_last_mini_batch(place, monkeypatch, capsys):
    data = some_data()
    states = steps(small_network(), data, 0.3)
    net = small_network()
    come = interrupted_at(3)
    if place == "forward":
        sigmoid = net.layers[1].activation_fn
        net.layers[1].activation_fn = lambda z: (come(), sigmoid(z))[1]
    else:  # PyTorch changes the weights, the biases, the weights: that was the third time
        module = sys.modules["torch.optim.sgd"]
        step = module.sgd
        monkeypatch.setattr(module, "sgd", lambda *args, **keywords: (step(*args, **keywords), come()))
    with pytest.raises(KeyboardInterrupt):
        net.SGD(data, 2, 4, 0.3, data, data)
    assert bits(net) == states[2]
    assert not any(param.requires_grad for param in net.params)
    assert all(param.grad is None for param in net.params)
    assert (net.best, net.stopped) == (None, "")
    monkeypatch.undo()
    net.accuracy(data)
    net.SGD(data, 1, 4, 0.3, data, data)
    assert bits(net) not in states


def test_ctrl_c_while_it_diverges_leaves_the_network_as_before_the_epoch(capsys):
    net, data = small_network(), some_data()
    before = bits(net)
    sigmoid, come = net.layers[1].activation_fn, interrupted_at(4)
    net.layers[1].activation_fn = lambda z: (come(), sigmoid(z))[1]
    with pytest.raises(KeyboardInterrupt):
        net.SGD(data, 2, 4, 1e30, data, data, lmbda=1e30)
    assert bits(net) == before
    assert not any(param.requires_grad for param in net.params)


def test_what_an_activation_of_ones_own_raises_likewise(capsys):
    net, data = small_network(), some_data()
    before = bits(net)
    net.layers[1].activation_fn = lambda z: 1 / 0
    with pytest.raises(ZeroDivisionError):
        net.SGD(data, 1, 4, 0.3, data, data)
    assert bits(net) == before
    assert not any(param.requires_grad for param in net.params)
