"""Chapter 6's layers, against NumPy and the book's formulas written out."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from network3_in_numpy import arrays, conv_pool, softmax  # noqa: E402 - not without PyTorch

from fastnet.network3 import (  # noqa: E402
    ConvPoolLayer,
    FullyConnectedLayer,
    ReLU,
    SoftmaxLayer,
    dropout_layer,
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
    masks = dropout_layer(torch.full((50, 40), 2.0), 0.5, torch.Generator().manual_seed(0))
    assert set(masks.unique().tolist()) == {0.0, 2.0}
    assert len(masks.unique(dim=0)) == 50
    assert len(masks.unique(dim=1).T) == 40
    again = dropout_layer(torch.full((50, 40), 2.0), 0.5, torch.Generator().manual_seed(0))
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
