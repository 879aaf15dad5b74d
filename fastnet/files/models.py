"""Reads and writes networks in JSON files. The format has two versions.

Version 1 is the format of the book's `network2.py`, with additional entries such as the version and a checksum of the
rest of the file. If a file has neither a version nor a cost, the network has the quadratic cost. Version 2 has the
number of inputs or the shape of the images, and a list of layers with their arrays.

A file has no entry for the cost at the top level if its version is 2, or its activation is not sigmoid. The book's
program then raises an error, and cannot misread the file.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from fastnet.files.parameters import check_parameter
from fastnet.files.reading import holding, named_errors, one_line, read_all
from fastnet.files.writing import atomic_write
from fastnet.formulas.activations import ACTIVATIONS, CustomActivation
from fastnet.formulas.architecture import Architecture, Arrays, Parameters, check_memory
from fastnet.formulas.costs import CustomCost, QuadraticCost, from_name
from fastnet.formulas.layers import Dense, Layer, Shape, as_layers, from_settings
from fastnet.utils import arguments

_MOST_BYTES = 1 << 30  # largest number of bytes of a file, in which a weight takes about 20; a larger file is refused
# Largest number of JSON objects in a file of each version. A file with more objects is refused, because the parsed file
# could need 30 times as much memory as the file has bytes.
_MOST_OBJECTS = {1: 2, 2: 1002}
_LONGEST_NAME = 100  # largest number of characters in the name of a cost
_ARRAYS = ("weights", "biases", "gamma", "beta", "mean", "variance")


@dataclass(frozen=True)
class Model:
    """The contents of a network's file.

    Attributes
    ----------
    architecture : Architecture
        Layers, cost and dtype. A file without a dtype, such as a file of the book's program, gives float64. A custom
        cost is represented by a placeholder `CustomCost`, which cannot be called.
    parameters : list of dict of str to ndarray
        Arrays of each layer, by name.
    cost : str
        Name of the cost, as returned by `costs.name_of`, such as "QuadraticCost", "HuberCost(threshold=1.0)" or the
        name of a custom cost.
    activation : str
        Default activation of hidden neurons. A file without an activation gives "sigmoid".
    """

    architecture: Architecture
    parameters: Parameters
    cost: str
    activation: str = "sigmoid"

    @property
    def sizes(self) -> list[int]:
        """Number of inputs, then number of neurons in each dense or convolutional layer."""
        return list(self.architecture.sizes)

    @property
    def weights(self) -> Arrays:
        """Weights of each dense or convolutional layer."""
        return self.architecture.book_lists(self.parameters)[0]

    @property
    def biases(self) -> Arrays:
        """Biases of each dense or convolutional layer."""
        return self.architecture.book_lists(self.parameters)[1]


def is_plain(architecture: Architecture, activation: str) -> bool:
    """Whether a file of version 1 can describe a network.

    The inputs must not be images, and all layers must be dense. All hidden layers must have `activation`, and the
    output activation must be the first of the cost's `outputs`.
    """
    *hidden, last = architecture.layers
    expected = [*(activation for _ in hidden), architecture.cost.outputs[0]]
    layers = zip([*hidden, last], expected, strict=True)
    return len(architecture.input_shape) == 1 and all(
        isinstance(layer, Dense) and layer.activation == name for layer, name in layers
    )


def write(path: str | os.PathLike[str], model: Model) -> None:
    """Write a model atomically. An existing file is replaced when the new file is complete.

    Raises
    ------
    OSError
        If the file cannot be written.
    ValueError
        If the cost's name is empty, too long or not printable, or a layer has a custom activation.
    """
    path = arguments.path(path, "filename")
    _check_name(model.cost)
    for activation in model.architecture.activations:
        if isinstance(activation, CustomActivation):
            raise ValueError(
                f"a layer has the custom activation {activation}, which cannot be saved; save the arrays in "
                "`parameters` yourself"
            )
    plain = is_plain(model.architecture, model.activation)
    contents = _version_1(model) if plain else _version_2(model)
    text = json.dumps(contents).encode("ascii")[1:]
    with atomic_write(path) as file:
        file.write(_beginning(text, 1 if plain else 2) + text)


def _version_1(model: Model) -> dict[str, Any]:
    contents: dict[str, Any] = {
        "sizes": model.sizes,
        "weights": [w.tolist() for w in model.weights],
        "biases": [b.tolist() for b in model.biases],
        "dtype": model.architecture.dtype.name,
    }
    if model.activation == "sigmoid":
        contents["cost"] = model.cost
    else:  # without a cost at the top level, the book's program cannot misread the activation as sigmoid
        contents["neurons"] = {"cost": model.cost, "activation": model.activation}
    return contents


def _version_2(model: Model) -> dict[str, Any]:
    layers = [
        {**layer.settings(), **{name: array.tolist() for name, array in arrays.items()}}
        for layer, arrays in zip(model.architecture.layers, model.parameters, strict=True)
    ]
    shape = model.architecture.input_shape
    inputs = list(shape) if len(shape) > 1 else model.architecture.n_in
    network = {"cost": model.cost, "activation": model.activation, "inputs": inputs, "layers": layers}
    return {"dtype": model.architecture.dtype.name, "network": network}


def read(path: str | os.PathLike[str]) -> Model:
    """Read a model that fastnet or the book's `network2.py` saved.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file does not hold a network. `DataError` is a `ValueError`.
    """
    path = arguments.path(path, "filename")
    with named_errors(path), path.open("rb") as file, holding(path, "network", _reason):
        text = read_all(file, b"{", _MOST_BYTES)
        contents = _parsed(text)
        _check_text(text, contents)
        return _model(contents)


def _beginning(text: bytes, version: int) -> bytes:
    """Return the first bytes of a file: the version, and a checksum of `text`, the rest of the file."""
    return b'{"version": %d, "sha256": "%s", ' % (version, hashlib.sha256(text).hexdigest().encode("ascii"))


def _parsed(text: bytes) -> Any:
    version = 2 if text.startswith(b'{"version": 2, ') else 1
    if text.count(b"{") > _MOST_OBJECTS[version]:
        raise ValueError("it holds more JSON objects than a network has")
    return json.loads(text)


def _check_text(text: bytes, contents: Any) -> None:
    """Check the version and the checksum of a file if the file has an entry that only fastnet writes."""
    ours = {"version", "sha256", "dtype", "neurons", "network"}
    if not isinstance(contents, dict) or not contents.keys() & ours:
        return
    version = contents.get("version")
    if type(version) is not int or version not in _MOST_OBJECTS:
        raise ValueError(f"its version is {version}; it must be {' or '.join(map(str, _MOST_OBJECTS))}")
    length = len(_beginning(b"", version))
    if text[:length] != _beginning(text[length:], version):
        raise ValueError("its checksum does not match; it is damaged, or was changed")


def _model(contents: Any) -> Model:
    if not isinstance(contents, dict):
        raise ValueError("it must be a JSON object that describes a network")
    if contents.get("dtype", "float64") not in ("float32", "float64"):
        raise ValueError("its dtype is neither float32 nor float64")
    dtype = np.dtype(contents.get("dtype", "float64"))
    return _read_version_2(contents, dtype) if contents.get("version") == 2 else _read_version_1(contents, dtype)


def _read_version_1(contents: dict[str, Any], dtype: np.dtype) -> Model:
    neurons = contents.get("neurons", contents)
    if not isinstance(neurons, dict):
        raise ValueError("its entry 'neurons' must be a JSON object")
    sizes, activation = contents["sizes"], _activation(neurons.get("activation", "sigmoid"))
    cost = neurons["cost"] if "version" in contents else neurons.get("cost", QuadraticCost.__name__)
    if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(n) is int and n > 0 for n in sizes)):
        raise ValueError("its sizes must be a list of at least two positive integers")
    weights, biases = contents["weights"], contents["biases"]
    if not all(isinstance(values, list) and len(values) == len(sizes) - 1 for values in (weights, biases)):
        raise ValueError("its weights and biases must be lists with one array for each size except the first")
    layers = as_layers(sizes[1:], activation)
    arrays = [{"weights": w, "biases": b} for w, b in zip(weights, biases, strict=True)]
    return _checked((sizes[0],), layers, arrays, cost, dtype, activation)


def _read_version_2(contents: dict[str, Any], dtype: np.dtype) -> Model:
    network = contents["network"]
    if not (isinstance(network, dict) and isinstance(network["layers"], list)):
        raise ValueError("it must be a JSON object with a network and its layers")
    input_shape, layers, arrays = _input_shape(network["inputs"]), [], []
    for described in network["layers"]:
        if not isinstance(described, dict):
            raise ValueError("a layer must be a JSON object")
        layers.append(from_settings({name: value for name, value in described.items() if name not in _ARRAYS}))
        arrays.append({name: value for name, value in described.items() if name in _ARRAYS})
    if not layers:
        raise ValueError("it has no layers")
    return _checked(input_shape, tuple(layers), arrays, network["cost"], dtype, _activation(network["activation"]))


def _input_shape(inputs: Any) -> Shape:
    """Return the shape of a sample, given the number of inputs, or the shape of the images as a list."""
    shape = tuple(inputs) if isinstance(inputs, list) else (inputs,)
    if len(shape) != (3 if isinstance(inputs, list) else 1) or not all(type(n) is int and n > 0 for n in shape):
        raise ValueError("its inputs must be a positive integer, or a list of three positive integers")
    return shape


def _activation(name: Any) -> str:
    if name not in ACTIVATIONS:
        raise ValueError(f"its activation must be one of {', '.join(ACTIVATIONS)}")
    return str(name)


def _checked(
    input_shape: Shape,
    layers: tuple[Layer, ...],
    values: list[dict[str, Any]],
    cost: Any,
    dtype: np.dtype,
    activation: str,
) -> Model:
    """Return a model, given its arrays as nested lists, or raise a `ValueError` if the arrays do not fit the layers."""
    _check_name(cost)
    if len(input_shape) > 1:  # a short file may describe large images; dense layers are limited by the size of the file
        check_memory(input_shape, layers)
    architecture = Architecture(input_shape, layers, from_name(cost) or _NOT_GIVEN, dtype)
    parameters: Parameters = []
    for of_layer, expected in zip(values, architecture.arrays, strict=True):
        if of_layer.keys() != expected.keys():
            there, needed = (", ".join(names) or "none" for names in (of_layer, expected))
            raise ValueError(f"a layer has the arrays {there}; it must have {needed}")
        parameters.append({name: _array(of_layer[name], name, shape, dtype) for name, shape in expected.items()})
    return Model(architecture, parameters, cost, activation)


_NOT_GIVEN = CustomCost(SimpleNamespace())
"""Placeholder for a cost of which only the name is known."""


def _check_name(cost: Any) -> None:
    if not (isinstance(cost, str) and 0 < len(cost) <= _LONGEST_NAME and cost.isprintable()):
        raise ValueError(
            f"the name of its cost is {arguments.brief(cost)}; it must have 1 to {_LONGEST_NAME} printable characters"
        )


def _array(rows: Any, name: str, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Return an array, given nested lists.

    The types are checked first, because NumPy would also convert strings and booleans to numbers.
    """
    if not _has_shape(rows, shape):
        raise ValueError(f"its {name} do not have the shapes that its layers need")
    if not _are_numbers(rows, len(shape)):
        raise ValueError(f"its {name} are not numbers")
    try:
        with np.errstate(over="ignore"):  # no warning is needed: infinite numbers are refused below
            array = np.array(rows, dtype)
    except OverflowError:  # the file has an integer of hundreds of digits
        array = np.full(shape, np.inf, dtype)
    check_parameter(array, name, shape, dtype)
    return array


def _has_shape(values: Any, shape: Shape) -> bool:
    """Whether values are nested lists of the shape `shape`. The innermost lists may contain any values."""
    fits = isinstance(values, list) and len(values) == shape[0]
    return fits and (len(shape) == 1 or all(_has_shape(each, shape[1:]) for each in values))


def _are_numbers(values: list[Any], axes: int) -> bool:
    """Whether lists that are nested `axes` levels deep contain only numbers."""
    if axes > 1:
        return all(_are_numbers(each, axes - 1) for each in values)
    return {*map(type, values)} <= {int, float}


def _reason(error: Exception) -> str:
    return f"it has no {one_line(error)}" if isinstance(error, KeyError) else one_line(error)
