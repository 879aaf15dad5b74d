"""Chapter 6's layers, written out in NumPy, and small networks of these layers."""

import numpy as np

from fastnet import network3
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer, linear, sigmoid, tanh

ENGINES = ("numba", "numpy", "torch")
CONVOLUTIONS = ENGINES  # engines that support convolutions and non-inverted dropout

# NumPy definitions of `network3`'s activation functions.
ACTIVATIONS = {
    linear: lambda z: z,
    ReLU: lambda z: np.maximum(0, z),
    sigmoid: lambda z: 1 / (1 + np.exp(-z)),
    tanh: np.tanh,
}


def softmax(z):
    exponentials = np.exp(z - z.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def conv_pool(images, w, b, poolsize, activation):
    """Convolve, pool and activate images of shape (n, maps, height, width), in loops over the pixels."""
    n, _, height, width = images.shape
    filters, _, rows, columns = w.shape
    convolved = np.zeros((n, filters, height - rows + 1, width - columns + 1))
    for y in range(convolved.shape[2]):
        for x in range(convolved.shape[3]):
            for i in range(rows):
                for j in range(columns):  # a convolution flips the filter
                    weights = w[:, :, rows - 1 - i, columns - 1 - j]
                    convolved[:, :, y, x] += images[:, :, y + i, x + j] @ weights.T
    down, right = (size // pool for size, pool in zip(convolved.shape[2:], poolsize, strict=True))
    pooled = np.zeros((n, filters, down, right))
    for y in range(down):
        for x in range(right):
            window = convolved[:, :, y * poolsize[0] : (y + 1) * poolsize[0], x * poolsize[1] : (x + 1) * poolsize[1]]
            pooled[:, :, y, x] = window.max(axis=(2, 3))
    return activation(pooled + b[:, np.newaxis, np.newaxis])


def outputs(x, layers, params=None):
    """Return a network's outputs in float64.

    If `params` is given, this flat list replaces the layers' weights and biases.
    """
    values = iter([param for layer in layers for param in layer.params] if params is None else params)
    a = np.asarray(x, float)
    for layer in layers:
        w, b = (np.asarray(next(values), float) for _ in "wb")
        if isinstance(layer, ConvPoolLayer):
            images = a.reshape(-1, *layer.image_shape[1:])
            a = conv_pool(images, w, b, layer.poolsize, ACTIVATIONS[layer.activation_fn]).reshape(len(a), -1)
        else:
            z = (1 - layer.p_dropout) * (a @ w) + b
            a = softmax(z) if isinstance(layer, SoftmaxLayer) else ACTIVATIONS[layer.activation_fn](z)
    return a


def some_data(n=24, n_in=36, n_out=3, seed=0):
    random = np.random.default_rng(seed)
    return network3.shared((random.random((n, n_in)), random.integers(0, n_out, n)))


def small_network(engine="numpy", p_dropout=0.0, mini_batch_size=4, seed=0):
    """Return a network for 6 x 6 images, with one layer of each kind that the engine supports."""
    np.random.seed(seed)
    convolution = ConvPoolLayer((2, 1, 3, 3), (mini_batch_size, 1, 6, 6), (2, 2), tanh)
    first = convolution if engine in CONVOLUTIONS else FullyConnectedLayer(36, 8, tanh)
    last = SoftmaxLayer(5, 3, p_dropout, params=(np.random.normal(size=(5, 3)), np.zeros(3)))
    return Network([first, FullyConnectedLayer(8, 5, sigmoid, p_dropout), last], mini_batch_size, engine=engine)


def bits(net):
    return b"".join(np.asarray(param).tobytes() for param in net.params)
