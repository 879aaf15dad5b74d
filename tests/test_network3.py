"""Chapter 6's networks, against NumPy and the book's formulas written out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastnet import Dataset, expand_mnist, mnist_loader
from fastnet.mnist_loader import DataError

torch = pytest.importorskip("torch")
network3 = pytest.importorskip("fastnet.network3")

from fastnet.network3 import (  # noqa: E402 - not without PyTorch
    ConvPoolLayer,
    FullyConnectedLayer,
    Network,
    ReLU,
    SoftmaxLayer,
    linear,
    sigmoid,
    tanh,
)

# Each is written out in NumPy.
ACTIVATIONS = [
    (linear, lambda z: z),
    (ReLU, lambda z: np.maximum(0, z)),
    (sigmoid, lambda z: 1 / (1 + np.exp(-z))),
    (tanh, np.tanh),
]


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def conv_pool(images, w, b, poolsize, activation):
    """Convolve, pool and activate, number by number; `images` of shape (n, maps, height, width)."""
    n, _, height, width = images.shape
    filters, _, rows, columns = w.shape
    convolved = np.zeros((n, filters, height - rows + 1, width - columns + 1))
    for y in range(convolved.shape[2]):
        for x in range(convolved.shape[3]):
            for i in range(rows):
                for j in range(columns):  # a convolution: where the image is read forward, the filter is backward
                    weights = w[:, :, rows - 1 - i, columns - 1 - j]
                    convolved[:, :, y, x] += images[:, :, y + i, x + j] @ weights.T
    down, right = (size // pool for size, pool in zip(convolved.shape[2:], poolsize, strict=True))
    pooled = np.zeros((n, filters, down, right))
    for y in range(down):
        for x in range(right):
            window = convolved[:, :, y * poolsize[0] : (y + 1) * poolsize[0], x * poolsize[1] : (x + 1) * poolsize[1]]
            pooled[:, :, y, x] = window.max(axis=(2, 3))
    return activation(pooled + b[:, np.newaxis, np.newaxis])


def arrays(layer):
    return [param.numpy().astype(np.float64) for param in layer.params]


def some_data(n=24, n_in=36, n_out=3, seed=0):
    random = np.random.default_rng(seed)
    return network3.shared((random.random((n, n_in)), random.integers(0, n_out, n)), device="cpu")


@pytest.fixture(scope="module")
def mnist_tensors():
    return network3.load_data_shared(device="cpu")


def small_network(p_dropout=0.0, mini_batch_size=4, seed=0):
    """A network of one layer of each kind, for images of 6 by 6."""
    np.random.seed(seed)
    layers = [
        ConvPoolLayer((2, 1, 3, 3), (mini_batch_size, 1, 6, 6), (2, 2), tanh),
        FullyConnectedLayer(8, 5, sigmoid, p_dropout),
        SoftmaxLayer(5, 3, p_dropout),
    ]
    net = Network(layers, mini_batch_size, device="cpu")
    net.layers[-1].w.copy_(torch.tensor(np.random.normal(size=(5, 3))))
    return net


def outputs(x, params):
    """Return what `small_network` gives without dropout, in NumPy."""
    (w0, b0), (w1, b1), (w2, b2) = params
    hidden = conv_pool(x.reshape(-1, 1, 6, 6), w0, b0, (2, 2), np.tanh).reshape(len(x), -1)
    return softmax(1 / (1 + np.exp(-(hidden @ w1 + b1))) @ w2 + b2)


# The layers.


@pytest.mark.parametrize(("activation", "formula"), ACTIVATIONS)
def test_a_fully_connected_layer(activation, formula):
    np.random.seed(0)
    layer = FullyConnectedLayer(n_in=7, n_out=4, activation_fn=activation)
    w, b = arrays(layer)
    x = np.random.normal(size=(5, 7))
    inpt = torch.tensor(x, dtype=torch.float32)
    np.testing.assert_allclose(layer.output(inpt), formula(x @ w + b), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(layer.output_dropout(inpt), layer.output(inpt), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("filter_shape", "image_shape", "poolsize"),
    [
        ((3, 2, 3, 2), (9, 2, 8, 7), (2, 3)),
        ((2, 1, 5, 5), (1, 1, 12, 12), (2, 2)),
        ((1, 3, 2, 2), (4, 3, 6, 6), (2, 2)),
    ],
)
@pytest.mark.parametrize(("activation", "formula"), ACTIVATIONS)
def test_convolution_and_pooling(filter_shape, image_shape, poolsize, activation, formula):
    np.random.seed(1)
    layer = ConvPoolLayer(filter_shape, image_shape, poolsize, activation)
    images = np.random.normal(size=(4, *image_shape[1:]))
    expected = conv_pool(images, *arrays(layer), poolsize, formula)
    for inpt in (images, images.reshape(4, -1)):  # of the layer before, and of the data
        got = layer.output(torch.tensor(inpt, dtype=torch.float32))
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)
    assert (layer.n_in, layer.n_out) == (images[0].size, expected[0].size)


def test_softmax_and_its_cost():
    random = np.random.default_rng(2)
    w, b, x = random.normal(size=(4, 3)), random.normal(size=3), random.normal(size=(5, 4))
    layer = SoftmaxLayer(4, 3, params=(w, b))
    y = np.array([0, 2, 1, 1, 0])
    expected = softmax(x @ w + b)
    inpt = torch.tensor(x, dtype=torch.float32)
    for got in (layer.output(inpt), layer.output_dropout(inpt)):
        np.testing.assert_allclose(got, expected, rtol=1e-5)
    cost = layer.cost(inpt, torch.tensor(y))
    assert float(cost) == pytest.approx(-np.mean(np.log(expected[np.arange(5), y])), rel=1e-5)
    far = SoftmaxLayer(1, 2, params=([[1000.0, 0.0]], [0.0, 0.0]))  # where exp and log on their own overflow
    assert float(far.cost(torch.ones(1, 1), torch.tensor([1]))) == pytest.approx(1000)


def test_dropout_in_training_and_its_scaling_in_use():
    n_in = 20_000
    layer = FullyConnectedLayer(n_in, 2, linear, 0.3, params=(np.ones((n_in, 2)), [3.0, 0.0]))
    inpt = torch.ones(1, n_in)
    # The biases are not scaled.
    np.testing.assert_allclose(layer.output(inpt), [[0.7 * n_in + 3, 0.7 * n_in]], rtol=1e-5)
    kept = layer.output_dropout(inpt, torch.Generator().manual_seed(0))[0, 1].item()
    assert kept == int(kept)  # those that stay are not scaled
    assert abs(kept - 0.7 * n_in) < 5 * np.sqrt(0.3 * 0.7 * n_in)


def test_dropout_before_softmax():
    layer = SoftmaxLayer(2, 2, 0.3, params=([[1.0, 0.0], [0.0, 2.0]], [0.5, 0.0]))
    inpt = torch.tensor([[1.0, 3.0]])
    expected = softmax(np.array([[0.7 * 1.0 + 0.5, 0.7 * 2.0 * 3.0]]))
    np.testing.assert_allclose(layer.output(inpt), expected, rtol=1e-5)
    masked = [softmax(np.array([[first + 0.5, 6.0 * second]])) for first in (0, 1) for second in (0, 1)]
    generator = torch.Generator().manual_seed(0)
    y = torch.tensor([1])
    found = set()
    for _ in range(50):
        got = layer.output_dropout(inpt, generator).numpy()
        found |= {i for i, a in enumerate(masked) if np.allclose(got, a, rtol=1e-5)}
        cost = float(layer.cost(inpt, y, generator))
        assert any(cost == pytest.approx(-np.log(a[0, 1]), rel=1e-4) for a in masked)
    assert found == {0, 1, 2, 3}


def test_masks_are_of_each_sample_its_own():
    masks = network3.dropout_layer(torch.full((50, 40), 2.0), 0.5, torch.Generator().manual_seed(0))
    assert set(masks.unique().tolist()) == {0.0, 2.0}
    assert len(masks.unique(dim=0)) == 50
    assert len(masks.unique(dim=1).T) == 40
    again = network3.dropout_layer(torch.full((50, 40), 2.0), 0.5, torch.Generator().manual_seed(0))
    assert masks.equal(again)


def test_initial_weights_are_the_books():
    np.random.seed(12)
    conv = ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(10, 1, 28, 28))
    full = FullyConnectedLayer(n_in=30, n_out=100)
    last = SoftmaxLayer(n_in=100, n_out=10)
    np.random.seed(12)  # as in the book's program
    n_out = 20 * np.prod((5, 5)) / np.prod((2, 2))
    expected = [
        np.random.normal(loc=0, scale=np.sqrt(1.0 / n_out), size=(20, 1, 5, 5)),
        np.random.normal(loc=0, scale=1.0, size=(20,)),
        np.random.normal(loc=0.0, scale=np.sqrt(1.0 / 100), size=(30, 100)),
        np.random.normal(loc=0.0, scale=1.0, size=(100,)),
        np.zeros((100, 10)),
        np.zeros((10,)),
    ]
    for param, array in zip(conv.params + full.params + last.params, expected, strict=True):
        np.testing.assert_array_equal(param.numpy(), array.astype(np.float32), strict=True)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: FullyConnectedLayer(0, 3), ValueError, "n_in is 0"),
        (lambda: FullyConnectedLayer(3, 2.5), TypeError, "n_out is 2.5"),
        (lambda: FullyConnectedLayer(3, 3, "ReLU"), TypeError, "activation_fn is 'ReLU'; it must be a function"),
        (lambda: SoftmaxLayer(3, 3, 1.0), ValueError, "p_dropout is 1.0"),
        (lambda: SoftmaxLayer(3, 2, params=(np.zeros((2, 3)), np.zeros(2))), ValueError, "params have the shapes"),
        (lambda: ConvPoolLayer((2, 1, 5), (1, 1, 9, 9)), ValueError, "filter_shape is .* a tuple of 4"),
        (lambda: ConvPoolLayer((2, 3, 5, 5), (1, 1, 9, 9)), ValueError, "3 input feature maps, but image_shape 1"),
        (lambda: ConvPoolLayer((2, 1, 5, 5), (1, 1, 5, 9)), ValueError, "leave nothing"),
        (lambda: Network([], 1), ValueError, "must be a SoftmaxLayer"),
        (lambda: Network([FullyConnectedLayer(2, 2)], 1), ValueError, "must be a SoftmaxLayer"),
        (lambda: Network([lambda x: x, SoftmaxLayer(2, 2)], 1), TypeError, "layers of this module"),
        (
            lambda: Network([FullyConnectedLayer(2, 3), SoftmaxLayer(2, 2)], 1),
            ValueError,
            "layer 0 has 3 outputs, but layer 1 2 inputs",
        ),
        (lambda: Network([SoftmaxLayer(2, 2)], 0), ValueError, "mini_batch_size is 0"),
        (lambda: Network([SoftmaxLayer(2, 2)], 1, device="tpu"), ValueError, "device is 'tpu'"),
    ],
)
def test_what_makes_no_network(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Training.


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


def test_a_worse_epoch_is_not_the_best(capsys):
    """The mini-batch drives the network from right to wrong in the second epoch."""
    net = Network([SoftmaxLayer(1, 2, params=([[0.0, 0.0]], [1.0, 0.0]))], 1, device="cpu")
    training = torch.zeros(1, 1), torch.tensor([1])
    validation = torch.zeros(1, 1), torch.tensor([0])
    net.SGD(training, 2, 1, 0.5, validation, None)
    assert (
        capsys.readouterr().out
        == (
            "Training mini-batch number 0\n"
            "Epoch 0: validation accuracy 100.00%\n"
            "This is the best validation accuracy to date.\n"
            "Epoch 1: validation accuracy 0.00%\n"
            "Finished training network.\n"
            "Best validation accuracy of 100.00% obtained at iteration 0\n"
        )
        or net.accuracy(validation) == 0
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


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epochs": 0}, ValueError, "epochs is 0"),
        ({"eta": -1}, ValueError, "eta is -1"),
        ({"lmbda": -1}, ValueError, "lmbda is -1"),
        ({"mini_batch_size": 25}, ValueError, "training_data has 24 samples; a mini-batch needs 25"),
        ({"training_data": some_data(n_in=35)}, ValueError, r"training_data: x and y have the shapes .*\(n, 36\)"),
        ({"validation_data": some_data(n_out=9)}, ValueError, "validation_data: its labels go from 0 to 8; .* 0 to 2"),
        ({"test_data": [(1, 2), (3, 4)]}, TypeError, "test_data: it must be a tuple"),
        ({"test_data": (torch.zeros(2, 36), torch.zeros(2))}, TypeError, "they must be float32 and int64"),
    ],
)
def test_what_cannot_be_trained_with(change, error, message, capsys):
    net = small_network()
    before = [param.clone() for param in net.params]
    arguments = {
        "training_data": some_data(),
        "epochs": 1,
        "mini_batch_size": 4,
        "eta": 0.1,
        "validation_data": some_data(),
        "test_data": some_data(),
    }
    with pytest.raises(error, match=message):
        net.SGD(**arguments | change)
    assert all(param.equal(expected) for param, expected in zip(net.params, before, strict=True))
    with pytest.raises(ValueError, match="there are no test data yet"):
        net.test_mb_predictions(0)


# The data.


def test_the_data_are_those_of_the_loader(mnist_tensors):
    for (x, y), (images, labels) in zip(mnist_tensors, mnist_loader.load_data(), strict=True):
        assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
        np.testing.assert_array_equal(x, images)
        np.testing.assert_array_equal(y, labels)
        assert network3.size((x, y)) == len(images)


def test_the_expanded_data(monkeypatch):
    """The book's five of each image, in an order that is the same each time, and that draws nothing."""
    random = np.random.default_rng(0)
    pairs = [(random.random((n, 16)).astype(np.float32), np.arange(n) % 10) for n in (30, 3, 2)]
    monkeypatch.setattr(mnist_loader, "load_data", lambda path=None: tuple(pairs))
    before = np.random.get_state()[1].copy()
    (x, y), validation, test = network3.load_data_shared(expanded=True, device="cpu")
    np.testing.assert_array_equal(np.random.get_state()[1], before)
    expanded = expand_mnist.expand(Dataset(*pairs[0]))
    together = [
        sorted(map(tuple, np.column_stack([inputs, labels]).tolist()))
        for inputs, labels in ((x.numpy(), y.numpy()), (expanded.inputs, expanded.targets))
    ]
    assert together[0] == together[1]
    assert not np.array_equal(y, expanded.targets)
    assert network3.size(validation) == 3
    assert network3.size(test) == 2
    again, _, _ = network3.load_data_shared(expanded=True, device="cpu")
    assert again[0].equal(x)


def test_a_missing_or_foreign_file_says_how_the_expanded_data_are_made(tmp_path):
    path = tmp_path / "mnist_expanded.pkl.gz"
    with pytest.raises(FileNotFoundError, match=r"mnist_expanded\.pkl\.gz'; .*expanded=True"):
        network3.load_data_shared(path)
    path.write_bytes(b"(lp0\n.")  # a list, as the book's file of expanded data has it
    with pytest.raises(DataError, match=r"mnist_expanded\.pkl\.gz: .*expanded=True"):
        network3.load_data_shared(path)


def test_data_of_ones_own():
    inputs = np.eye(4)[:3]
    for data in ((inputs, [1, 0, 2]), Dataset(inputs, [1, 0, 2]), Dataset(inputs, np.eye(3)[[1, 0, 2]])):
        x, y = network3.shared(data, device="cpu")
        np.testing.assert_array_equal(x, inputs)
        assert y.tolist() == [1, 0, 2]
    for wrong in ((inputs, [1, 0]), (inputs[0], [1]), (inputs, [0.5, 0, 1]), (inputs, [-1, 0, 1])):
        with pytest.raises(ValueError, match=r"they must be|must be labels"):
            network3.shared(wrong, device="cpu")


# Where, and with what.


def test_without_pytorch_it_says_what_to_install():
    code = "import sys; sys.modules['torch'] = None; import fastnet; from fastnet import network, network3"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent, timeout=60
    )
    assert result.stderr.endswith(
        "ImportError: fastnet.network3 needs PyTorch; pip install 'fastnet[torch]' installs it\n"
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
