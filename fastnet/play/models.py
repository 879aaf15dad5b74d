"""Reads the network file with which `fastnet play` is started."""

from __future__ import annotations

from pathlib import Path

from fastnet import network2, network3
from fastnet.handwriting import prediction
from fastnet.networks.learner import for_layers_of
from fastnet.play import settings
from fastnet.utils import arguments


def read(path: Path) -> network2.Network:
    """Return the network in a file that `network2` or `network3` has saved.

    Raises
    ------
    OSError
        If the file cannot be opened.
    ValueError
        If the file does not hold a network for MNIST's digits that the page can show.
    """
    with path.open("rb") as file:
        is_of_layers = file.read(9)[8:] == b"{"  # a file of `network3` begins with the length of its header, in 8 bytes
    net = _of_layers(network3.load(path)) if is_of_layers else network2.load(path)
    with arguments.named(str(path)):
        prediction.check(net)
        settings.of_network(net)  # raises an exception if the page cannot show the network
    return net


def _of_layers(net: network3.Network) -> network2.Network:
    """Return a network of `network2` with the same layers and parameters as a network of `network3`."""
    architecture = net._architecture()
    shape = architecture.input_shape
    sizes = [shape if len(shape) > 1 else shape[0], *architecture.layers]
    found = network2.Network(sizes, network2.LogLikelihoodCost, seed=0)
    found.parameters = for_layers_of(found._architecture(), net.parameters)
    return found
