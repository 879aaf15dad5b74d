"""Chapter 6's networks: what they compute and how they learn, against NumPy and central differences."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from network3_in_numpy import arrays, outputs, small_network, some_data  # noqa: E402 - not without PyTorch

from fastnet import network3  # noqa: E402
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, linear  # noqa: E402


def test_the_network_computes_what_its_layers_do():
    net = small_network()
    x, y = some_data()
    expected = outputs(x.numpy().astype(np.float64), [arrays(layer) for layer in net.layers])
    np.testing.assert_allclose(net.output(x), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(net.predictions(x), expected.argmax(axis=1))
    assert net.accuracy((x, y)) == np.mean(expected.argmax(axis=1) == y.numpy())


def test_a_step_goes_down_the_cost_as_the_book_defines_it(capsys):
    """Each parameter against central differences of the cost, in float64, after one mini-batch of an epoch of one."""
    net = small_network()
    x, y = some_data(n=4)
    eta, lmbda = 0.1, 0.7
    params = [arrays(layer) for layer in net.layers]

    def cost():
        a = outputs(x.numpy().astype(np.float64), params)
        squares = sum(np.sum(w**2) for w, _ in params)
        return -np.mean(np.log(a[np.arange(4), y.numpy()])) + 0.5 * lmbda * squares / 1

    expected = []
    for array in [array for pair in params for array in pair]:
        gradient, step = np.zeros_like(array), 1e-6
        for index in np.ndindex(array.shape):
            before = array[index]
            array[index] = before + step
            above = cost()
            array[index] = before - step
            gradient[index] = (above - cost()) / (2 * step)
            array[index] = before
        expected.append(array - eta * gradient)
    net.SGD((x, y), 1, 4, eta, (x, y), (x, y), lmbda=lmbda)
    for param, array in zip(net.params, expected, strict=True):
        np.testing.assert_allclose(param, array, rtol=1e-4, atol=2e-6)


def test_regularization_is_divided_by_the_number_of_mini_batches(capsys):
    """Of inputs that are zero, no gradient reaches the weights but what regularization has."""
    net = Network([SoftmaxLayer(2, 2, params=([[1.0, 2.0], [3.0, -4.0]], [0.0, 0.0]))], 2, device="cpu")
    data = torch.zeros(11, 2), torch.zeros(11, dtype=torch.int64)
    net.SGD(data, 1, 2, 0.5, data, None, lmbda=1.5)
    np.testing.assert_allclose(net.layers[0].w, np.array([[1, 2], [3, -4]]) * (1 - 0.5 * 1.5 / 5) ** 5, rtol=1e-5)


def test_mini_batches_come_in_order_and_what_is_left_over_is_left_out(capsys):
    data = some_data(n=11)
    net, by_hand = small_network(), small_network()
    net.SGD(data, 2, 4, 0.3, data, data)
    for _ in range(2):
        for start in (0, 4):
            part = tuple(tensor[start : start + 4] for tensor in data)
            by_hand.SGD(part, 1, 4, 0.3, data, data)
    for param, expected in zip(net.params, by_hand.params, strict=True):
        np.testing.assert_array_equal(param, expected)


def test_the_lines_are_the_books(capsys):
    """A network that learns nothing: half of the validation data are right, a third of the test data."""
    net = Network([SoftmaxLayer(1, 2)], 1, device="cpu")
    training = torch.zeros(500, 1), torch.arange(500) % 2
    validation = torch.zeros(4, 1), torch.tensor([0, 1, 0, 1])
    test = torch.zeros(3, 1), torch.tensor([0, 1, 1])
    net.SGD(training, 3, 1, 1e-9, validation, test)
    epoch = (
        "Epoch {}: validation accuracy 50.00%\n"
        "This is the best validation accuracy to date.\n"
        "The corresponding test accuracy is {}\n"
    )
    lines = capsys.readouterr().out
    test_accuracy = f"{net.accuracy(test):.2%}"
    assert test_accuracy in ("33.33%", "66.67%")
    assert lines == (
        "Training mini-batch number 0\n"
        + epoch.format(0, test_accuracy)
        + epoch.format(1, test_accuracy)
        + "Training mini-batch number 1000\n"
        + epoch.format(2, test_accuracy)
        + "Finished training network.\n"
        "Best validation accuracy of 50.00% obtained at iteration 1499\n"
        f"Corresponding test accuracy of {test_accuracy}\n"
    )
    assert net.best == (0.5, 1499, net.accuracy(test))
    assert net.history.series("evaluation_accuracy") == [2, 2, 2]
    assert (net.history.training_samples, net.history.evaluation_samples) == (500, 4)
    assert net.history.recipe == {"epochs": 3, "mini_batch_size": 1, "eta": 1e-9, "lmbda": 0.0}


def test_a_worse_epoch_is_not_the_best(capsys):
    """The mini-batch drives the network from right to wrong in the second epoch."""
    net = Network([SoftmaxLayer(1, 2, params=([[0.0, 0.0]], [1.0, 0.0]))], 1, device="cpu")
    training = torch.zeros(1, 1), torch.tensor([1])
    validation = torch.zeros(1, 1), torch.tensor([0])
    net.SGD(training, 2, 1, 0.5, validation, None)
    assert capsys.readouterr().out == (
        "Training mini-batch number 0\n"
        "Epoch 0: validation accuracy 100.00%\n"
        "This is the best validation accuracy to date.\n"
        "Epoch 1: validation accuracy 0.00%\n"
        "Finished training network.\n"
        "Best validation accuracy of 100.00% obtained at iteration 0\n"
    )
    assert net.best == (1.0, 0, None)


@pytest.mark.parametrize("p_dropout", [0.0, 0.5])
def test_the_same_seed_gives_the_same_network(p_dropout, capsys):
    data = some_data()
    nets = [small_network(p_dropout, seed=seed) for seed in (3, 3, 4)]
    for net, seed in zip(nets, (3, 3, 4), strict=True):
        np.random.seed(seed)
        net.SGD(data, 2, 4, 0.3, data, data)
    same, other = nets[1].params, nets[2].params
    assert all(a.equal(b) for a, b in zip(nets[0].params, same, strict=True))
    assert not nets[0].params[0].equal(other[0])


def test_what_is_left_out_does_not_learn(capsys):
    """Of one sample, the weights of the inputs that are left out get no gradient: about half of a hundred."""
    np.random.seed(0)
    hidden = FullyConnectedLayer(100, 2, linear, 0.5)
    net = Network([hidden, SoftmaxLayer(2, 2, params=(np.eye(2), [0.0, 0.0]))], 1, device="cpu")
    before = hidden.w.clone()
    data = torch.ones(1, 100), torch.tensor([1])
    net.SGD(data, 1, 1, 0.5, data, None)
    changed = (hidden.w != before).all(dim=1)
    assert (hidden.w == before).all(dim=1).equal(~changed)
    assert 30 <= int(changed.sum()) <= 70


def test_masks_differ_from_mini_batch_to_mini_batch_and_from_run_to_run(capsys):
    data = some_data(n=4)
    results = []
    for seed, epochs in ((1, 1), (2, 1), (1, 2)):
        net = small_network(0.5)
        np.random.seed(seed)
        net.SGD(data, epochs, 4, 0.3, data, data)
        results.append(net.params)
    assert not results[0][2].equal(results[1][2])
    again = small_network(0.5)
    for _ in range(2):  # the same masks twice
        np.random.seed(1)
        again.SGD(data, 1, 4, 0.3, data, data)
    assert not again.params[2].equal(results[2][2])


def test_only_dropout_draws_a_number(capsys):
    data = some_data()
    for p_dropout, drawn in ((0.0, False), (0.5, True)):
        net = small_network(p_dropout)
        np.random.seed(5)
        net.SGD(data, 1, 4, 0.3, data, data)
        state = np.random.get_state()[2]
        np.random.seed(5)
        assert (state != np.random.get_state()[2]) is drawn


def test_training_and_testing_may_have_other_mini_batches_than_the_network(capsys):
    net = small_network(mini_batch_size=5)
    training, test = some_data(n=24), some_data(n=7, seed=1)
    net.SGD(training, 1, 8, 0.3, some_data(n=3, seed=2), test)
    predictions = torch.cat([net.test_mb_predictions(i) for i in range(2)])
    assert predictions.equal(net.predictions(test[0]))
    assert len(net.test_mb_predictions(0)) == 5


def test_it_learns_digits(mnist_tensors, capsys):
    np.random.seed(0)
    training, validation, test = (tuple(tensor[:3000] for tensor in data) for data in mnist_tensors)
    layers = [
        ConvPoolLayer((4, 1, 5, 5), (10, 1, 28, 28), (4, 4), ReLU),
        FullyConnectedLayer(4 * 6 * 6, 30, ReLU, 0.1),
        SoftmaxLayer(30, 10),
    ]
    net = Network(layers, 10, device="cpu")
    net.SGD(training, 3, 10, 0.05, validation, test, lmbda=0.1)
    assert net.best.test_accuracy > 0.85
    assert not any(param.requires_grad for param in net.params)


def test_without_pytorch_it_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; import fastnet; from fastnet import network, network3"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent, timeout=60
    )
    assert result.stderr.endswith(
        "ImportError: fastnet.network3 needs PyTorch; pip install 'fastnet-nndl[torch]' installs it\n"
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there():
    for make in (lambda: small_network() and Network([SoftmaxLayer(2, 2)], 1, device="cuda"),
                 lambda: network3.load_data_shared(device="cuda")):  # fmt: skip
        with pytest.raises(ValueError, match="device is 'cuda', but PyTorch finds no GPU"):
            make()
    assert Network([SoftmaxLayer(2, 2)], 1).device.type == "cpu"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_on_a_gpu_it_is_the_same_network(capsys):
    data = some_data()
    here = small_network()
    there = Network([*small_network().layers], 4, device="cuda")
    for net in (here, there):
        net.SGD(data, 2, 4, 0.3, data, data)
    for param, expected in zip(there.params, here.params, strict=True):
        np.testing.assert_allclose(param.cpu(), expected, rtol=1e-2, atol=1e-3)
