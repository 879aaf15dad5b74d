"""The readers of fastnet, and the formats that they read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from fastnet.files.reading import DataError

from . import formats
from .formats import Format

SEEDS = Path(__file__).parent / "seeds"
RECIPE = {"sizes": [3, 2], "engine": "torch-cpu", "dtype": "float32"}


class Reader(NamedTuple):
    """A reader.

    Attributes
    ----------
    name : str
        Also of the folder of its seeds.
    read : function of a path
        Reads a file: all of it, as far as users do.
    format : Format or None
        How files are taken apart and sealed again; None if there is nothing to be sealed.
    needs : str
        A module that is not in every installation.
    """

    name: str
    read: Callable[[Path], object]
    format: Format | None = None
    needs: str = "numpy"

    @property
    def is_there(self) -> bool:
        return find_spec(self.needs) is not None

    def seeds(self) -> list[Path]:
        """Return its seeds."""
        return sorted((SEEDS / self.name).iterdir())

    def whole(self) -> list[Path]:
        """Return those of its seeds that it reads, and does not refuse."""
        return [seed for seed in self.seeds() if seed.name.startswith("whole")]


def _idx(path: Path) -> object:
    from fastnet.datasets import idx

    return idx.read(path)


def _pickle(path: Path) -> object:
    from fastnet import mnist_loader

    with contextlib.suppress(FileNotFoundError):  # it is an IDX file, and the other three are not there
        return mnist_loader.load_data(path)
    return None


def _model(path: Path) -> object:
    from fastnet.files import models

    return models.read(path)


def _checkpoint(path: Path) -> object:
    import numpy as np

    from fastnet.formulas.architecture import Architecture
    from fastnet.learning import checkpoints

    architecture = Architecture.dense(RECIPE["sizes"], np.dtype(RECIPE["dtype"]))
    try:
        found = checkpoints.read(path, RECIPE, "data", architecture, ("velocity",))
    except ValueError as error:
        if ": it is of a" in str(error):  # of another run, or on other data
            raise DataError(str(error)) from None
        raise
    np.random.RandomState().set_state(found.generator)
    return found


def _expanded(path: Path) -> object:
    from fastnet import expand_mnist

    return expand_mnist.load(path)


def _network3(path: Path) -> object:
    from fastnet.network3 import files

    return files.read(path)


def _torch(path: Path) -> object:
    from fastnet.torch_classifier import checkpoint

    return checkpoint.load_model(path)


def _image(path: Path) -> object:
    from PIL import Image

    from fastnet.handwriting import images

    Image.init()  # or Pillow would import its formats while it is watched
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
        Reader("network3", _network3, formats.NETWORK3, "torch"),
        Reader("torch", _torch, formats.ZIP, "torchvision"),
        Reader("image", _image, formats.PNG, "PIL"),
    )
}
