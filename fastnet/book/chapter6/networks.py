"""The chapter's networks, as lists of layers. Each function returns new layers with newly drawn initial weights."""

from __future__ import annotations

from collections.abc import Sequence

from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, sigmoid
from fastnet.network3.activations import Activation
from fastnet.network3.layers import Layer

MINI_BATCH_SIZE = 10


def shallow() -> list[Layer]:
    """Return a network of 100 hidden neurons, without a convolution."""
    return [FullyConnectedLayer(n_in=784, n_out=100), SoftmaxLayer(n_in=100, n_out=10)]


def one_convolution() -> list[Layer]:
    """Return a network of 20 feature maps, pooled to 12 x 12 each, and 100 hidden neurons."""
    return [
        ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(MINI_BATCH_SIZE, 1, 28, 28)),
        FullyConnectedLayer(n_in=20 * 12 * 12, n_out=100),
        SoftmaxLayer(n_in=100, n_out=10),
    ]


def two_convolutions(
    activation_fn: Activation = sigmoid, hidden: Sequence[int] = (100,), p_dropout: float = 0.0
) -> list[Layer]:
    """Return a network of two convolutional-pooling layers, with 20 and 40 feature maps.

    Parameters
    ----------
    activation_fn : function, optional
        Activation function of all layers but the last.
    hidden : sequence of int, optional
        Number of neurons in each fully connected hidden layer.
    p_dropout : float, optional
        Probability with which an input of a fully connected layer or of the softmax layer is dropped in training.
    """
    layers: list[Layer] = [
        ConvPoolLayer((20, 1, 5, 5), (MINI_BATCH_SIZE, 1, 28, 28), activation_fn=activation_fn),
        ConvPoolLayer((40, 20, 5, 5), (MINI_BATCH_SIZE, 20, 12, 12), activation_fn=activation_fn),
    ]
    n_in = 40 * 4 * 4
    for n_out in hidden:
        layers.append(FullyConnectedLayer(n_in, n_out, activation_fn, p_dropout))
        n_in = n_out
    return [*layers, SoftmaxLayer(n_in, 10, p_dropout)]
