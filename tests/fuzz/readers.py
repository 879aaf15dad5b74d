"""The readers of fastnet, and the formats that they read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fastnet.files.reading import DataError

from . import formats
from .formats import Format

if TYPE_CHECKING:
    from fastnet.formulas.architecture import Architecture

SEEDS = Path(__file__).parent / "seeds"
RECIPE = {"sizes": [3, 2], "engine": "torch-cpu", "dtype": "float32"}
RECIPE_OF_IMAGES = {
    "sizes": [16, 18, 2],
    "input_shape": [1, 4, 4],
    "layers": [
        {"layer": "Convolution", "filters": 2, "shape": [2, 2], "activation": "relu", "padding": "valid"},
        {"layer": "MaxPooling", "shape": [2, 2]},
        {"layer": "BatchNormalization", "activation": "linear", "momentum": 0.1, "epsilon": 1e-05},
        {"layer": "Dense", "n_out": 2, "activation": "sigmoid"},
    ],
    "engine": "torch-cpu",
    "dtype": "float32",
}


class Reader(NamedTuple):
    """A reader of files, and the format with which the fuzzer takes these files apart.

    Attributes
    ----------
    name : str
        Name of the reader, and of the folder of its seeds.
    read : function of a path
        Function that reads the whole file, as a user does.
    format : Format or None
        Takes files apart, and puts them together with correct checksums. None if the files have no checksums.
    needs : str
        Name of the module that the reader needs. If the module is not installed, the reader is left out.
    """

    name: str
    read: Callable[[Path], object]
    format: Format | None = None
    needs: str = "numpy"

    @property
    def is_there(self) -> bool:
        return find_spec(self.needs) is not None

    def seeds(self) -> list[Path]:
        """Return the sorted paths of the reader's seeds."""
        return sorted((SEEDS / self.name).iterdir())

    def whole(self) -> list[Path]:
        """Return the paths of the seeds that the reader must read without an error."""
        return [seed for seed in self.seeds() if seed.name.startswith("whole")]


def _idx(path: Path) -> object:
    from fastnet.datasets import idx

    return idx.read(path)


def _pickle(path: Path) -> object:
    from fastnet import mnist_loader

    with contextlib.suppress(FileNotFoundError):  # damage can result in an IDX file, which needs three other files
        return mnist_loader.load_data(path)
    return None


def _model(path: Path) -> object:
    from fastnet.files import models

    return models.read(path)


def _checkpoint(path: Path) -> object:
    import numpy as np

    from fastnet.learning import checkpoints

    try:
        found = checkpoints.read(path, RECIPE, "data", architecture(RECIPE), ("velocity",))
    except ValueError as error:
        if ": this checkpoint is from a" not in str(error):  # neither the recipe nor the data are the reason
            raise
        try:
            found = checkpoints.read(path, RECIPE_OF_IMAGES, "data", architecture(RECIPE_OF_IMAGES), ("velocity",))
        except ValueError as error:
            raise error if isinstance(error, DataError) else DataError(str(error)) from None
    np.random.RandomState().set_state(found.generator)
    return found


def architecture(recipe: dict[str, Any]) -> Architecture:
    """Return the architecture of the network that a recipe describes."""
    import numpy as np

    from fastnet.formulas.architecture import Architecture
    from fastnet.formulas.layers import from_settings

    dtype = np.dtype(recipe["dtype"])
    if "layers" not in recipe:
        return Architecture.dense(recipe["sizes"], dtype)
    return Architecture(tuple(recipe["input_shape"]), tuple(map(from_settings, recipe["layers"])), dtype=dtype)


def _expanded(path: Path) -> object:
    from fastnet import expand_mnist

    return expand_mnist.load(path)


def _network3(path: Path) -> object:
    from fastnet.network3 import files

    return files.read(path)


def _torch(path: Path) -> object:
    from fastnet import pytorch_mnist

    return pytorch_mnist.load_model(path)


def _image(path: Path) -> object:
    from PIL import Image

    from fastnet.handwriting import images

    Image.init()  # otherwise, Pillow would import the formats while the reader is monitored
    return images.read(path)


def _record(path: Path) -> object:
    from fastnet.sweeps.recipe import recipe
    from fastnet.sweeps.record import Record

    with Record(path, "data") as record:
        return record.find(recipe(), 0)


READERS = {
    reader.name: reader
    for reader in (
        Reader("idx", _idx, formats.GZIP),
        Reader("pickle", _pickle, formats.GZIP),
        Reader("model", _model, formats.MODEL),
        Reader("checkpoint", _checkpoint, formats.CHECKPOINT),
        Reader("expanded", _expanded, formats.ZIP),
        Reader("record", _record),
        Reader("network3", _network3, formats.NETWORK3),
        Reader("torch", _torch, formats.ZIP, "torchvision"),
        Reader("image", _image, formats.PNG, "PIL"),
    )
}
