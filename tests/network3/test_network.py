"""Compares outputs and training of chapter 6's networks with NumPy and central differences."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from network3_in_numpy import bits, outputs, small_network, some_data

from fastnet import Dataset, network3
from fastnet.engines import why_missing
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, linear


def test_the_network_computes_what_its_layers_do(engine):
    net = small_network(engine)
    x, y = some_data()
    expected = outputs(x, net.layers)
    found = net.output(x)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(net.predictions(x), expected.argmax(axis=1))
    assert net.accuracy((x, y)) == np.mean(expected.argmax(axis=1) == y)


def test_a_step_goes_down_the_cost_as_the_book_defines_it(engine, capsys):
    """Compare the step of one mini-batch with central differences of the cost in float64, for each parameter."""
    net = small_network(engine)
    x, y = some_data(n=4)
    eta, lmbda = 0.1, 0.7
    params = [param.astype(float) for param in net.params]

    def cost():
        a = outputs(x, net.layers, params)
        squares = sum(np.sum(w**2) for w in params[::2])
        return -np.mean(np.log(a[np.arange(4), y])) + 0.5 * lmbda * squares / 1

    expected = []
    for array in params:
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


def test_regularization_is_divided_by_the_number_of_mini_batches(engine, capsys):
    """With inputs of 0, only the regularization contributes to the gradient of the weights."""
    net = Network([SoftmaxLayer(2, 2, params=([[1.0, 2.0], [3.0, -4.0]], [0.0, 0.0]))], 2, engine=engine)
    data = np.zeros((11, 2)), np.zeros(11, int)
    net.SGD(data, 1, 2, 0.5, data, None, lmbda=1.5)
    np.testing.assert_allclose(net.layers[0].w, np.array([[1, 2], [3, -4]]) * (1 - 0.5 * 1.5 / 5) ** 5, rtol=1e-5)
    assert net.layers[0].b[0] > 0


def test_mini_batches_come_in_order_and_what_is_left_over_is_left_out(engine, capsys):
    data = some_data(n=11)
    net, by_hand = small_network(engine), small_network(engine)
    net.SGD(data, 2, 4, 0.3, data, data)
    for _ in range(2):
        for start in (0, 4):
            part = tuple(array[start : start + 4] for array in data)
            by_hand.SGD(part, 1, 4, 0.3, data, data)
    for param, expected in zip(net.params, by_hand.params, strict=True):
        np.testing.assert_allclose(param, expected, rtol=1e-5, atol=1e-6)


def test_the_lines_are_the_books(engine, capsys):
    """With eta 1e-9, the network always classifies 2 of 4 validation and 1 or 2 of 3 test samples correctly."""
    net = Network([SoftmaxLayer(1, 2)], 1, engine=engine)
    training = np.zeros((500, 1)), np.arange(500) % 2
    validation = np.zeros((4, 1)), [0, 1, 0, 1]
    test = np.zeros((3, 1)), [0, 1, 1]
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
    training = {"engine": engine, "epochs": 3, "mini_batch_size": 1, "eta": 1e-9, "lmbda": 0.0}
    assert training.items() <= net.history.recipe.items()


@pytest.mark.parametrize(("samples", "lines"), [(1000, [0, 1000]), (2500, [0, 1000, 2000, 3000, 4000])])
def test_a_line_for_each_thousandth_mini_batch(samples, lines, capsys):
    """A line is printed before mini-batches 0, 1000, ... of the run. Printing does not change the training."""
    data = some_data(samples, 2, 2)
    net, alone = (Network([SoftmaxLayer(2, 2)], 1) for _ in range(2))
    net.SGD(data, 2, 1, 0.1, data, None)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Training")]
    assert said == [f"Training mini-batch number {number}" for number in lines]
    for start in [*range(0, samples, 250)] * 2:
        alone.SGD(tuple(array[start : start + 250] for array in data), 1, 1, 0.1, data, None)
    np.testing.assert_allclose(net.layers[0].w, alone.layers[0].w, rtol=1e-5)


def test_a_worse_epoch_is_not_the_best(engine, capsys):
    """The validation sample is classified correctly after the first epoch, and incorrectly after the second."""
    net = Network([SoftmaxLayer(1, 2, params=([[0.0, 0.0]], [1.0, 0.0]))], 1, engine=engine)
    net.SGD((np.zeros((1, 1)), [1]), 2, 1, 0.5, (np.zeros((1, 1)), [0]), None)
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
def test_the_same_seed_gives_the_same_network(p_dropout, engine, capsys):
    data = some_data()
    nets = [small_network(engine, p_dropout, seed=seed) for seed in (3, 3, 4)]
    for net, seed in zip(nets, (3, 3, 4), strict=True):
        np.random.seed(seed)
        net.SGD(data, 2, 4, 0.3, data, data)
    assert bits(nets[0]) == bits(nets[1]) != bits(nets[2])


def test_what_is_left_out_does_not_learn(engine, capsys):
    """About half of the 100 inputs of the only sample are dropped. The weights of dropped inputs get no gradient."""
    np.random.seed(0)
    hidden = FullyConnectedLayer(100, 2, linear, 0.5)
    net = Network([hidden, SoftmaxLayer(2, 2, params=(np.eye(2), [0.0, 0.0]))], 1, engine=engine)
    before = hidden.w.copy()
    data = np.ones((1, 100)), [1]
    net.SGD(data, 1, 1, 0.5, data, None)
    changed = hidden.w != before
    np.testing.assert_array_equal(changed.all(axis=1), changed.any(axis=1))
    assert 30 <= changed.all(axis=1).sum() <= 70


def test_masks_differ_from_mini_batch_to_mini_batch_and_from_run_to_run(engine, capsys):
    data = some_data(n=4)
    results = []
    for seed, epochs in ((1, 1), (2, 1), (1, 2)):
        net = small_network(engine, 0.5)
        np.random.seed(seed)
        net.SGD(data, epochs, 4, 0.3, data, data)
        results.append(bits(net))
    assert results[0] != results[1]
    again = small_network(engine, 0.5)
    for _ in range(2):  # both calls of `SGD` draw the same masks
        np.random.seed(1)
        again.SGD(data, 1, 4, 0.3, data, data)
    assert not np.allclose(np.frombuffer(bits(again), np.float32), np.frombuffer(results[2], np.float32), atol=1e-3)


def test_only_dropout_draws_a_number(capsys):
    data = some_data()
    for p_dropout, drawn in ((0.0, 0), (0.5, 1)):
        net = small_network(p_dropout=p_dropout)
        np.random.seed(5)
        net.SGD(data, 1, 4, 0.3, data, data)
        after = np.random.randint(2**31)
        np.random.seed(5)
        assert after == np.random.randint(2**31, size=2)[drawn]


def test_training_and_testing_may_have_other_mini_batches_than_the_network(capsys):
    net = small_network(mini_batch_size=5)
    training, test = some_data(n=24), some_data(n=7, seed=1)
    net.SGD(training, 1, 8, 0.3, some_data(n=3, seed=2), test)
    predictions = np.concatenate([net.test_mb_predictions(i) for i in range(2)])
    np.testing.assert_array_equal(predictions, net.predictions(test[0]))
    assert len(net.test_mb_predictions(0)) == 5


def test_weights_may_be_changed_in_place_after_training(engine, capsys):
    net, data = small_network(engine), some_data()
    net.SGD(data, 1, 4, 0.3, data, None)
    for layer in net.layers:
        layer.w[...], layer.b[...] = 0, 0
    net.layers[-1].b[1] = 5
    assert net.predictions(data[0]).tolist() == [1] * 24


def test_the_engine_may_be_changed(engine, capsys):
    net, data = small_network("numpy"), some_data()
    net.layers[0] = small_network(engine).layers[0]
    net.engine = engine
    expected = outputs(data[0], net.layers)
    np.testing.assert_allclose(net.output(data[0]), expected, rtol=1e-4, atol=1e-6)
    net.SGD(data, 1, 4, 0.3, data, None)
    assert net.history.recipe["engine"] == engine


@pytest.mark.parametrize("kind", ["pairs", "lists", "tensors", "Dataset", "vectors", "float64"])
def test_data_of_every_kind_give_the_same_network(kind, engine, capsys):
    x, y = some_data()
    data = {
        "pairs": lambda: (x, y),
        "lists": lambda: [x.tolist(), y.tolist()],
        "tensors": lambda: tuple(map(pytest.importorskip("torch").tensor, (x, y))),
        "Dataset": lambda: Dataset(x, y),
        "vectors": lambda: Dataset(x, np.eye(3)[y]),
        "float64": lambda: (x.astype(float), y.astype(np.int32)),
    }[kind]()
    net, expected = small_network(engine), small_network(engine)
    before = x.tobytes(), y.tobytes()
    for each, given in ((net, data), (expected, (x, y))):
        each.SGD(given, 1, 4, 0.3, given, given)
    assert bits(net) == bits(expected)
    assert net.accuracy(data) == expected.accuracy((x, y))
    assert (x.tobytes(), y.tobytes()) == before


def test_it_learns_digits(of_images, mnist_arrays, capsys):
    np.random.seed(0)
    training, validation, test = ([array[:1500] for array in data] for data in mnist_arrays)
    layers = [
        ConvPoolLayer((4, 1, 5, 5), (10, 1, 28, 28), (4, 4), ReLU),
        FullyConnectedLayer(4 * 6 * 6, 30, ReLU, 0.1),
        SoftmaxLayer(30, 10),
    ]
    net = Network(layers, 10, engine=of_images)
    net.SGD(training, 2, 10, 0.1, validation, test, lmbda=0.1)
    assert net.best.test_accuracy > 0.75


def test_the_default_engine_learns_digits(mnist_arrays, capsys):
    """The network is chapter 6's first network, with one hidden layer."""
    np.random.seed(0)
    training, validation, test = mnist_arrays
    net = Network([FullyConnectedLayer(n_in=784, n_out=100), SoftmaxLayer(n_in=100, n_out=10)], 10)
    assert net.engine == "numba"
    net.SGD([array[:10_000] for array in training], 2, 10, 0.1, validation, test)
    assert net.best.test_accuracy > 0.85


def python(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent, timeout=60
    )


def test_without_pytorch_all_but_its_engine_works():
    code = """import sys; sys.modules['torch'] = None
from fastnet.network3 import *
data = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
net = Network([FullyConnectedLayer(2, 3), SoftmaxLayer(3, 2)], 2, engine="numpy")
net.SGD(data, 1, 2, 0.1, data, data)
try:
    net.engine = "torch"
except ImportError as error:
    print(error, net.engine)
"""
    result = python(code)
    assert result.stdout.endswith("pip install 'fastnet-nndl[torch]' installs it numpy\n"), result.stderr
    assert "Finished training network." in result.stdout


def test_importing_it_imports_nothing_heavy():
    result = python("import sys; from fastnet import network3; print({'numba', 'scipy', 'torch'} & {*sys.modules})")
    assert result.stdout == "set()\n"


def test_the_device_of_pytorch(pytorch):
    layers = small_network().layers
    assert Network(layers, 1, engine="torch", device="cpu").engine == "torch-cpu"
    assert Network(layers, 1, engine="torch", device="auto").engine == "torch"
    if why_missing("torch-cuda") is not None:
        with pytest.raises(ImportError, match="there is no CUDA device"):
            Network(layers, 1, engine="torch", device="cuda")
        return
    data = some_data()
    here, there = (Network(small_network().layers, 4, engine="torch", device=device) for device in ("cpu", "cuda"))
    for net in (here, there):
        net.SGD(data, 2, 4, 0.3, data, data)
    for param, expected in zip(there.params, here.params, strict=True):
        np.testing.assert_allclose(param, expected, rtol=1e-2, atol=1e-3)


def test_the_book_s_names_are_there():
    assert set(network3.__all__) >= {"load_data_shared", "size", "linear", "ReLU", "sigmoid", "tanh", "Network"}
