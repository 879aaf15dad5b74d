"""Networks in files: JSON, for dense networks in the format of the book's `network2.py`.

Version 1 is the book's format, with a version, a checksum of all that follows, and what the book has no names for; the
book's program ignores these. Other programs save chapter 1's network in this format, without a cost. Version 2 has the
number of inputs or the shape of images, and a list of layers, each with its arrays. The book's program does not find
the cost in it, so that it does not take the network for another one.
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
from fastnet.files.writing import replaced
from fastnet.formulas.activations import ACTIVATIONS, OwnActivation
from fastnet.formulas.architecture import Architecture, Arrays, Parameters, check_memory
from fastnet.formulas.costs import OwnCost, QuadraticCost, from_name
from fastnet.formulas.layers import Dense, Layer, Shape, as_layers, from_settings
from fastnet.utils import arguments

_MOST_BYTES = 1 << 30  # of a file; a weight takes about 20
_MOST_OBJECTS = {1: 2, 2: 1002}  # of JSON, for each version: many small ones would take 30 times the file's memory
_LONGEST_NAME = 100  # characters of the name of a cost
_ARRAYS = ("weights", "biases", "gamma", "beta", "mean", "variance")


@dataclass(frozen=True)
class Model:
    """What a file holds of a network.

    Attributes
    ----------
    architecture : Architecture
        The layers and the precision: float64 in files that do not say, as the book's. A cost of the user's own is
        represented by an `OwnCost` that cannot be called.
    parameters : list of dict of str to ndarray
        The arrays of each layer.
    cost : str
        What `costs.name_of` says of the cost: "QuadraticCost", "HuberCost(threshold=1.0)", or a name of the user's.
    activation : str
        The network's default for hidden neurons; "sigmoid" in files that do not say.
    """

    architecture: Architecture
    parameters: Parameters
    cost: str
    activation: str = "sigmoid"

    @property
    def sizes(self) -> list[int]:
        """Number of neurons in each dense or convolutional layer, the inputs first."""
        return list(self.architecture.sizes)

    @property
    def weights(self) -> Arrays:
        """The weights of the dense and convolutional layers."""
        return self.architecture.book_lists(self.parameters)[0]

    @property
    def biases(self) -> Arrays:
        """The biases of the dense and convolutional layers."""
        return self.architecture.book_lists(self.parameters)[1]


def is_plain(architecture: Architecture, activation: str) -> bool:
    """Whether sizes, a cost and the activation of all hidden neurons describe a network, as in version 1."""
    *hidden, last = architecture.layers
    expected = [*(activation for _ in hidden), architecture.cost.outputs[0]]
    layers = zip([*hidden, last], expected, strict=True)
    return len(architecture.input_shape) == 1 and all(
        isinstance(layer, Dense) and layer.activation == name for layer, name in layers
    )


def write(path: str | os.PathLike[str], model: Model) -> None:
    """Write a model, whole or not at all: a file of that name is replaced when the new one is complete.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If its cost has a name that is none, or an activation function is the user's own.
    """
    path = arguments.path(path, "filename")
    _check_name(model.cost)
    for activation in model.architecture.activations:
        if isinstance(activation, OwnActivation):
            raise ValueError(
                f"a layer has an activation of your own, {activation}, which a file cannot hold; save the arrays in "
                "`parameters` yourself"
            )
    plain = is_plain(model.architecture, model.activation)
    contents = _version_1(model) if plain else _version_2(model)
    text = json.dumps(contents).encode("ascii")[1:]
    with replaced(path) as file:
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
    else:  # which the book's program must not take for sigmoid
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
        If it cannot be opened.
    DataError
        If it does not hold a network.
    """
    path = arguments.path(path, "filename")
    with named_errors(path), path.open("rb") as file, holding(path, "network", _reason):
        text = read_all(file, b"{", _MOST_BYTES)
        contents = _parsed(text)
        _check_text(text, contents)
        return _model(contents)


def _beginning(text: bytes, version: int) -> bytes:
    """Return what stands before the text of the other values: the version and a checksum of the text."""
    return b'{"version": %d, "sha256": "%s", ' % (version, hashlib.sha256(text).hexdigest().encode("ascii"))


def _parsed(text: bytes) -> Any:
    version = 2 if text.startswith(b'{"version": 2, ') else 1
    if text.count(b"{") > _MOST_OBJECTS[version]:
        raise ValueError("it holds more objects than a network")
    return json.loads(text)


def _check_text(text: bytes, contents: Any) -> None:
    """Check the version and the checksum of a file that has any of what only fastnet writes."""
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
        raise ValueError("it is no object with sizes, weights, biases and a cost")
    if contents.get("dtype", "float64") not in ("float32", "float64"):
        raise ValueError("its dtype is neither float32 nor float64")
    dtype = np.dtype(contents.get("dtype", "float64"))
    return _read_version_2(contents, dtype) if contents.get("version") == 2 else _read_version_1(contents, dtype)


def _read_version_1(contents: dict[str, Any], dtype: np.dtype) -> Model:
    neurons = contents.get("neurons", contents)
    if not isinstance(neurons, dict):
        raise ValueError("it is no object with sizes, weights, biases and a cost")
    sizes, activation = contents["sizes"], _activation(neurons.get("activation", "sigmoid"))
    cost = neurons["cost"] if "version" in contents else neurons.get("cost", QuadraticCost.__name__)
    if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(n) is int and n > 0 for n in sizes)):
        raise ValueError("its sizes are not a list of layers")
    weights, biases = contents["weights"], contents["biases"]
    if not all(isinstance(values, list) and len(values) == len(sizes) - 1 for values in (weights, biases)):
        raise ValueError("its weights or biases are not of the shapes that its sizes say")
    layers = as_layers(sizes[1:], activation)
    arrays = [{"weights": w, "biases": b} for w, b in zip(weights, biases, strict=True)]
    return _checked((sizes[0],), layers, arrays, cost, dtype, activation)


def _read_version_2(contents: dict[str, Any], dtype: np.dtype) -> Model:
    network = contents["network"]
    if not (isinstance(network, dict) and isinstance(network["layers"], list)):
        raise ValueError("it is no object with a network and its layers")
    input_shape, layers, arrays = _input_shape(network["inputs"]), [], []
    for described in network["layers"]:
        if not isinstance(described, dict):
            raise ValueError("a layer is no object")
        layers.append(from_settings({name: value for name, value in described.items() if name not in _ARRAYS}))
        arrays.append({name: value for name, value in described.items() if name in _ARRAYS})
    if not layers:
        raise ValueError("it has no layers")
    return _checked(input_shape, tuple(layers), arrays, network["cost"], dtype, _activation(network["activation"]))


def _input_shape(inputs: Any) -> Shape:
    """Return the shape of a sample, given the number of inputs or the shape of images as a list."""
    shape = tuple(inputs) if isinstance(inputs, list) else (inputs,)
    if len(shape) != (3 if isinstance(inputs, list) else 1) or not all(type(n) is int and n > 0 for n in shape):
        raise ValueError("its inputs are not a number from 1, or three of them")
    return shape


def _activation(name: Any) -> str:
    if name not in ACTIVATIONS:
        raise ValueError(f"its activation is none of {', '.join(ACTIVATIONS)}")
    return str(name)


def _checked(
    input_shape: Shape,
    layers: tuple[Layer, ...],
    values: list[dict[str, Any]],
    cost: Any,
    dtype: np.dtype,
    activation: str,
) -> Model:
    """Return a model, if its arrays, as lists of lists, are those of its layers."""
    _check_name(cost)
    if len(input_shape) > 1:  # a few bytes describe images of any size; arrays of dense layers are as large as the file
        check_memory(input_shape, layers)
    architecture = Architecture(input_shape, layers, from_name(cost) or _NOT_GIVEN, dtype)
    parameters: Parameters = []
    for of_layer, expected in zip(values, architecture.arrays, strict=True):
        if of_layer.keys() != expected.keys():
            raise ValueError(f"a layer has the arrays {', '.join(of_layer)}; it must have {', '.join(expected)}")
        parameters.append({name: _array(of_layer[name], name, shape, dtype) for name, shape in expected.items()})
    return Model(architecture, parameters, cost, activation)


_NOT_GIVEN = OwnCost(SimpleNamespace())
"""A cost that is known by its name only."""


def _check_name(cost: Any) -> None:
    if not (isinstance(cost, str) and 0 < len(cost) <= _LONGEST_NAME and cost.isprintable()):
        raise ValueError(
            f"the name of its cost is {arguments.brief(cost)}; it must have 1 to {_LONGEST_NAME} printable characters"
        )


def _array(rows: Any, name: str, shape: Shape, dtype: np.dtype) -> np.ndarray:
    """Make an array of lists of numbers; NumPy gets nothing else, of which it might make too much."""
    if not _has_shape(rows, shape):
        raise ValueError(f"its {name} are not of the shapes that its sizes say")
    if not _are_numbers(rows, len(shape)):
        raise ValueError(f"its {name} are not numbers")
    try:
        with np.errstate(over="ignore"):  # what float32 cannot hold is infinite
            array = np.array(rows, dtype)
    except OverflowError:  # an integer of hundreds of digits
        array = np.full(shape, np.inf, dtype)
    check_parameter(array, name, shape, dtype)
    return array


def _has_shape(values: Any, shape: Shape) -> bool:
    """Whether values are lists of lists of that shape, whatever is in the innermost."""
    fits = isinstance(values, list) and len(values) == shape[0]
    return fits and (len(shape) == 1 or all(_has_shape(each, shape[1:]) for each in values))


def _are_numbers(values: list[Any], axes: int) -> bool:
    """Whether there are only numbers in the innermost of lists of lists."""
    if axes > 1:
        return all(_are_numbers(each, axes - 1) for each in values)
    return {*map(type, values)} <= {int, float}


def _reason(error: Exception) -> str:
    return f"it has no {one_line(error)}" if isinstance(error, KeyError) else one_line(error)
