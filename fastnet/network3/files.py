"""Reads and writes files of networks: parameters in the format safetensors, and a description of the layers."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from fastnet.files import tensors
from fastnet.files.reading import DataError, one_line
from fastnet.network3.activations import ACTIVATIONS
from fastnet.network3.layers import ConvPoolLayer, FullyConnectedLayer, Layer, Parameters, SoftmaxLayer, check_layers
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_KIND = tensors.Kind("fastnet.network3", "network of network3", version=1)


def write(path: StrPath, layers: Sequence[Layer], mini_batch_size: int) -> None:
    """Write a network atomically; see `Network.save`."""
    path = arguments.path(path, "path")
    with arguments.named("the network cannot be saved"):
        check_layers(layers)
        arrays = {
            name: np.asarray(param, np.float32)
            for i, layer in enumerate(layers)
            for name, param in zip(_names(i), layer.params, strict=True)
        }
        # The user may have assigned wrong attributes. Therefore, the network is built from its description first, in
        # the same way as in `read`. An error is raised if `read` could not read the file.
        checked = _network(_description(layers, mini_batch_size), arrays)
    tensors.write(path, _KIND, _description(*checked), arrays)


def _description(layers: Sequence[Layer], mini_batch_size: int) -> dict[str, Any]:
    return {"layers": [layer.description() for layer in layers], "mini_batch_size": mini_batch_size}


def read(path: StrPath) -> tuple[list[Layer], int]:
    """Return the layers and the mini-batch size of a network; see `load`."""
    path = arguments.path(path, "path")
    description, arrays, _ = tensors.read(path, _KIND)
    try:
        return _network(description, arrays)
    except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"{os.fspath(path)}: this file does not hold a {_KIND.contents} ({one_line(error)})") from None


def _network(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> tuple[list[Layer], int]:
    described = description.get("layers")
    if set(description) != {"layers", "mini_batch_size"} or not isinstance(described, list):
        raise ValueError("its description must have layers and mini_batch_size")
    names = (name for i in range(len(described)) for name in _names(i))
    if len(arrays) != 2 * len(described) or any(name != expected for name, expected in zip(arrays, names, strict=True)):
        raise ValueError("its tensors are not the weights and biases of its layers")
    for name, array in arrays.items():
        if array.dtype != np.float32 or not np.isfinite(array).all():
            raise ValueError(f"its {name} must be float32 and finite")
    values = iter(arrays.values())
    layers = [_layer(each, (next(values), next(values))) for each in described]
    check_layers(layers)
    return layers, arguments.positive(description["mini_batch_size"], "mini_batch_size")


def _layer(description: Any, params: Parameters) -> Layer:
    values = tensors.as_object(description, "a layer")
    name = values.pop("layer", None)
    kinds = {kind.__name__: kind for kind in (ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer)}
    if not (isinstance(name, str) and name in kinds):
        raise ValueError(f"each layer must be one of {', '.join(kinds)}")
    kind = kinds[name]
    expected = {*kind.described_by, *(() if kind is SoftmaxLayer else ("activation_fn",))}
    if set(values) != expected:
        raise ValueError(f"a {name} must be described by {', '.join(sorted(expected))}")
    if "activation_fn" in values:
        values["activation_fn"] = ACTIVATIONS[arguments.one_of(values["activation_fn"], ACTIVATIONS, "activation_fn")]
    layer: Layer = kind(**values, params=params)
    return layer


def _names(layer: int) -> list[str]:
    """Return the names of a layer's weights and biases in a file."""
    return [f"layers.{layer}.w", f"layers.{layer}.b"]
