"""Compares chapter 6's layers with the book's formulas, computed in NumPy."""

import numpy as np
import pytest
from network3_in_numpy import ACTIVATIONS, outputs

from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, SoftmaxLayer, linear, sigmoid


def with_outputs(layer, random, engine):
    """Return a network of `layer` and a softmax layer. The outputs depend on every activation of `layer`."""
    last = SoftmaxLayer(layer.n_out, 3, params=(random.normal(size=(layer.n_out, 3)), random.normal(size=3)))
    return Network([layer, last], 1, engine=engine)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_fully_connected_layer(activation, engine):
    np.random.seed(0)
    random = np.random.default_rng(0)
    net = with_outputs(FullyConnectedLayer(n_in=7, n_out=4, activation_fn=activation), random, engine)
    x = random.normal(size=(5, 7))
    np.testing.assert_allclose(net.output(x), outputs(x, net.layers), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("filter_shape", "image_shape", "poolsize"),
    [
        ((3, 2, 3, 2), (9, 2, 8, 7), (2, 3)),
        ((2, 1, 5, 5), (1, 1, 12, 12), (2, 2)),
        ((1, 3, 2, 2), (4, 3, 6, 6), (2, 2)),
    ],
)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_convolution_and_pooling(filter_shape, image_shape, poolsize, activation, of_images):
    np.random.seed(1)
    random = np.random.default_rng(1)
    net = with_outputs(ConvPoolLayer(filter_shape, image_shape, poolsize, activation), random, of_images)
    x = random.normal(size=(4, net.layers[0].n_in))
    np.testing.assert_allclose(net.output(x), outputs(x, net.layers), rtol=1e-3, atol=1e-5)


def test_two_convolutions(of_images):
    np.random.seed(2)
    random = np.random.default_rng(2)
    second = ConvPoolLayer((3, 2, 2, 3), (1, 2, 4, 5), (1, 2), sigmoid)
    net = with_outputs(second, random, of_images)
    net = Network([ConvPoolLayer((2, 1, 3, 2), (1, 1, 10, 11), (2, 2)), *net.layers], 1, engine=of_images)
    x = random.normal(size=(4, 110))
    np.testing.assert_allclose(net.output(x), outputs(x, net.layers), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("p_dropout", [0.3, 0.5])
def test_dropout_scales_when_a_network_is_used(p_dropout, of_images):
    np.random.seed(0)
    random = np.random.default_rng(0)
    params = random.normal(size=(4, 3)), random.normal(size=3)
    net = Network([FullyConnectedLayer(6, 4, sigmoid, 0.25), SoftmaxLayer(4, 3, p_dropout, params=params)], 1,
                  engine=of_images)  # fmt: skip
    x = random.normal(size=(5, 6))
    np.testing.assert_allclose(net.output(x), outputs(x, net.layers), rtol=1e-4, atol=1e-6)
    without = Network(
        [FullyConnectedLayer(6, 4, params=net.layers[0].params), SoftmaxLayer(4, 3, params=params)], 1, engine=of_images
    )
    assert not np.allclose(net.output(x), without.output(x), rtol=1e-2)


def test_dropout_in_training_does_not_scale(of_images, capsys):
    """With weights of 0, a step is -eta (a - y) x, where x is 0 for dropped inputs and 1 for kept inputs."""
    np.random.seed(3)
    n_in = 2000
    net = Network([SoftmaxLayer(n_in, 2, 0.3)], 1, engine=of_images)
    data = np.ones((1, n_in)), [1]
    net.SGD(data, 1, 1, 0.5, data, None)
    step = net.layers[0].w[:, 1]
    assert set(step.tolist()) == {0.0, 0.25}
    kept = np.count_nonzero(step)
    assert abs(kept - 0.7 * n_in) < 5 * np.sqrt(0.3 * 0.7 * n_in)
    np.testing.assert_allclose(net.layers[0].b, [-0.25, 0.25])


def test_each_sample_has_a_mask_of_its_own(engine, capsys):
    """Each of the 40 samples in a mini-batch has one nonzero input. Some of these inputs are dropped, others kept."""
    np.random.seed(0)
    net = Network([FullyConnectedLayer(40, 2, linear, 0.5, params=(np.zeros((40, 2)), [1.0, -1.0])),
                   SoftmaxLayer(2, 2, params=(np.eye(2), [0.0, 0.0]))], 40, engine=engine)  # fmt: skip
    data = np.eye(40), np.zeros(40, int)
    net.SGD(data, 1, 40, 0.5, data, None)
    assert 8 <= np.count_nonzero(net.layers[0].w[:, 0]) <= 32


def test_a_custom_activation(pytorch, capsys):
    """The activation is applied after pooling. The order matters, because cos is not an increasing function."""
    torch = pytest.importorskip("torch")
    np.random.seed(0)
    random = np.random.default_rng(0)
    net = with_outputs(ConvPoolLayer((2, 1, 3, 3), (1, 1, 6, 6), (2, 2), torch.cos), random, pytorch)
    x = random.normal(size=(6, 36))
    ACTIVATIONS[torch.cos] = np.cos
    try:
        np.testing.assert_allclose(net.output(x), outputs(x, net.layers), rtol=1e-3, atol=1e-5)
    finally:
        del ACTIVATIONS[torch.cos]
    data, before = (x, [0, 1, 2] * 2), net.layers[0].w.copy()
    net.SGD(data, 1, 2, 0.1, data, None)
    assert not np.array_equal(net.layers[0].w, before)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_functions_take_arrays_and_tensors(activation):
    z = np.array([[-1.5, 0.0, 2.0]], np.float32)
    found = activation(z)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, ACTIVATIONS[activation](z.astype(float)), rtol=1e-6)
    torch = pytest.importorskip("torch")
    tensor = torch.tensor(z, requires_grad=True)
    np.testing.assert_allclose(activation(tensor).detach(), found, rtol=1e-6)
    assert activation(tensor).requires_grad


def test_initial_weights_are_the_books():
    np.random.seed(12)
    conv = ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(10, 1, 28, 28))
    full = FullyConnectedLayer(n_in=30, n_out=100)
    last = SoftmaxLayer(n_in=100, n_out=10)
    after = np.random.get_state()[2]
    np.random.seed(12)  # the lines below draw the weights as the book's program does
    n_out = 20 * np.prod((5, 5)) / np.prod((2, 2))
    expected = [
        np.random.normal(loc=0, scale=np.sqrt(1.0 / n_out), size=(20, 1, 5, 5)),
        np.random.normal(loc=0, scale=1.0, size=(20,)),
        np.random.normal(loc=0.0, scale=np.sqrt(1.0 / 100), size=(30, 100)),
        np.random.normal(loc=0.0, scale=1.0, size=(100,)),
        np.zeros((100, 10)),
        np.zeros((10,)),
    ]
    assert after == np.random.get_state()[2]
    for param, array in zip(conv.params + full.params + last.params, expected, strict=True):
        np.testing.assert_array_equal(param, array.astype(np.float32), strict=True)
