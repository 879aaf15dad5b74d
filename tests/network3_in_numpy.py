"""What the layers of chapter 6 compute, number by number, and a small network of one of each kind."""

import numpy as np
import torch

from fastnet import network3
from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, SoftmaxLayer, sigmoid, tanh


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
