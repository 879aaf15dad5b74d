"""Networks become models of PyTorch, and models networks."""

import numpy as np
import pytest

from fastnet import network, network2

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from fastnet.torch_models import from_torch, to_torch  # noqa: E402

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
        (nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Linear(2, 1)), TypeError, "model has Conv2d, ReLU, Linear"),
        (nn.Sequential(nn.Linear(2, 2), nn.GELU(), nn.Linear(2, 1)), TypeError, "a GELU between layers"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU()), TypeError, "model ends with ReLU"),
        (nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(3, 2)), ValueError, "which do not fit"),
        (
            nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2)),
            ValueError,
            "model has ReLU, Tanh between its layers; they must be the same",
        ),
        (nn.Sequential(nn.Linear(2, 2, dtype=torch.float16)), ValueError, "dtype is"),
        (nn.Sequential(nn.Linear(2, 2), nn.Softmax(dim=0)), ValueError, "a Softmax over dimension 0"),
    ],
)
def test_what_is_no_network(model, error, message):
    with pytest.raises(error, match=message):
        from_torch(model)
