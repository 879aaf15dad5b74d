"""Convolutional networks: the book's `network3.py` (chapter 6), on fastnet's engines instead of Theano.

The names and semantics are the book's. A network has fully connected layers, layers of convolution and max pooling,
and a softmax layer. The network is trained by plain stochastic gradient descent, with dropout and L2 regularization.
Data and parameters are NumPy arrays instead of Theano's shared variables. Among the additions to the book's program are
the arguments `engine`, `device`, `seed`, `report` and `expanded`, checkpoints, `save` and `load`.

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

NumPy's global generator draws all random numbers, so `np.random.seed` makes a run repeatable. A layer draws its initial
weights when it is created; for a given seed, the weights are those of the book's program. In each call of `SGD`, a
network with dropout draws one more integer: the seed of the dropout masks. The order of the expanded data is always the
same, and does not depend on the global generator.

`Network(layers, mini_batch_size, seed=1)` has its own generator, from which its layers draw their initial weights
again. The weights are equal to those that the layers draw after `np.random.seed(1)`.
"""

from fastnet.files.reading import DataError
from fastnet.network3.activations import ReLU, linear, sigmoid, tanh
from fastnet.network3.data import load_data_shared, shared, size
from fastnet.network3.layers import ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer
from fastnet.network3.network import Network, load

__all__ = [
    "ConvPoolLayer",
    "DataError",
    "FullyConnectedLayer",
    "Network",
    "ReLU",
    "SoftmaxLayer",
    "linear",
    "load",
    "load_data_shared",
    "shared",
    "sigmoid",
    "size",
    "tanh",
]
