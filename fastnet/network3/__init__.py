"""Convolutional networks: the book's `network3.py` (chapter 6), on PyTorch instead of Theano.

It has the book's names and their meaning: fully connected layers, layers of convolution and max pooling, a softmax
layer, dropout and L2 regularization, trained by plain stochastic gradient descent. What Theano compiled beforehand is
computed when it is asked for: `layer.output` and `layer.output_dropout` are functions of the layer's input here. New
are `device=`, the expanded training data, and networks on the disk.

>>> from fastnet import network3
>>> from fastnet.network3 import ConvPoolLayer, FullyConnectedLayer, Network, ReLU, SoftmaxLayer
>>> training_data, validation_data, test_data = network3.load_data_shared()  # doctest: +SKIP
>>> net = Network(
...     [
...         ConvPoolLayer(filter_shape=(20, 1, 5, 5), image_shape=(10, 1, 28, 28), activation_fn=ReLU),
...         FullyConnectedLayer(n_in=20 * 12 * 12, n_out=100, activation_fn=ReLU, p_dropout=0.5),
...         SoftmaxLayer(n_in=100, n_out=10),
...     ],
...     mini_batch_size=10,
... )
>>> net.SGD(training_data, 60, 10, 0.03, validation_data, test_data, lmbda=0.1)  # doctest: +SKIP

What is random comes from NumPy's global generator, so that `np.random.seed` makes it repeatable. Layers draw their
initial weights from it when they are made, the numbers that the book's program draws. A network that has dropout draws
one integer more in each `SGD`, which seeds the masks on the network's device. On a CPU the same seed gives the same
network, bit for bit, with as many threads; on a GPU the same initial weights and masks, but PyTorch does not promise in
which order it adds there. The expanded data are shuffled the same way each time, and draw nothing.
"""

from importlib.util import find_spec

if find_spec("torch") is None:
    raise ImportError("fastnet.network3 needs PyTorch; pip install 'fastnet-nndl[torch]' installs it")

from fastnet.files.reading import DataError
from fastnet.network3.activations import ReLU, linear, sigmoid, tanh
from fastnet.network3.data import load_data_shared, shared, size
from fastnet.network3.layers import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer, dropout_layer
from fastnet.network3.network import Network, load

__all__ = [
    "ConvPoolLayer",
    "DataError",
    "FullyConnectedLayer",
    "Network",
    "ReLU",
    "SoftmaxLayer",
    "dropout_layer",
    "linear",
    "load",
    "load_data_shared",
    "shared",
    "sigmoid",
    "size",
    "tanh",
]
