"""Inspection of a network: the activations of every layer, and the gradient of an output with respect to the inputs.

The engine `numpy` computes the activations and the gradient, whatever the engine of the network is, because the results
of all engines differ only by rounding.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from fastnet.engines import numpy as numpy_engine
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.networks.learner import for_layers_of
from fastnet.utils import arguments


class Inspected(Protocol):
    """The methods of a network that inspection calls."""

    def _architecture(self) -> Architecture:
        """Return the layers and the cost."""

    def _checked_parameters(self) -> Parameters:
        """Check the parameters, which the user may have assigned, and return them."""


def activations(net: Inspected, rows: np.ndarray) -> list[np.ndarray]:
    """Return the inputs, then the activations of each layer; see `engines.numpy.Engine.activations`."""
    return _engine(net).activations(rows)


def input_gradient(net: Inspected, rows: np.ndarray, output: Any) -> np.ndarray:
    """For each sample, return the derivative of an output activation with respect to the inputs, shape (n, n_in).

    Parameters
    ----------
    net : Network
        Network to inspect.
    rows : ndarray, shape (n, n_in)
        One sample per row.
    output : int or None
        Index of the output neuron, numbered from 0; None for each sample's neuron with the largest activation.

    Raises
    ------
    TypeError, ValueError
        If `output` is not the index of an output neuron.
    """
    engine = _engine(net)
    n_out = engine.architecture.n_out
    if output is None:
        neurons = engine.outputs(rows).argmax(axis=1)
    else:
        chosen = arguments.natural(output, "output")
        if chosen >= n_out:
            raise ValueError(f"output is {chosen}; with {n_out} output neurons, it must be at most {n_out - 1}")
        neurons = np.full(len(rows), chosen)
    return engine.input_gradients(rows, neurons)


def _engine(net: Inspected) -> numpy_engine.Engine:
    architecture = net._architecture()
    return numpy_engine.Engine(architecture, for_layers_of(architecture, net._checked_parameters()))
