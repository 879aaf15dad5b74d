"""Runs on the disk, so that one that was interrupted goes on as if it had never been: bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines.contract import Arrays, State
from fastnet.files import tensors
from fastnet.files.reading import DataError, one_line
from fastnet.learning.history import Epochs

StrPath: TypeAlias = str | os.PathLike[str]

_KIND = tensors.Kind("fastnet.checkpoint", version=2)
_GENERATOR = "MT19937"  # the book's: NumPy's old one
_LARGEST = 2**63 - 1  # of the integers
_MAY_DIFFER = ("epochs",)  # between a run and its continuation


@dataclass(frozen=True)
class Checkpoint:
    """A run of `SGD` after an epoch.

    Attributes
    ----------
    recipe : dict
        The network and the arguments of `SGD`, as `History` has them.
    data : str
        Of which data: a checksum.
    weights, biases : lists of ndarray
        In the book's shapes.
    engine : State
        What else the engine needs.
    dropout_seed : int
        Of the masks.
    generator : dict
        The state of the generator, as NumPy's `get_state(legacy=False)` gives it.
    epochs : Epochs
        Those that are over.
    """

    recipe: dict[str, Any]
    data: str
    weights: Arrays
    biases: Arrays
    engine: State
    dropout_seed: int
    generator: dict[str, Any]
    epochs: Epochs


def write(path: StrPath, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all: a file of that name is replaced.

    Raises
    ------
    OSError
        If it cannot be written. A file that was there is then as it was.
    """
    arrays = _named("parameters", checkpoint.weights, checkpoint.biases)
    if checkpoint.engine.velocity is not None:
        arrays |= _named("velocity", *checkpoint.engine.velocity)
    arrays |= {f"epochs.{name}": array for name, array in checkpoint.epochs.arrays().items()}
    generator = checkpoint.generator
    arrays["generator"] = generator["state"]["key"]
    description = {
        "recipe": checkpoint.recipe,
        "data": checkpoint.data,
        "trained_on": checkpoint.engine.trained_on,
        "eta": checkpoint.engine.eta,
        "dropout_seed": checkpoint.dropout_seed,
        "generator": [generator["state"]["pos"], generator["has_gauss"], generator["gauss"]],
    }
    tensors.write(path, _KIND, description, arrays)


def read(path: StrPath, recipe: Mapping[str, Any], data: str) -> Checkpoint:
    """Read the checkpoint of a run with this recipe and these data.

    Raises
    ------
    OSError
        If it cannot be opened.
    DataError
        If it is not a checkpoint. It is a `ValueError`.
    ValueError
        If it is that of another run.
    """
    description, arrays = tensors.read(path, _KIND)
    name = os.fspath(path)
    try:
        checkpoint = _checkpoint(description, arrays)
        difference = _difference(checkpoint.recipe, recipe)
    except (ArithmeticError, KeyError, RecursionError, TypeError, ValueError) as error:
        raise DataError(f"{name}: this file does not hold a {_KIND.name} ({one_line(error)})") from None
    if difference:
        raise ValueError(f"{name}: it is of another run, {one_line(difference)}")
    if checkpoint.data != data:
        raise ValueError(f"{name}: it is of a run on other data")
    return checkpoint


def checksum(data: Sequence[Dataset | None]) -> str:
    """Return a checksum of data sets: of their numbers, types and shapes."""
    checksum = hashlib.sha256()
    for dataset in data:
        arrays = [] if dataset is None else _arrays_of(dataset)
        checksum.update(json.dumps([(str(array.dtype), array.shape) for array in arrays]).encode("ascii"))
        for array in arrays:
            checksum.update(array.reshape(-1).data)
    return checksum.hexdigest()


def _arrays_of(data: Dataset) -> Arrays:
    inputs = data.rows
    return [*(inputs.arrays if isinstance(inputs, SparseInputs) else [inputs]), data.targets]


def _checkpoint(description: dict[str, Any], arrays: dict[str, np.ndarray]) -> Checkpoint:
    recipe = tensors.as_object(description["recipe"], "its recipe")
    sizes = recipe["sizes"]
    if not (isinstance(sizes, list) and len(sizes) > 1 and all(type(n) is int and n > 0 for n in sizes)):
        raise ValueError("its sizes are not a list of layers")
    if len(sizes) > len(arrays):  # of which there are two for each layer, and the generator
        raise ValueError("its sizes are more than its layers")
    dtype = np.dtype({"float32": np.float32, "float64": np.float64}[recipe["dtype"]])
    weights, biases = _unnamed("parameters", arrays, sizes, dtype)
    velocity = None
    if "velocity.weights.0" in arrays:
        velocity = _unnamed("velocity", arrays, sizes, dtype)
    trained_on, dropout_seed = (_natural(description[name], name) for name in ("trained_on", "dropout_seed"))
    engine = State(trained_on, velocity, _finite(description["eta"], "eta"))
    generator = _generator(arrays.pop("generator"), description["generator"])
    if not all(name.startswith("epochs.") for name in arrays):
        raise ValueError("it holds more arrays than a checkpoint")
    epochs = Epochs.from_arrays({name.removeprefix("epochs."): array for name, array in arrays.items()})
    return Checkpoint(recipe, str(description["data"]), weights, biases, engine, dropout_seed, generator, epochs)


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return in what two recipes differ, in words; nothing if they don't."""
    names = [name for name in {**here, **there} if name not in _MAY_DIFFER and there.get(name) != here.get(name)]
    if not names:
        return ""
    said = (", ".join(f"{n} {values[n]}" if n in values else f"no {n}" for n in names) for values in (there, here))
    return f"with {next(said)}; this one has {next(said)}"


def _generator(key: np.ndarray, rest: Any) -> dict[str, Any]:
    position, has_gauss, gauss = rest
    fits = (key.dtype, key.shape) == (np.dtype(np.uint32), (624,))
    if not fits or _natural(position, "position") > 624 or has_gauss not in (0, 1):
        raise ValueError("its generator is not NumPy's")
    return {
        "bit_generator": _GENERATOR,
        "state": {"key": key, "pos": position},
        "has_gauss": _natural(has_gauss, "has_gauss"),
        "gauss": _finite(gauss, "gauss"),
    }


def _natural(value: Any, name: str) -> int:
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(f"its {name} is no number from 0")
    return value


def _finite(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"its {name} is no finite number")
    return float(value)


def _named(what: str, weights: Arrays, biases: Arrays) -> dict[str, np.ndarray]:
    both = {"weights": weights, "biases": biases}
    return {f"{what}.{kind}.{i}": array for kind, arrays in both.items() for i, array in enumerate(arrays)}


def _unnamed(what: str, arrays: dict[str, np.ndarray], sizes: list[int], dtype: np.dtype) -> tuple[Arrays, Arrays]:
    """Take the arrays of a network out of those of a file."""
    layers = list(pairwise(sizes))
    shapes = {"weights": [(n_out, n_in) for n_in, n_out in layers], "biases": [(n_out, 1) for _, n_out in layers]}
    found: dict[str, Arrays] = {"weights": [], "biases": []}
    for kind, expected in shapes.items():
        for i, shape in enumerate(expected):
            array = arrays.pop(f"{what}.{kind}.{i}")
            if (array.dtype, array.shape) != (dtype, shape) or not np.isfinite(array).all():
                raise ValueError(f"its {what}.{kind}.{i} is not of the sizes, or not finite")
            found[kind].append(array)
    return found["weights"], found["biases"]
