"""Networks on the disk, in the format safetensors: a header in JSON, and numbers.

The header's `__metadata__` describes the layers. Nothing in a file is run, and no memory is taken for what it only
claims to hold.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np

from fastnet import arguments
from fastnet.datasets.files import DataError, read_exactly, replaced
from fastnet.network3.activations import ACTIVATIONS
from fastnet.network3.layers import ConvPoolLayer, FullyConnectedLayer, Layer, Parameters, SoftmaxLayer, check_layers

StrPath: TypeAlias = str | os.PathLike[str]

_LONGEST_HEADER = 1 << 20  # bytes
_LONGEST_REASON = 100  # characters
_DESCRIPTION = "fastnet.network3"  # where in a file the network is described


def write(path: StrPath, layers: Sequence[Layer], mini_batch_size: int) -> None:
    """Write a network, whole or not at all; see `Network.save`."""
    arrays = {
        name: param.detach().cpu().numpy()
        for i, layer in enumerate(layers)
        for name, param in zip(_names(i), layer.params, strict=True)
    }
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("the network has weights or biases that are infinite or not a number; it cannot be saved")
    description = {
        "layers": [layer.description() for layer in layers],
        "mini_batch_size": mini_batch_size,
    }
    header: dict[str, Any] = {"__metadata__": {_DESCRIPTION: json.dumps(description)}}
    offset = 0
    for name, array in arrays.items():
        header[name] = _entry(list(array.shape), offset)
        offset += array.nbytes
    text = json.dumps(header).encode("ascii")
    text += b" " * (-len(text) % 8)  # so that the numbers are aligned, as the format has it
    with replaced(path) as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(array.astype("<f4", copy=False).tobytes())


def read(path: StrPath) -> tuple[list[Layer], int]:
    """Return the layers and the mini-batch size of a network; see `load`."""
    path = Path(path)
    with path.open("rb") as file:
        try:
            return _read(file)
        except EOFError:
            raise DataError(f"{path}: it ends too early; the file is truncated") from None
        except (ArithmeticError, RecursionError, TypeError, ValueError) as error:
            reason = str(error)[:_LONGEST_REASON]  # which may quote the file
            raise DataError(f"{path}: this file does not hold a network of network3 ({reason})") from None


def _read(file: BinaryIO) -> tuple[list[Layer], int]:
    length = int.from_bytes(read_exactly(file, 8), "little")
    if length > _LONGEST_HEADER:
        raise ValueError("it does not begin as safetensors do")
    header = _object(json.loads(read_exactly(file, length)), "its header")
    metadata = _object(header.pop("__metadata__", None), "its metadata")
    description = _object(json.loads(str(metadata.get(_DESCRIPTION))), "its description")
    described = description.get("layers")
    if set(description) != {"layers", "mini_batch_size"} or not isinstance(described, list):
        raise ValueError("its description is not of layers and a mini-batch size")
    if list(header) != [name for i in range(len(described)) for name in _names(i)]:
        raise ValueError("its tensors are not the weights and biases of its layers")
    arrays = iter(list(_arrays(file, header)))
    if file.read(1):
        raise ValueError("it is longer than it says")
    layers = [_layer(each, (next(arrays), next(arrays))) for each in described]
    check_layers(layers)
    return layers, arguments.positive(description["mini_batch_size"], "mini_batch_size")


def _arrays(file: BinaryIO, header: dict[str, Any]) -> Iterator[np.ndarray]:
    """Read the arrays, which follow one another without gaps, in the header's order."""
    offset = 0
    for name, entry in header.items():
        shape = entry.get("shape") if isinstance(entry, dict) else None
        if not (isinstance(shape, list) and all(type(n) is int and n > 0 for n in shape)):
            raise ValueError(f"its {name} has no shape")
        if entry != _entry(shape, offset):
            raise ValueError(f"its {name} is not where and what it should be")
        length = 4 * math.prod(shape)
        offset += length
        array = np.frombuffer(read_exactly(file, length), "<f4").reshape(shape)
        if not np.isfinite(array).all():
            raise ValueError(f"its {name} is not finite")
        yield array


def _layer(description: Any, params: Parameters) -> Layer:
    values = _object(description, "a layer")
    name = values.pop("layer", None)
    kinds = {kind.__name__: kind for kind in (ConvPoolLayer, FullyConnectedLayer, SoftmaxLayer)}
    if not (isinstance(name, str) and name in kinds):
        raise ValueError(f"a layer of it is none of {', '.join(kinds)}")
    kind = kinds[name]
    expected = {*kind.described_by, *(() if kind is SoftmaxLayer else ("activation_fn",))}
    if set(values) != expected:
        raise ValueError(f"a {name} of it is not described by {', '.join(sorted(expected))}")
    if "activation_fn" in values:
        values["activation_fn"] = ACTIVATIONS[arguments.one_of(values["activation_fn"], ACTIVATIONS, "activation_fn")]
    layer: Layer = kind(**values, params=params)
    return layer


def _entry(shape: list[int], offset: int) -> dict[str, Any]:
    """Return what a header says of an array."""
    return {"dtype": "F32", "shape": shape, "data_offsets": [offset, offset + 4 * math.prod(shape)]}


def _names(layer: int) -> list[str]:
    """Return what the weights and the biases of a layer are called in a file."""
    return [f"layers.{layer}.w", f"layers.{layer}.b"]


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is no object")
    return value
