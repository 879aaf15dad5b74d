"""Checkpoint files, from which an interrupted run continues bit for bit as if it had not been interrupted.

A checkpoint is written after every epoch, so the time to write it must not grow with the number of epochs. The
checkpoint therefore has only the latest epochs, fewer than a thousand. All earlier epochs are in a second file, which
is written after every thousandth epoch.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from fastnet.datasets.dataset import Dataset
from fastnet.datasets.sparse import SparseInputs
from fastnet.engines.contract import State
from fastnet.files import tensors
from fastnet.files.parameters import check_parameter
from fastnet.files.reading import DataError, holding, one_line
from fastnet.formulas.architecture import Architecture, Arrays, Parameters
from fastnet.formulas.layers import Dense, Shapes
from fastnet.learning.history import Epochs, in_words
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_KIND = tensors.Kind("fastnet.checkpoint", "checkpoint", version=5, earlier=(2, 3, 4))
_KIND_OF_EARLIER = tensors.Kind("fastnet.epochs", "list of a checkpoint's first epochs", version=1)
_PART = 1000  # number of epochs after which the second file is written again
_GENERATOR = "MT19937"  # random generator of numpy.random and RandomState, as in the book
_LARGEST = 2**63 - 1  # largest integer that a file may contain; a file with a larger one is refused
_MAY_DIFFER = ("epochs",)  # arguments that may differ between a run and its continuation


class Earlier(NamedTuple):
    """Number and checksum of the epochs in the second file of a run.

    Attributes
    ----------
    number : int
        Number of this run's epochs in the second file. The second file contains further epochs if a process was killed
        after writing the second file and before writing the checkpoint.
    sha256 : str
        Checksum of the run's epochs in the second file.
    """

    number: int = 0
    sha256: str = ""


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run of `SGD` after an epoch, or before the first epoch.

    Attributes
    ----------
    recipe : dict
        Settings of the network and arguments of `SGD`, as in `History`.
    data : str
        Checksum of the data that the run depends on.
    parameters : list of dict of str to ndarray
        Arrays of each layer by name.
    engine : State
        State of the engine.
    dropout_seed : int
        Seed of the dropout masks.
    generator : dict
        State of the random generator, as returned by NumPy's `get_state(legacy=False)`.
    epochs : Epochs
        Completed epochs.
    earlier : Earlier
        Number and checksum of the epochs in the second file.
    """

    recipe: dict[str, Any]
    data: str
    parameters: Parameters
    engine: State
    dropout_seed: int
    generator: dict[str, Any]
    epochs: Epochs
    earlier: Earlier = field(default_factory=Earlier)


@dataclass(frozen=True)
class CheckpointFile:
    """The arguments `checkpoint` and `resume` of a run.

    Attributes
    ----------
    path : Path or None
        Name of the file; None if the run has no checkpoint.
    resume : bool
        Whether to continue the run in the file, if the file exists.
    data : str
        Checksum of the data that the run depends on.
    """

    path: Path | None = None
    resume: bool = False
    data: str = ""

    @classmethod
    def of(cls, path: StrPath | None, resume: bool, data: Sequence[Dataset | None]) -> CheckpointFile:
        """Check the arguments `checkpoint` and `resume`.

        Raises
        ------
        TypeError, ValueError
            If an argument has a wrong type. If the file exists and `resume` is False. If `resume` is True without a
            file name. If the second file exists without the checkpoint.
        """
        resume = arguments.flag(resume, "resume")
        if path is None:
            if resume:
                raise ValueError("resume is True, but checkpoint is None; give the name of the checkpoint file")
            return cls()
        path = arguments.path(path, "checkpoint")
        if not resume and path.exists():
            raise ValueError(f"checkpoint: {path} exists; give resume=True to continue the run, or another file")
        second = _second(path)
        if not path.exists() and second.exists():
            raise ValueError(f"checkpoint: {second} exists without {path}; remove {second}, or give another file")
        return cls(path, resume, checksum(data))

    def found(
        self, recipe: Mapping[str, Any], architecture: Architecture, state_names: Sequence[str]
    ) -> Checkpoint | None:
        """Return the checkpoint from which the run continues, or None if the run begins anew; see `read`."""
        if self.path is None or not (self.resume and self.path.exists()):
            return None
        return read(self.path, recipe, self.data, architecture, state_names)


def write(path: StrPath, checkpoint: Checkpoint) -> Earlier:
    """Write a checkpoint atomically. An existing file is replaced.

    Returns
    -------
    Earlier
        Number and checksum of the epochs that are now in the second file.

    Raises
    ------
    OSError
        If the checkpoint cannot be written. An existing file is then unchanged.
    """
    earlier, second = checkpoint.earlier, _second(path)
    number = len(checkpoint.epochs) // _PART * _PART
    if number > earlier.number or (number and not second.exists()):
        # The second file is written first, because the checkpoint may refer only to epochs that the second file has.
        epochs = checkpoint.epochs[:number]
        tensors.write(second, _KIND_OF_EARLIER, {}, epochs.arrays())
        earlier = Earlier(number, epochs.checksum())
    arrays = _named("parameters", checkpoint.parameters)
    for name, state in checkpoint.engine.optimizer_state.items():
        arrays |= _named(f"memory.{name}", state)
    arrays |= {f"epochs.{name}": array for name, array in checkpoint.epochs[earlier.number :].arrays().items()}
    generator = checkpoint.generator
    arrays["generator"] = generator["state"]["key"]
    description = {
        "recipe": checkpoint.recipe,
        "data": checkpoint.data,
        "trained_on": checkpoint.engine.trained_on,
        "steps": checkpoint.engine.steps,
        "eta": checkpoint.engine.eta,
        "dropout_seed": checkpoint.dropout_seed,
        "generator": [generator["state"]["pos"], generator["has_gauss"], generator["gauss"]],
        "earlier_epochs": earlier,
    }
    tensors.write(path, _KIND, description, arrays)
    return earlier


def files_of(path: StrPath) -> list[Path]:
    """Return the names of both files of a checkpoint, whether the files exist or not."""
    return [Path(path), _second(path)]


def _second(path: StrPath) -> Path:
    """Return the name of the second file of a run, which has the earlier epochs."""
    return Path(f"{os.fspath(path)}.epochs")


def read(
    path: StrPath, recipe: Mapping[str, Any], data: str, architecture: Architecture, state_names: Sequence[str]
) -> Checkpoint:
    """Read the checkpoint of a run.

    Parameters
    ----------
    path : path
        Name of the file.
    recipe : mapping
        Recipe of the run to continue.
    data : str
        Checksum of the run's data.
    architecture : Architecture
        Architecture of the run's engine.
    state_names : sequence of str
        Names of the arrays in the state of the run's optimizer.

    Raises
    ------
    OSError
        If the file cannot be opened.
    DataError
        If the file is not a checkpoint or is damaged, or the run's second file is missing or damaged. `DataError` is a
        `ValueError`.
    ValueError
        If the checkpoint is from another run, or cannot be continued bit for bit.
    """
    name = os.fspath(path)
    description, arrays, version = tensors.read(path, _KIND)
    with holding(path, _KIND.contents):
        there, data_there = tensors.as_object(description["recipe"], "its recipe"), description["data"]
        difference = _difference(there, recipe)
    if difference:
        raise ValueError(f"{name}: this checkpoint is from another run, {one_line(difference)}")
    if data_there != data:
        raise ValueError(f"{name}: this checkpoint is from a run on other data; give the same data, or another file")
    if not _ROUNDS_AS[version](recipe):
        raise ValueError(
            f"{name}: this checkpoint is from an earlier version of fastnet, whose engine {recipe['engine']!r} rounded "
            "differently, so the run cannot be continued bit for bit. Start the run again with another file, or "
            "continue it with the version of fastnet that wrote the file"
        )
    with holding(path, _KIND.contents):
        if version == 2:
            description, arrays = _in_form_of_version_3(description, arrays, architecture, state_names)
        earlier = _earlier(description["earlier_epochs"]) if version >= 5 else Earlier()
    epochs = _read_earlier(path, earlier)
    with holding(path, _KIND.contents):
        return _checkpoint(there, description, arrays, architecture, state_names, earlier, epochs)


def _rounds_as_version_3(recipe: Mapping[str, Any]) -> bool:
    return str(recipe["engine"]) != "numba"


def _rounds_as_version_2(recipe: Mapping[str, Any]) -> bool:
    if recipe["engine"] == "numpy":
        return len(recipe.get("sizes", ())) == 2 or recipe.get("activation") == "relu"
    return _rounds_as_version_3(recipe)


_ROUNDS_AS: dict[int, Callable[[Mapping[str, Any]], bool]] = {
    2: _rounds_as_version_2,
    3: _rounds_as_version_3,
    4: _rounds_as_version_3,
    5: lambda recipe: True,
}
"""For each version of checkpoints, a function that tells whether a recipe's engine still rounds as in that version."""


def _in_form_of_version_3(
    description: dict[str, Any], arrays: dict[str, np.ndarray], architecture: Architecture, state_names: Sequence[str]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Convert a checkpoint from version 2 to version 3.

    In version 2, only dense layers had arrays, and velocities were the only state of optimizers.
    """
    layers = [i for i, layer in enumerate(architecture.layers) if isinstance(layer, Dense)]
    new_names = {
        f"{old}.{name}.{k}": f"{new}.{i}.{name}"
        for old, new in (("parameters", "parameters"), ("velocity", "memory.velocity"))
        for k, i in enumerate(layers)
        for name in ("weights", "biases")
    }
    renamed = {new_names.get(name, name): array for name, array in arrays.items()}
    if "velocity" not in state_names:  # some engines wrote velocities even without momentum
        renamed = {name: array for name, array in renamed.items() if not name.startswith("memory.velocity.")}
    return {**description, "steps": 0}, renamed  # no optimizer of version 2 depended on the number of steps


def checksum(data: Sequence[Dataset | None]) -> str:
    """Return the SHA-256 checksum of data sets' numbers, types and shapes, as a hexadecimal string."""
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


def _earlier(values: Any) -> Earlier:
    number, sha256 = values
    return Earlier(_natural({"number": number}, "number"), str(sha256))


def _read_earlier(path: StrPath, earlier: Earlier) -> Epochs:
    """Read the epochs in the second file of a run."""
    second = _second(path)
    if not earlier.number:
        return Epochs()
    if not second.exists():
        raise DataError(
            f"{os.fspath(path)}: its first {earlier.number} epochs are in {second}, which is missing; restore that file"
        )
    _, arrays, _ = tensors.read(second, _KIND_OF_EARLIER)
    with holding(second, _KIND_OF_EARLIER.contents):
        epochs = Epochs.from_arrays(arrays)[: earlier.number]
        if epochs.checksum() != earlier.sha256:
            raise ValueError(f"its epochs are not those of {one_line(os.fspath(path))}")
    return epochs


def _checkpoint(
    recipe: dict[str, Any],
    description: dict[str, Any],
    arrays: dict[str, np.ndarray],
    architecture: Architecture,
    state_names: Sequence[str],
    earlier: Earlier,
    before: Epochs,
) -> Checkpoint:
    parameters = _parameters(arrays, architecture)
    optimizer_state = {
        name: _optimizer_state(arrays, name, architecture)
        for name in state_names
        if any(key.startswith(f"memory.{name}.") for key in arrays)
    }
    trained_on, steps, dropout_seed = (_natural(description, name) for name in ("trained_on", "steps", "dropout_seed"))
    engine = State(trained_on, steps, optimizer_state, _finite(description["eta"], "eta"))
    generator = _generator(arrays.pop("generator"), description["generator"])
    if not all(name.startswith("epochs.") for name in arrays):
        raise ValueError("it has arrays that do not belong to a checkpoint")
    epochs = Epochs.from_arrays({name.removeprefix("epochs."): array for name, array in arrays.items()}, before)
    return Checkpoint(recipe, str(description["data"]), parameters, engine, dropout_seed, generator, epochs, earlier)


def _difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return the differences of two recipes as text; an empty string if there are none."""
    names = [name for name in {**here, **there} if name not in _MAY_DIFFER and there.get(name) != here.get(name)]
    if not names:
        return ""
    before, now = (
        ", ".join(in_words({n: values[n]}) if n in values else f"no {n}" for n in names) for values in (there, here)
    )
    return f"with {before}; this run has {now}"


def _generator(key: np.ndarray, rest: Any) -> dict[str, Any]:
    values = dict(zip(("position", "has_gauss", "gauss"), rest, strict=True))
    position, has_gauss = _natural(values, "position"), _natural(values, "has_gauss")
    if (key.dtype, key.shape) != (np.dtype(np.uint32), (624,)) or position > 624 or has_gauss > 1:
        raise ValueError("its generator is not an MT19937 generator")
    return {
        "bit_generator": _GENERATOR,
        "state": {"key": key, "pos": position},
        "has_gauss": has_gauss,
        "gauss": _finite(values["gauss"], "gauss"),
    }


def _natural(values: Mapping[str, Any], name: str) -> int:
    value = values[name]
    if type(value) is not int or not 0 <= value <= _LARGEST:
        raise ValueError(f"its {name} must be an integer from 0 to 2**63 - 1")
    return value


def _finite(value: Any, name: str) -> float:
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError(f"its {name} must be a finite number")
    return float(value)


def _named(what: str, parameters: Parameters) -> dict[str, np.ndarray]:
    return {f"{what}.{i}.{name}": array for i, layer in enumerate(parameters) for name, array in layer.items()}


def _parameters(arrays: dict[str, np.ndarray], architecture: Architecture) -> Parameters:
    """Remove a network's parameters from the arrays of a file, check them, and return them."""
    parameters = _taken(arrays, "parameters", architecture.arrays)
    for layer, shapes in zip(parameters, architecture.arrays, strict=True):
        for name, array in layer.items():
            check_parameter(array, name, shapes[name], architecture.dtype)
    return parameters


def _optimizer_state(arrays: dict[str, np.ndarray], name: str, architecture: Architecture) -> Parameters:
    """Remove the optimizer's state `name` from a file's arrays, check the state, and return it.

    Infinities are allowed.
    """
    state = _taken(arrays, f"memory.{name}", architecture.trained)
    for layer, shapes in zip(state, architecture.trained, strict=True):
        for key, array in layer.items():
            if (array.dtype, array.shape) != (architecture.dtype, shapes[key]) or np.isnan(array).any():
                raise ValueError(f"its {name} of {key} has a wrong type or shape, or contains NaN")
    return state


def _taken(arrays: dict[str, np.ndarray], what: str, shapes: list[Shapes]) -> Parameters:
    return [{name: arrays.pop(f"{what}.{i}.{name}") for name in layer} for i, layer in enumerate(shapes)]
