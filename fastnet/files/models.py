"""Networks on the disk, in the format of the book's `network2.py`: JSON, readable both ways.

What is new in it the book's program passes over: a version, a checksum of all that follows it, and what it has no names
for.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastnet.files.reading import DataError, named_errors, one_line, read_all
from fastnet.files.writing import replaced
from fastnet.formulas.activations import ACTIVATIONS
from fastnet.utils import arguments

_VERSION = 1
_MOST_BYTES = 1 << 30  # of a file; a weight takes about 20
_LONGEST_NAME = 100  # characters of the name of a cost


@dataclass(frozen=True)
class Model:
    """What a file holds of a network.

    Attributes
    ----------
    sizes : list of int
        The number of neurons in each layer, the inputs first.
    weights, biases : lists of ndarray
        In the book's shapes, of type `dtype`.
    cost : str
        The name of the class for the cost: "QuadraticCost", "CrossEntropyCost", or another.
    dtype : numpy.dtype
        float32 or float64; float64 in files that don't say, as the book's.
    activation : str
        Of the hidden neurons; "sigmoid" in files that don't say.
    """

    sizes: list[int]
    weights: list[np.ndarray]
    biases: list[np.ndarray]
    cost: str
    dtype: np.dtype
    activation: str = "sigmoid"


def write(path: str | os.PathLike[str], model: Model) -> None:
    """Write a model, whole or not at all: a file of that name is replaced when the new one is complete.

    Raises
    ------
    OSError
        If it cannot be written.
    ValueError
        If its cost has a name that is none.
    """
    path = arguments.path(path, "filename")
    _check_name(model.cost)
    contents: dict[str, Any] = {
        "sizes": model.sizes,
        "weights": [w.tolist() for w in model.weights],
        "biases": [b.tolist() for b in model.biases],
        "dtype": model.dtype.name,
    }
    if model.activation == "sigmoid":
        contents["cost"] = model.cost
    else:  # of which the book's program knows nothing: it must not find what it looks for, and take it for sigmoid
        contents["neurons"] = {"cost": model.cost, "activation": model.activation}
    text = json.dumps(contents).encode("ascii")[1:]
    with replaced(path) as file:
        file.write(_beginning(text) + text)


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
    with named_errors(path), path.open("rb") as file:
        try:
            text = read_all(file, b"{", _MOST_BYTES)
            contents = _parsed(text)
            _check_text(text, contents)
            return _model(contents)
        except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
            raise DataError(f"{path}: this file does not hold a network ({_reason(error)})") from None


def _beginning(text: bytes) -> bytes:
    """Return what stands before the text of the other values, and vouches for it."""
    return b'{"version": %d, "sha256": "%s", ' % (_VERSION, hashlib.sha256(text).hexdigest().encode("ascii"))


def _parsed(text: bytes) -> Any:
    if text.count(b"{") > 2:  # a network and its neurons: many small objects would take 30 times the memory of the file
        raise ValueError("it holds more objects than a network")
    return json.loads(text)


def _check_text(text: bytes, contents: Any) -> None:
    """Check the version and the checksum of a file that has any of what only fastnet writes."""
    if not isinstance(contents, dict) or not contents.keys() & {"version", "sha256", "dtype", "neurons"}:
        return
    if contents.get("version") != _VERSION:
        raise ValueError(f"its version is {contents.get('version')}; it must be {_VERSION}")
    length = len(_beginning(b""))
    if text[:length] != _beginning(text[length:]):
        raise ValueError("its checksum is another; it is damaged, or was changed")


def _model(contents: Any) -> Model:
    if not (isinstance(contents, dict) and isinstance(contents.get("neurons", {}), dict)):
        raise ValueError("it is no object with sizes, weights, biases and a cost")
    neurons = contents.get("neurons", contents)
    sizes, cost, activation = contents["sizes"], neurons["cost"], neurons.get("activation", "sigmoid")
    if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(n) is int and n > 0 for n in sizes)):
        raise ValueError("its sizes are not a list of layers")
    _check_name(cost)
    if activation not in ACTIVATIONS:
        raise ValueError(f"its activation is none of {', '.join(ACTIVATIONS)}")
    if contents.get("dtype", "float64") not in ("float32", "float64"):
        raise ValueError("its dtype is neither float32 nor float64")
    dtype = np.dtype(contents.get("dtype", "float64"))
    weights = _matrices(contents["weights"], list(zip(sizes[1:], sizes[:-1], strict=True)), dtype)
    biases = _matrices(contents["biases"], [(n, 1) for n in sizes[1:]], dtype)
    return Model(sizes, weights, biases, cost, dtype, activation)


def _check_name(cost: Any) -> None:
    if not (isinstance(cost, str) and 0 < len(cost) <= _LONGEST_NAME and cost.isprintable()):
        raise ValueError(
            f"the name of its cost is {arguments.brief(cost)}; it must have 1 to {_LONGEST_NAME} printable characters"
        )


def _matrices(values: Any, shapes: Sequence[tuple[int, int]], dtype: np.dtype) -> list[np.ndarray]:
    if not (isinstance(values, list) and len(values) == len(shapes)):
        raise ValueError("its weights or biases are not of the shapes that its sizes say")
    with np.errstate(over="ignore"):  # what float32 cannot hold is infinite, and refused below
        arrays = [_matrix(rows, shape, dtype) for rows, shape in zip(values, shapes, strict=True)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("its weights or biases are not finite")
    return arrays


def _matrix(rows: Any, shape: tuple[int, int], dtype: np.dtype) -> np.ndarray:
    """Make an array of lists of numbers; NumPy is not shown anything else, of which it might make too much."""
    n_rows, n_columns = shape
    if not (isinstance(rows, list) and len(rows) == n_rows):
        raise ValueError("its weights or biases are not of the shapes that its sizes say")
    if not all(isinstance(row, list) and len(row) == n_columns for row in rows):
        raise ValueError("its weights or biases are not of the shapes that its sizes say")
    if not all({*map(type, row)} <= {int, float} for row in rows):
        raise ValueError("its weights or biases are not numbers")
    try:
        return np.array(rows, dtype)
    except OverflowError:  # an integer of hundreds of digits
        raise ValueError("its weights or biases are not finite") from None


def _reason(error: Exception) -> str:
    return f"it has no {one_line(error)}" if isinstance(error, KeyError) else one_line(error)
