"""The programs of *Neural Networks and Deep Learning*, with the book's API, at the speed of the hardware.

>>> from fastnet import mnist_loader, network
>>> training_data, validation_data, test_data = mnist_loader.load_data_wrapper()
>>> net = network.Network([784, 30, 10])
>>> net.SGD(training_data, 30, 10, 3.0, test_data=test_data)  # doctest: +SKIP

`mnist_loader`, `network` (chapter 1), `network2` and `expand_mnist` (chapter 3) are the book's modules. `Dataset` is
what the loader returns and what a network trains on fastest.
"""

from fastnet import expand_mnist, mnist_loader, network, network2
from fastnet.datasets.dataset import Dataset

__version__ = "0.1.0"
__all__ = ["Dataset", "expand_mnist", "mnist_loader", "network", "network2"]
