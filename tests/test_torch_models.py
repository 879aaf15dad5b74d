"""Conversion of networks to PyTorch models, and of models to networks."""

import numpy as np
import pytest

from fastnet import BatchNormalization, Convolution, Dataset, Dense, Dropout, MaxPooling, network, network2, network3
from fastnet.formulas.activations import CustomActivation

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fastnet.torch_models import Exponential, from_torch, to_torch  # noqa: E402

COSTS = (network2.CrossEntropyCost, network2.QuadraticCost, network2.LogLikelihoodCost)


@pytest.mark.parametrize("sizes", [[5, 3], [5, 7, 4, 3]])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
@pytest.mark.parametrize("cost", COSTS)
def test_there_and_back_nothing_is_lost(sizes, dtype, activation, cost):
    net = network2.Network(sizes, cost, activation=activation, engine="numpy", dtype=dtype, seed=1)
    model = to_torch(net)
    again = from_torch(model, engine="numpy")
    assert (again.sizes, again.dtype) == (sizes, net.dtype)
    for array, expected in zip(again.weights + again.biases, net.weights + net.biases, strict=True):
        np.testing.assert_array_equal(array, expected, strict=True)
    x = np.random.default_rng(0).standard_normal((5, 6)).astype(dtype)
    expected = net.feedforward(x)
    with torch.no_grad():
        given = model(torch.tensor(x.T)).numpy()
    np.testing.assert_allclose(given.T, expected, rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)
    np.testing.assert_array_equal(again.feedforward(x), expected)


@pytest.mark.parametrize("engine", ["numba", "numpy", "torch", "reference"])
def test_every_engine_gives_what_the_model_gives(engine):
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 9), nn.Tanh(), nn.Dropout(0.5), nn.Linear(9, 4)).eval()
    net = from_torch(model, engine=engine)
    assert net.cost is network2.LogLikelihoodCost
    images = torch.rand(7, 3, 4)
    with torch.no_grad():
        expected = model(images).softmax(dim=1).numpy()
    np.testing.assert_allclose(net.feedforward(images.reshape(7, 12).numpy().T).T, expected, rtol=0, atol=1e-6)


MIXED = [
    5,
    Dropout(0.5),
    Dense(7, "linear"),
    BatchNormalization("relu", momentum=0.25, epsilon=1e-3),
    Dense(4, "leaky_relu"),
    Dense(3, "tanh"),
    Dense(2, "linear"),
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_there_and_back(dtype):
    net = network2.Network(MIXED, network2.QuadraticCost, engine="numpy", dtype=dtype, seed=1)
    random = np.random.default_rng(0)
    net.SGD(Dataset(random.random((12, 5)), random.random((12, 2))), 2, 4, 0.1, report=lambda history: None)
    model = to_torch(net)
    assert [type(layer).__name__ for layer in model] == [
        "Dropout", "Linear", "BatchNorm1d", "ReLU", "Linear", "LeakyReLU", "Linear", "Tanh", "Linear"
    ]  # fmt: skip
    x = random.standard_normal((5, 6)).astype(dtype)
    with torch.no_grad():
        given = model(torch.tensor(x.T)).numpy().T
    np.testing.assert_allclose(given, net.feedforward(x), rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)
    again = from_torch(model, cost=network2.QuadraticCost, engine="numpy")
    assert again.layers == net.layers[1:]  # `from_torch` omits Dropout
    np.testing.assert_array_equal(again.feedforward(x), net.feedforward(x))
    assert from_torch(model, engine="numpy").layers[-1].activation == "softmax"


CONVOLUTIONAL = [
    (2, 9, 8),
    Dropout(0.5),
    Convolution(3, (3, 2), "relu"),
    MaxPooling((2, 3)),
    Convolution(4, 3, "linear", "same"),
    BatchNormalization("gelu"),
    Dropout(0.25),
    Dense(6, "tanh"),
    3,
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_images_there_and_back(dtype):
    net = network2.Network(CONVOLUTIONAL, network2.LogLikelihoodCost, engine="numpy", dtype=dtype, seed=1)
    random = np.random.default_rng(0)
    data = Dataset(random.random((12, 144)), np.eye(3)[random.integers(0, 3, 12)])
    net.SGD(data, 2, 4, 0.1, report=lambda history: None)
    model = to_torch(net)
    assert [type(layer).__name__ for layer in model] == [
        "Unflatten", "Dropout", "Conv2d", "ReLU", "MaxPool2d", "Conv2d", "BatchNorm2d", "GELU", "Dropout", "Flatten",
        "Linear", "Tanh", "Linear", "Softmax",
    ]  # fmt: skip
    x = random.standard_normal((144, 5)).astype(dtype)
    with torch.no_grad():
        given = model(torch.tensor(x.T)).numpy().T
    np.testing.assert_allclose(given, net.feedforward(x), rtol=0, atol=1e-6 if dtype == "float32" else 1e-14)
    again = from_torch(model, engine="numpy")
    assert again.layers == tuple(layer for layer in net.layers if not isinstance(layer, Dropout))
    np.testing.assert_array_equal(again.feedforward(x), net.feedforward(x))
    images = from_torch(model[1:], engine="numpy", input_shape=(2, 9, 8))
    assert repr(images) == repr(again)


def test_an_activation_behind_the_pooling_is_that_of_the_convolution():
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3)
    ).double()  # fmt: skip
    net = from_torch(model, engine="numpy", input_shape=(1, 4, 4))
    assert net.layers[:2] == (Convolution(2, 3, "relu", "same"), MaxPooling(2))
    x = torch.rand(5, 1, 4, 4, dtype=torch.float64)
    with torch.no_grad():
        expected = model(x).softmax(dim=1).numpy()
    np.testing.assert_allclose(net.feedforward(x.reshape(5, 16).numpy().T).T, expected, rtol=0, atol=1e-14)


def test_dimension_minus_1_of_rows_is_dimension_1():
    model = nn.Sequential(nn.Unflatten(-1, [1, 2, 3]), nn.Flatten(), nn.Linear(6, 2), nn.Softmax(dim=-1))
    net = from_torch(model, engine="numpy", input_shape=[1, 2, 3])
    assert (net.input_shape, net.layers) == ((1, 2, 3), (Dense(2, "softmax"),))


class Backwards(nn.Sequential):
    def forward(self, x):
        return super().forward(x).flip(1)


BEHIND = (nn.Flatten(), nn.Linear(8, 2))


@pytest.mark.parametrize(
    ("modules", "error", "message"),
    [
        ((nn.Conv2d(1, 2, 3, stride=2), *BEHIND), ValueError, "it must have stride=1"),
        ((nn.Conv2d(1, 2, 3, padding=2), *BEHIND), ValueError, "it must have stride=1"),
        ((nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect"), *BEHIND), ValueError, "padding_mode='zeros'"),
        ((nn.Conv2d(2, 2, 3, groups=2), *BEHIND), ValueError, "groups=1"),
        ((nn.MaxPool2d(3, 2), *BEHIND), ValueError, "a stride equal to kernel_size"),
        ((nn.MaxPool2d(2, ceil_mode=True), *BEHIND), ValueError, "ceil_mode=False and return_indices=False"),
        ((nn.Conv2d(1, 2, 3), nn.Linear(2, 2)), ValueError, "which do not fit"),
        ((nn.Conv2d(1, 2, 3), nn.Linear(8, 2)), ValueError, r"after images; put a Flatten\(\) in between"),
        ((nn.Flatten(), nn.Conv2d(1, 2, 3), *BEHIND), ValueError, "after flat inputs; its inputs must be images"),
        ((nn.Conv2d(1, 2, 3), nn.MaxPool2d(1), nn.GELU(), *BEHIND), TypeError, "a GELU after a MaxPool2d"),
        ((nn.Conv2d(1, 2, 5), *BEHIND), ValueError, "is larger than its inputs, images of 4 x 4"),
        ((nn.Conv2d(1, 2, 3), nn.Softplus(), *BEHIND), TypeError, "the module between two layers is Softplus"),
        ((nn.Conv2d(1, 2, 3), nn.Flatten(2), nn.Linear(4, 2)), ValueError, r"Flatten\(start_dim=2, .*; it must be"),
        ((nn.Flatten(0), nn.Linear(16, 2)), ValueError, r"Flatten\(start_dim=0, .*; it must be Flatten\(start_dim=1"),
        ((nn.Unflatten(0, (1, 4, 4)), *BEHIND), ValueError, r"Unflatten\(dim=0, .*; it must be Unflatten\(dim=1"),
        ((nn.Unflatten(1, (4, 4)), *BEHIND), ValueError, r"unflattened_size is \(4, 4\); it must be \(maps, hei"),
        ((nn.Unflatten(1, (1, 2, 8)), *BEHIND), ValueError, r"input_shape is \(1, 4, 4\); it must be \(1, 2, 8\)"),
    ],
)
def test_what_is_no_network_of_images(modules, error, message):
    with pytest.raises(error, match=message):
        from_torch(nn.Sequential(*modules), input_shape=(1, 4, 4))


def test_what_pytorch_does_not_have():
    for layer, message in (
        (Dropout(0.5, inverted=False), r"only inverted dropout: use Dropout\(0.5\) instead"),
        (Dense(3, CustomActivation(torch.sigmoid)), "PyTorch has no module for a custom activation"),
    ):
        with pytest.raises(ValueError, match=message):
            to_torch(network2.Network([4, layer, 2], engine="torch", seed=0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda net: net.weights.__setitem__(0, net.weights[0].T), r"weights have the shapes \(3, 2\), \(4, 2\)"),
        (lambda net: net.biases.__setitem__(1, np.full((4, 1), np.nan)), r"biases\[1\] contains NaN"),
        (lambda net: net.weights.pop(), r"weights have the shapes \(2, 3\); they must be"),
    ],
)
def test_assigned_parameters_that_do_not_fit_are_not_converted(change, message):
    net = network2.Network([3, 2, 4], engine="numpy", seed=0)
    change(net)
    with pytest.raises(ValueError, match=message):
        to_torch(net)


@pytest.mark.parametrize("net", [5, network3.Network([network3.SoftmaxLayer(4, 2)], 10, engine="numpy")])
def test_what_to_torch_does_not_take(net):
    with pytest.raises(TypeError, match=r"net is .*; it must be a network\.Network or a network2\.Network"):
        to_torch(net)


def test_a_cost_that_does_not_go_with_the_outputs():
    model = nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1))
    with pytest.raises(ValueError, match="activation of the last layer is 'softmax'; with QuadraticCost"):
        from_torch(model, cost=network2.QuadraticCost)


def test_other_ways_to_describe_the_same_model():
    class Lazy(nn.Dropout):
        pass

    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sigmoid(), nn.Flatten(-3, 3), Lazy(), nn.Linear(8, 2))
    assert from_torch(model, input_shape=np.array([1, 4, 4])).sizes[0] == 16
    assert from_torch(nn.Sequential(nn.Linear(16, 2)), input_shape=(16,)).sizes == [16, 2]


@pytest.mark.parametrize("input_shape", [16, "abc", (1, 4), (1, "4", 4), (1, 4, 0)])
def test_a_shape_of_images_that_is_none(input_shape):
    with pytest.raises((TypeError, ValueError), match=r"^(a number in )?input_shape is "):
        from_torch(nn.Sequential(nn.Conv2d(1, 2, 3), *BEHIND), input_shape=input_shape)


def test_a_model_with_numbers_that_are_not_finite():
    model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    model[1].running_mean[0] = torch.inf
    with pytest.raises(ValueError, match=r"model: parameters\[1\]\[2\] contains an infinite number"):
        from_torch(model)


@pytest.mark.parametrize("cost", ["log-likelihood", network2.LogLikelihoodCost, network2.LogLikelihoodCost()])
def test_a_cost_in_every_form(cost):
    assert from_torch(nn.Sequential(nn.Linear(2, 3)), cost=cost).layers == (Dense(3, "softmax"),)


def test_chapter_one_and_a_layer_without_biases():
    net = network.Network([4, 3, 2], engine="numpy", seed=0)
    assert [type(layer) for layer in to_torch(net)] == [nn.Linear, nn.Sigmoid, nn.Linear, nn.Sigmoid]
    np.testing.assert_array_equal(from_torch(nn.Sequential(nn.Linear(3, 2, bias=False))).biases[0], np.zeros((2, 1)))


def test_they_share_no_memory():
    net = network2.Network([4, 3, 2], seed=0)
    model = to_torch(net)
    again = from_torch(model)
    before = net.weights[0].copy()
    with torch.no_grad():
        model[0].weight.fill_(7)
    np.testing.assert_array_equal(net.weights[0], before)
    np.testing.assert_array_equal(again.weights[0], before)


@pytest.mark.parametrize(
    ("model", "error", "message"),
    [
        (nn.Linear(2, 1), TypeError, "model is a Linear; it must be a torch.nn.Sequential"),
        (nn.Sequential(), TypeError, "model has no layers"),
        (
            nn.Sequential(nn.ConvTranspose2d(1, 2, 3), nn.Linear(2, 1)),
            TypeError,
            "model has ConvTranspose2d, Linear; it",
        ),
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2, 1)), ValueError, "input_shape is missing; model"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.SELU(), nn.Linear(2, 1)),
            TypeError,
            "the module between two layers is SELU",
        ),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), TypeError, "model ends with ReLU"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 2)), ValueError, "which do not fit"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(3), nn.Linear(3, 2)), ValueError, "which do not fit"),
        (nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 2)), ValueError, "BatchNormalization comes before"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)), TypeError, "model ends with BatchNorm1d"),
        (nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2, momentum=None), nn.Linear(2, 2)), ValueError, "a momentum"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.LeakyReLU(0.2), nn.Linear(2, 2)),
            ValueError,
            r"LeakyReLU\(negative_slope=0.2\)",
        ),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Tanh(), nn.Linear(2, 2)), TypeError, "after another activation"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=1), nn.Linear(2, 2)), TypeError, "is Softmax; it must .*GELU"),
        (nn.Sequential(nn.Linear(2, 2), Exponential(), nn.Linear(2, 2)), TypeError, "is Exponential; it .*GELU"),
        (nn.Sequential(nn.Linear(2, 2, dtype=torch.bfloat16)), ValueError, "parameters of the type bfloat16; all must"),
        (nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).double()), ValueError, "type float32 and float64; all must"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), ValueError, r"Softmax\(dim=0\); it must be Softmax\(dim=1"),
        (Backwards(nn.Linear(2, 2)), TypeError, "model is a Backwards; it must be .* that does not override forward"),
    ],
)
def test_what_is_no_network(model, error, message):
    with pytest.raises(error, match=message):
        from_torch(model)
