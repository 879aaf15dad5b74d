"""Networks as PyTorch's models, and back: `to_torch` and `from_torch`."""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    import torch
    from torch import nn
except ImportError as error:
    raise ImportError("fastnet.torch_models needs PyTorch; pip install 'fastnet[torch]' installs it") from error

from fastnet import network2
from fastnet.formulas.costs import CrossEntropyCost, LogLikelihoodCost
from fastnet.networks.base import BaseNetwork

__all__ = ["from_torch", "to_torch"]

_ACTIVATIONS: dict[str, type[nn.Module]] = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU}
_OUTPUTS: dict[type[nn.Module], type[Any]] = {nn.Sigmoid: CrossEntropyCost, nn.Softmax: LogLikelihoodCost}
_PASSED_OVER = (nn.Flatten, nn.Dropout, nn.Identity)  # which do nothing to what a trained network gives for a vector


def to_torch(net: BaseNetwork) -> nn.Sequential:
    """Return a network as a model of PyTorch, with copies of its parameters.

    Parameters
    ----------
    net : network.Network or network2.Network
        Of any engine.

    Returns
    -------
    torch.nn.Sequential
        `Linear` layers and activations, the outputs' too, on the CPU, in the network's precision. What
        `net.feedforward` takes and gives as columns, it takes and gives as rows.

    Examples
    --------
    >>> from fastnet import network2
    >>> to_torch(network2.Network([784, 30, 10], network2.LogLikelihoodCost, activation="relu"))
    Sequential(
      (0): Linear(in_features=784, out_features=30, bias=True)
      (1): ReLU()
      (2): Linear(in_features=30, out_features=10, bias=True)
      (3): Softmax(dim=1)
    )
    """
    layers: list[nn.Module] = []
    for w, b in zip(net.weights, net.biases, strict=True):
        linear = nn.Linear(w.shape[1], w.shape[0], dtype=getattr(torch, net.dtype.name))
        with torch.no_grad():
            linear.weight.copy_(torch.tensor(w))
            linear.bias.copy_(torch.tensor(b[:, 0]))
        layers += [linear, _ACTIVATIONS[net.activation]()]
    layers[-1] = nn.Softmax(dim=1) if getattr(net, "cost", None) is LogLikelihoodCost else nn.Sigmoid()
    return nn.Sequential(*layers)


def from_torch(model: nn.Sequential, *, engine: str = "numba") -> network2.Network:
    """Return a model of PyTorch as a network, with copies of its parameters.

    Parameters
    ----------
    model : torch.nn.Sequential
        `Linear` layers with `Sigmoid`, `Tanh` or `ReLU` between them, the same everywhere. Last may be `Sigmoid`, which
        makes a network with `CrossEntropyCost`; with `Softmax`, or nothing, as for `torch.nn.CrossEntropyLoss`, its
        cost is `LogLikelihoodCost`. `Flatten`, `Dropout` and `Identity` are passed over.
    engine : str, optional
        As for `network2.Network`. The precision is the model's.

    Raises
    ------
    TypeError
        If it is another model, or has other layers.
    ValueError
        If a layer does not fit the next, the hidden activations differ, or the softmax is not over the outputs.
    """
    if not isinstance(model, nn.Sequential):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Sequential")
    layers = [layer for layer in model if not isinstance(layer, _PASSED_OVER)]
    linear, between, last = layers[::2], layers[1::2], None
    if layers and len(layers) % 2 == 0:
        last = between.pop()
    if not linear or not all(isinstance(layer, nn.Linear) for layer in linear):
        raise TypeError(f"model has {_names(layers)}; it must be Linear layers with activations between them")
    if isinstance(last, nn.Softmax) and last.dim not in (1, -1):
        raise ValueError(f"model ends with a Softmax over dimension {last.dim}; it must be 1, that of the outputs")
    if last is not None and type(last) not in _OUTPUTS:
        raise TypeError(f"model ends with {type(last).__name__}; it may end with Linear, Sigmoid or Softmax")
    weights = [_array(layer.weight) for layer in linear]
    biases = [_zeros(layer) if layer.bias is None else _array(layer.bias)[:, np.newaxis] for layer in linear]
    sizes = [weights[0].shape[1], *(len(w) for w in weights)]
    if any(w.shape[1] != size for w, size in zip(weights, sizes[:-1], strict=True)):
        raise ValueError(f"model has Linear layers of the shapes {[w.shape for w in weights]}, which do not fit")
    cost = LogLikelihoodCost if last is None else _OUTPUTS[type(last)]
    net = network2.Network(sizes, cost, activation=_activation(between), engine=engine, dtype=weights[0].dtype)
    net.weights, net.biases = weights, biases
    return net


def _activation(between: list[nn.Module]) -> str:
    """Return the name of the hidden activations."""
    names = {class_: name for name, class_ in _ACTIVATIONS.items()}
    for layer in between:
        if type(layer) not in names:
            raise TypeError(f"model has a {type(layer).__name__} between layers; it must be Sigmoid, Tanh or ReLU")
    if len({type(layer) for layer in between}) > 1:
        raise ValueError(f"model has {_names(between)} between its layers; they must be the same")
    return names[type(between[0])] if between else "sigmoid"


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def _zeros(layer: nn.Linear) -> np.ndarray:
    return np.zeros((layer.out_features, 1), _array(layer.weight).dtype)


def _names(layers: list[nn.Module]) -> str:
    return ", ".join(type(layer).__name__ for layer in layers) or "no layers"
