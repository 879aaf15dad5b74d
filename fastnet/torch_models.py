"""Networks as PyTorch's models, and back: `to_torch` and `from_torch`."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

try:
    import torch
    from torch import nn
except ImportError as error:
    raise ImportError("fastnet.torch_models needs PyTorch; pip install 'fastnet-nndl[torch]' installs it") from error

from fastnet import network2
from fastnet.engines.torch import ACTIVATIONS
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import Cost, CrossEntropyCost, LogLikelihoodCost, as_cost
from fastnet.formulas.layers import BatchNormalization, Dense, Dropout, Layer
from fastnet.networks.base import BaseNetwork
from fastnet.networks.entries import entries_of

__all__ = ["from_torch", "to_torch"]

_MODULES: dict[str, nn.Module] = {**ACTIVATIONS, "softmax": nn.Softmax(dim=1)}
_ACTIVATIONS = {type(module): name for name, module in _MODULES.items() if not isinstance(module, nn.Identity)}
_COSTS = {"sigmoid": CrossEntropyCost, "softmax": LogLikelihoodCost}
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
        `Linear`, `BatchNorm1d` and `Dropout` layers and activations, the outputs' too, on the CPU, in the network's
        precision and in evaluation mode. What `net.feedforward` takes and gives as columns, it takes and gives as rows.

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
    dtype = getattr(torch, net.dtype.name)
    layers = [
        module
        for layer, arrays in zip(net.layers, net.parameters, strict=True)
        for module in _modules(layer, {name: torch.tensor(array, dtype=dtype) for name, array in arrays.items()})
    ]
    return nn.Sequential(*layers).eval()


def _modules(layer: Layer, arrays: dict[str, torch.Tensor]) -> list[nn.Module]:
    """Return a layer, and its activation if it has one, as modules of PyTorch."""
    if isinstance(layer, Dropout):
        return [nn.Dropout(layer.p)]
    if isinstance(layer, BatchNormalization):
        module: nn.Module = nn.BatchNorm1d(len(arrays["gamma"]), layer.epsilon, layer.momentum)
        names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
    else:
        assert isinstance(layer, Dense)
        module = nn.Linear(arrays["weights"].shape[1], layer.n_out)
        names = {"weight": "weights", "bias": "biases"}
    state = module.to(next(iter(arrays.values())).dtype).state_dict()
    module.load_state_dict({**state, **{name: arrays[ours].reshape(state[name].shape) for name, ours in names.items()}})
    activation = layer.activation
    if activation is None or activation == "linear":
        return [module]
    return [module, deepcopy(_MODULES[activation])]


def from_torch(
    model: nn.Sequential, *, cost: Cost | type[Any] | None = None, engine: str = "numba"
) -> network2.Network:
    """Return a model of PyTorch as a network, with copies of its parameters.

    Parameters
    ----------
    model : torch.nn.Sequential
        `Linear` and `BatchNorm1d` layers, each with `Sigmoid`, `Tanh`, `ReLU`, `LeakyReLU(0.01)` or nothing behind it.
        Last may be `Sigmoid`, `Softmax` or nothing. `Flatten`, `Dropout` and `Identity` are passed over.
    cost : class or object, optional
        As for `network2.Network`. By default, `CrossEntropyCost` of a model that ends with `Sigmoid`, and otherwise
        `LogLikelihoodCost`: outputs are softmax where nothing is last, too, as for `torch.nn.CrossEntropyLoss`. With
        another cost, outputs are linear where nothing is last.
    engine : str, optional
        As for `network2.Network`. The precision is the model's.

    Raises
    ------
    TypeError
        If it is another model, or has other layers.
    ValueError
        If a layer does not fit the next or has settings that fastnet does not have, or the cost does not go with the
        outputs.
    """
    if not isinstance(model, nn.Sequential):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Sequential")
    modules = [module for module in model if not isinstance(module, _PASSED_OVER)]
    layers: list[Layer] = []
    parameters: Parameters = []
    for i, module in enumerate(modules):
        if isinstance(module, (nn.Linear, nn.BatchNorm1d)):
            layer, arrays = _linear(module) if isinstance(module, nn.Linear) else _normalization(module)
            layers.append(layer)
            parameters.append(arrays)
        elif not layers:
            break
        else:
            layers[-1] = _activated(layers[-1], module, is_last=i == len(modules) - 1)
    if not layers:
        raise TypeError(f"model has {_names(modules)}; it must be Linear layers with activations between them")
    n_in = _check_fit(parameters)
    last = layers[-1]
    if not isinstance(last, Dense):
        raise TypeError(f"model ends with {type(modules[-1]).__name__}; it may end with Linear, Sigmoid or Softmax")
    if last.activation == "linear" and (cost is None or cost is LogLikelihoodCost):
        layers[-1] = last = replace(last, activation="softmax")
    if cost is None:
        cost = _COSTS[str(last.activation)]
    dtype = parameters[0]["weights"].dtype if "weights" in parameters[0] else np.dtype(np.float32)
    activation = next((str(each.activation) for each in layers[:-1] if isinstance(each, Dense)), "sigmoid")
    entries = entries_of(Architecture((n_in,), tuple(layers), as_cost(cost), dtype), activation)
    net = network2.Network(entries, cost, activation=activation, engine=engine, dtype=dtype)
    net.parameters = parameters
    return net


def _linear(module: nn.Linear) -> tuple[Layer, dict[str, np.ndarray]]:
    weights = _array(module.weight)
    biases = np.zeros(len(weights), weights.dtype) if module.bias is None else _array(module.bias)
    return Dense(len(weights), "linear"), {"weights": weights, "biases": biases[:, np.newaxis]}


def _normalization(module: nn.BatchNorm1d) -> tuple[Layer, dict[str, np.ndarray]]:
    if module.running_mean is None or module.running_var is None or module.momentum is None:
        raise ValueError(
            f"model has {module}; it must have track_running_stats=True and a momentum, as BatchNormalization has"
        )
    mean, variance = _array(module.running_mean), _array(module.running_var)
    gamma = np.ones_like(mean) if module.weight is None else _array(module.weight)
    beta = np.zeros_like(mean) if module.bias is None else _array(module.bias)
    arrays = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    layer = BatchNormalization(momentum=module.momentum, epsilon=module.eps)
    return layer, {name: array[:, np.newaxis] for name, array in arrays.items()}


def _activated(layer: Layer, module: nn.Module, *, is_last: bool) -> Layer:
    """Return a layer with the activation that stands behind it."""
    name = _ACTIVATIONS.get(type(module))
    assert isinstance(layer, (Dense, BatchNormalization))
    if is_last and name not in _COSTS:
        raise TypeError(f"model ends with {type(module).__name__}; it may end with Linear, Sigmoid or Softmax")
    if not is_last and (name is None or name == "softmax"):
        raise TypeError(
            f"model has a {type(module).__name__} between layers; it must be one of "
            + ", ".join(kind.__name__ for kind, name in _ACTIVATIONS.items() if name != "softmax")
        )
    if layer.activation != "linear":
        raise TypeError(f"model has a {type(module).__name__} behind another activation; a layer has one only")
    if isinstance(module, nn.Softmax) and module.dim not in (1, -1):
        raise ValueError(f"model ends with a Softmax over dimension {module.dim}; it must be 1, that of the outputs")
    expected = _MODULES[name]
    for setting in {*getattr(expected, "__constants__", ())} - {"inplace", "dim"}:
        if getattr(module, setting) != getattr(expected, setting):
            raise ValueError(f"model has {module}; it must be {expected}")
    return replace(layer, activation=name)


def _check_fit(parameters: Parameters) -> int:
    """Return the number of inputs, if each layer fits the one before it."""
    shapes = [each["weights"].shape if "weights" in each else (len(each["gamma"]),) * 2 for each in parameters]
    if any(n_in != n_out for (n_out, _), (_, n_in) in pairwise(shapes)):
        raise ValueError(f"model has layers of the shapes {shapes}, which do not fit")
    return int(shapes[0][1])


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def _names(modules: list[nn.Module]) -> str:
    return ", ".join(type(module).__name__ for module in modules) or "no layers"
