"""Conversion of networks to PyTorch models and back: `to_torch` and `from_torch`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np

from fastnet.utils.imports import of_extra

with of_extra("fastnet.torch_models", "PyTorch", "torch"):
    import torch
    from torch import nn

from fastnet import network2
from fastnet.engines.torch_layers import ACTIVATIONS
from fastnet.formulas.activations import NOT_MONOTONIC, CustomActivation
from fastnet.formulas.architecture import Architecture, Parameters
from fastnet.formulas.costs import Cost, CrossEntropyCost, LogLikelihoodCost, as_cost, by_name
from fastnet.formulas.images import image_shape
from fastnet.formulas.layers import BatchNormalization, Convolution, Dense, Dropout, Layer, MaxPooling, Shape
from fastnet.formulas.regression import PoissonCost
from fastnet.networks.base import BaseNetwork
from fastnet.networks.entries import entries_of
from fastnet.utils import arguments

__all__ = ["from_torch", "to_torch"]


class Exponential(nn.Module):
    """The function exp(z), the activation of output neurons with `PoissonCost`."""

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Return exp(z), a tensor of the shape of z."""
        return torch.exp(z)


_MODULES: dict[str, nn.Module] = {**ACTIVATIONS, "softmax": nn.Softmax(dim=1), "exp": Exponential()}
_ACTIVATIONS = {type(module): name for name, module in _MODULES.items() if not isinstance(module, nn.Identity)}
_COSTS = {"sigmoid": CrossEntropyCost, "softmax": LogLikelihoodCost, "exp": PoissonCost}
_SKIPPED = (nn.Dropout, nn.Identity)  # modules that do not change the outputs of a trained network


def to_torch(net: BaseNetwork) -> nn.Sequential:
    """Convert a network to a PyTorch model with copies of the network's parameters.

    Parameters
    ----------
    net : network.Network or network2.Network
        Network with any engine.

    Returns
    -------
    torch.nn.Sequential
        `Linear`, `Conv2d`, `MaxPool2d`, `BatchNorm1d`, `BatchNorm2d` and `Dropout` layers and activations, including
        the output activation. The model is on the CPU, in the network's precision and in evaluation mode. The model
        takes and returns one sample per row, unlike `net.feedforward`. `Unflatten` converts rows to images, `Flatten`
        images to rows.

    Raises
    ------
    TypeError
        If `net` is not a network of `network` or `network2`, or a parameter has a wrong type.
    ValueError
        If a parameter has a wrong shape or value. If the network has a custom activation or non-inverted dropout, for
        which PyTorch has no modules.

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
    if not isinstance(net, BaseNetwork):
        raise TypeError(f"net is {arguments.brief(net)}; it must be a network.Network or a network2.Network")
    architecture, parameters = net._architecture(), net._checked_parameters()
    dtype, input_shape = getattr(torch, net.dtype.name), architecture.input_shape
    modules: list[nn.Module] = [nn.Unflatten(1, input_shape)] if len(input_shape) > 1 else []
    for layer, shape, arrays in zip(architecture.layers, architecture.shapes, parameters, strict=False):
        if isinstance(layer, Dense) and len(shape) > 1:
            modules.append(nn.Flatten())
        modules += _modules(layer, shape, {name: torch.tensor(each, dtype=dtype) for name, each in arrays.items()})
    return nn.Sequential(*modules).eval()


def _modules(layer: Layer, shape: Shape, arrays: dict[str, torch.Tensor]) -> list[nn.Module]:
    """Convert a layer to PyTorch modules, given the shape of its inputs. An activation becomes a separate module."""
    if isinstance(layer, Dropout):
        if not layer.inverted:
            raise ValueError(f"net has {layer}; PyTorch has only inverted dropout: use Dropout({layer.p}) instead")
        return [nn.Dropout(layer.p)]
    if isinstance(layer, MaxPooling):
        return [nn.MaxPool2d(layer.shape)]
    module, names = _with_arrays(layer, shape)
    module.to(next(iter(arrays.values())).dtype)
    # All arrays except weights are columns, which PyTorch has as vectors.
    own = {name: arrays[ours] if ours == "weights" else arrays[ours][:, 0] for name, ours in names.items()}
    module.load_state_dict({**module.state_dict(), **own})
    activation = getattr(layer, "activation", None)
    if isinstance(activation, CustomActivation):
        raise ValueError(f"net has {layer}; PyTorch has no module for a custom activation: write the model yourself")
    if activation is None or activation == "linear":
        return [module]
    return [module, deepcopy(_MODULES[activation])]


def _with_arrays(layer: Layer, shape: Shape) -> tuple[nn.Module, dict[str, str]]:
    """Convert a layer that has arrays to a PyTorch module. Also return fastnet's name of each array of the module."""
    if isinstance(layer, BatchNormalization):
        kind = nn.BatchNorm2d if len(shape) > 1 else nn.BatchNorm1d
        names = {"weight": "gamma", "bias": "beta", "running_mean": "mean", "running_var": "variance"}
        return kind(shape[0], layer.epsilon, layer.momentum), names
    names = {"weight": "weights", "bias": "biases"}
    if isinstance(layer, Convolution):
        return nn.Conv2d(shape[0], layer.filters, layer.shape, padding=layer.padding), names
    assert isinstance(layer, Dense)
    return nn.Linear(prod(shape), layer.n_out), names


def from_torch(
    model: nn.Sequential,
    *,
    cost: Cost | type[Any] | str | None = None,
    engine: str = "numba",
    input_shape: Sequence[int] | None = None,
) -> network2.Network:
    """Convert a PyTorch model to a network with copies of the model's parameters.

    Parameters
    ----------
    model : torch.nn.Sequential
        `Linear`, `Conv2d`, `BatchNorm1d`, `BatchNorm2d` and `MaxPool2d` layers. A layer may be followed by `Sigmoid`,
        `Tanh`, `ReLU`, `LeakyReLU(0.01)` or `GELU`. `MaxPool2d` may be followed by an activation other than `GELU`, but
        only if `MaxPool2d` follows a `Conv2d` without an activation. The last layer must be `Linear`, followed by
        `Sigmoid`, `Softmax`, `Exponential` or no activation. `Flatten()`, `Dropout` and `Identity` do not become
        layers. `Unflatten(1, (maps, height, width))` may be the first module.
    cost : class, object or str, optional
        Cost, as for `network2.Network`. The default depends on the model's last module: `CrossEntropyCost` for
        `Sigmoid`, `PoissonCost` for `Exponential`, otherwise `LogLikelihoodCost`. If a model
        ends with `Linear`, the network's outputs are softmax for `LogLikelihoodCost`, and linear for other costs.
        (`torch.nn.CrossEntropyLoss` includes the softmax.)
    engine : str, optional
        Engine of the network, as for `network2.Network`. The network has the dtype of the model.
    input_shape : sequence of int, optional
        Shape of the images, (maps, height, width). Needed if the model begins with `Conv2d` or `MaxPool2d`. If the
        model begins with `Unflatten`, the shape is that of `Unflatten`.

    Raises
    ------
    TypeError
        If `model` is not a `torch.nn.Sequential`, or has layers other than those listed above. If `input_shape` is not
        a sequence of integers.
    ValueError
        If a layer does not fit the preceding layer or the inputs, or has settings that fastnet does not support. If the
        model's numbers are neither float32 nor float64, or are not finite. If the cost does not fit the outputs, or
        `input_shape` is missing or not that of the model.
    """
    if not isinstance(model, nn.Sequential) or type(model).forward is not nn.Sequential.forward:
        raise TypeError(
            f"model is a {type(model).__name__}; it must be a torch.nn.Sequential that does not override forward"
        )
    cost = by_name(cost)
    dtype = _dtype(model)
    given = None if input_shape is None else _given_shape(input_shape)
    modules = [module for module in model if not _is_skipped(module)]
    if modules and type(modules[0]) is nn.Unflatten:
        given = _unflattened(modules.pop(0), given)
    last_module = next((module for module in reversed(modules) if type(module) is not nn.Flatten), None)
    layers: list[Layer] = []
    parameters: Parameters = []
    for module in modules:
        if type(module) in _READERS:
            layer, arrays = _READERS[type(module)](module)
            layers.append(layer)
            parameters.append(arrays)
        elif type(module) is nn.Flatten:
            if module.start_dim not in (1, -3) or module.end_dim not in (3, -1):  # of four dimensions
                raise ValueError(f"model has {module}; it must be {nn.Flatten()}")
        elif not layers:
            break
        else:
            _activate(layers, module, is_last=module is last_module)
    if not layers:
        raise TypeError(
            f"model has {_names(modules)}; it must have Linear or Conv2d layers with activations between them"
        )
    last = layers[-1]
    if not isinstance(last, Dense):
        raise TypeError(
            f"model ends with {type(last_module).__name__}; it must end with Linear, or with Linear and Sigmoid, "
            "Softmax or Exponential"
        )
    if last.activation == "linear" and (cost is None or as_cost(cost) is LogLikelihoodCost):
        layers[-1] = last = replace(last, activation="softmax")
    if cost is None:
        cost = _COSTS[str(last.activation)]
    shape = _input_shape(layers[0], parameters[0], given)
    architecture = Architecture(shape, tuple(layers), as_cost(cost), dtype)
    _check_fit(architecture, parameters, modules)
    kinds = (Convolution, Dense)
    activation = next((str(each.activation) for each in layers[:-1] if isinstance(each, kinds)), "sigmoid")
    entries = entries_of(architecture, activation)
    net = network2.Network(entries, cost, activation=activation, engine=engine, dtype=dtype)
    net.parameters = parameters
    with arguments.named("model"):
        net._checked_parameters()
    return net


def _dtype(model: nn.Sequential) -> np.dtype:
    """Return the dtype of a model's parameters, or raise a `ValueError` if networks do not have this dtype."""
    names = {str(parameter.dtype).removeprefix("torch.") for parameter in model.parameters()} or {"float32"}
    if names not in ({"float32"}, {"float64"}):
        raise ValueError(
            f"model has parameters of the type {' and '.join(sorted(names))}; all must be float32, or all float64: "
            "convert the model with model.float()"
        )
    return np.dtype(names.pop())


def _unflattened(module: Any, given: Shape | None) -> Shape:
    """Return the shape of the images of `Unflatten`; `input_shape` of `from_torch`, if given, must be the same."""
    with arguments.named(f"model has {module}"):
        shape = image_shape(module.unflattened_size, "unflattened_size")
    _check_settings(module, nn.Unflatten(1, shape), "unflattened_size")
    if given not in (None, shape):
        raise ValueError(f"input_shape is {given}; it must be {shape}, as in the model's Unflatten, or omitted")
    return shape


def _given_shape(input_shape: Any) -> Shape:
    if isinstance(input_shape, np.ndarray):
        input_shape = input_shape.tolist()
    if isinstance(input_shape, Sequence) and len(input_shape) == 1:
        return (arguments.positive(input_shape[0], "input_shape[0]"),)
    return image_shape(input_shape, "input_shape")


def _is_skipped(module: nn.Module) -> bool:
    return isinstance(module, _SKIPPED) and type(module).forward in [each.forward for each in _SKIPPED]


def _check_settings(module: nn.Module, expected: nn.Module, *others: str) -> None:
    """Raise a `ValueError` if a module's settings, except `others`, differ from those of a module of the same type."""
    for setting in {*getattr(expected, "__constants__", ())} - {*others}:
        found, supported = getattr(module, setting), getattr(expected, setting)
        if found != supported and (setting, found) != ("dim", -1):  # of rows, dimension -1 is dimension 1
            raise ValueError(f"model has {module}; it must be {expected}")


def _linear(module: nn.Linear) -> tuple[Layer, dict[str, np.ndarray]]:
    arrays = _weights_and_biases(module)
    return Dense(len(arrays["weights"]), "linear"), arrays


def _convolution(module: nn.Conv2d) -> tuple[Layer, dict[str, np.ndarray]]:
    shape = _pair(module.kernel_size)
    same = tuple((n - 1) // 2 for n in shape)
    paddings = {"valid": "valid", "same": "same", (0, 0): "valid"}
    if all(n % 2 for n in shape):
        paddings.setdefault(same, "same")
    padding = module.padding if isinstance(module.padding, str) else _pair(module.padding)
    plain = (_pair(module.stride), _pair(module.dilation), module.groups, module.padding_mode)
    if padding not in paddings or plain != ((1, 1), (1, 1), 1, "zeros"):
        raise ValueError(
            f"model has {module}; it must have stride=1, dilation=1, groups=1, padding_mode='zeros', and "
            "padding='valid' or padding='same'"
        )
    return Convolution(module.out_channels, shape, "linear", paddings[padding]), _weights_and_biases(module)


def _max_pooling(module: nn.MaxPool2d) -> tuple[Layer, dict[str, np.ndarray]]:
    shape = _pair(module.kernel_size)
    plain = (_pair(module.stride), _pair(module.padding), _pair(module.dilation), module.ceil_mode)
    if plain != (shape, (0, 0), (1, 1), False) or module.return_indices:
        raise ValueError(
            f"model has {module}; it must have a stride equal to kernel_size, padding=0, dilation=1, "
            "ceil_mode=False and return_indices=False"
        )
    return MaxPooling(shape), {}


def _weights_and_biases(module: nn.Linear | nn.Conv2d) -> dict[str, np.ndarray]:
    weights = _array(module.weight)
    biases = np.zeros(len(weights), weights.dtype) if module.bias is None else _array(module.bias)
    return {"weights": weights, "biases": biases[:, np.newaxis]}


def _pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _array_or(default: np.ndarray, tensor: torch.Tensor | None) -> np.ndarray:
    return default if tensor is None else _array(tensor)


def _normalization(module: nn.BatchNorm1d | nn.BatchNorm2d) -> tuple[Layer, dict[str, np.ndarray]]:
    if module.running_mean is None or module.running_var is None or module.momentum is None:
        raise ValueError(
            f"model has {module}; it must have track_running_stats=True and a momentum, as BatchNormalization has"
        )
    mean, variance = _array(module.running_mean), _array(module.running_var)
    gamma, beta = _array_or(np.ones_like(mean), module.weight), _array_or(np.zeros_like(mean), module.bias)
    arrays = {"gamma": gamma, "beta": beta, "mean": mean, "variance": variance}
    layer = BatchNormalization(momentum=module.momentum, epsilon=module.eps)
    return layer, {name: array[:, np.newaxis] for name, array in arrays.items()}


_READERS: dict[type[nn.Module], Callable[[Any], tuple[Layer, dict[str, np.ndarray]]]] = {
    nn.Linear: _linear,
    nn.Conv2d: _convolution,
    nn.MaxPool2d: _max_pooling,
    nn.BatchNorm1d: _normalization,
    nn.BatchNorm2d: _normalization,
}
"""For each type of module, a function that returns a layer with linear activation, and the layer's arrays."""


def _activate(layers: list[Layer], module: nn.Module, *, is_last: bool) -> None:
    """Set the activation of `layers[-1]`, or of the convolution before it, given the activation module that follows."""
    name = _ACTIVATIONS.get(type(module))
    if is_last and name not in _COSTS:
        raise TypeError(f"model ends with {type(module).__name__}; use Linear, Sigmoid, Softmax or Exponential")
    if not is_last and name not in ACTIVATIONS:
        raise TypeError(
            f"the module between two layers is {type(module).__name__}; it must be one of "
            + ", ".join(kind.__name__ for kind, name in _ACTIVATIONS.items() if name in ACTIVATIONS)
        )
    i = len(layers) - 1
    pooled = isinstance(layers[i], MaxPooling) and isinstance(layers[i - 1], Convolution) and i
    if pooled and name not in NOT_MONOTONIC:
        i -= 1  # a monotonic activation gives the same result before and after max pooling
    layer = layers[i]
    if isinstance(layer, MaxPooling):
        raise TypeError(f"model has a {type(module).__name__} after a MaxPool2d; put the activation before the pooling")
    assert isinstance(layer, (Convolution, Dense, BatchNormalization))
    if layer.activation != "linear":
        raise TypeError(f"model has a {type(module).__name__} after another activation; a layer may have only one")
    _check_settings(module, _MODULES[str(name)], "inplace")
    layers[i] = replace(layer, activation=str(name))


def _input_shape(first: Layer, arrays: dict[str, np.ndarray], given: Shape | None) -> Shape:
    """Return the shape of a sample, given the first layer, its arrays, and the shape of the images if it is known."""
    if given is not None:
        return given
    if isinstance(first, (Convolution, MaxPooling)):
        raise ValueError(
            f"input_shape is missing; model begins with a {first}: give (maps, height, width) of the images"
        )
    return (arrays["weights"].shape[1] if isinstance(first, Dense) else len(arrays["gamma"]),)


def _check_fit(architecture: Architecture, parameters: Parameters, modules: list[nn.Module]) -> None:
    """Raise a `ValueError` if a layer does not fit the preceding layer, or a `Flatten` is missing or misplaced."""
    found = [{name: array.shape for name, array in arrays.items()} for arrays in parameters]
    if found != architecture.arrays:
        shapes = [next(iter(each.values())) for each in found if each]
        raise ValueError(
            f"model has layers of the shapes {shapes}, which do not fit one another and inputs of the shape "
            f"{architecture.input_shape}"
        )
    computing = [module for module in modules if isinstance(module, (nn.Flatten, *_READERS))]
    shapes_before = iter(zip(architecture.layers, architecture.shapes, strict=False))
    is_flat = len(architecture.input_shape) == 1
    for module in computing:
        if isinstance(module, nn.Flatten):
            is_flat = True
            continue
        _, shape = next(shapes_before)
        if isinstance(module, (nn.Linear, nn.BatchNorm1d)) and len(shape) > 1 and not is_flat:
            raise ValueError(f"model has {module} after images; put a Flatten() in between")
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.BatchNorm2d)) and is_flat:
            raise ValueError(f"model has {module} after flat inputs; its inputs must be images")
        is_flat |= isinstance(module, nn.Linear)


def _array(tensor: torch.Tensor) -> np.ndarray:
    return np.array(tensor.detach().cpu().numpy())


def _names(modules: list[nn.Module]) -> str:
    return ", ".join(type(module).__name__ for module in modules) or "no layers"
