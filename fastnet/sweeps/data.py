"""What the networks of a sweep are trained and judged on, and how another machine gets it."""

from __future__ import annotations

import hashlib
import math
import os
import threading
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from fastnet import expand_mnist, mnist_loader
from fastnet.datasets.dataset import Dataset, as_dataset
from fastnet.utils import arguments

StrPath: TypeAlias = str | os.PathLike[str]

_NUMBERS_AT_A_TIME = 1 << 22  # of which a checksum is taken: what is sparse is made whole for it

_loading = threading.Lock()


@dataclass(frozen=True)
class Data:
    """Three sets.

    Attributes
    ----------
    training : Dataset
        To learn from.
    validation : Dataset
        To choose a recipe by.
    test : Dataset or None
        To say what the chosen one is worth.
    """

    training: Dataset
    validation: Dataset
    test: Dataset | None = None

    @property
    def ends(self) -> tuple[int, int]:
        """Numbers of inputs and outputs of a network for these data: of outputs, as many as there are labels."""
        rows, targets = self.training.rows, self.training.targets
        return rows.shape[1], targets.shape[1] if targets.ndim == 2 else int(targets.max()) + 1

    @cached_property
    def fingerprint(self) -> str:
        """The SHA-256 of all that is in the sets: the same for the same data, wherever they come from."""
        digest = hashlib.sha256()
        for data in (self.training, self.validation, self.test):
            for rows in () if data is None else (data.rows, data.targets):
                digest.update(f"{rows.shape} {rows.dtype} ".encode())
                step = max(_NUMBERS_AT_A_TIME * len(rows) // max(math.prod(rows.shape), 1), 1)
                for start in range(0, len(rows), step):
                    digest.update(rows[start : start + step].data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Source:
    """Where the data lie: what is sent to another machine instead of them.

    Attributes
    ----------
    path : path or None
        See `mnist_loader.load_data`.
    expanded : bool
        Whether the training images are to be shifted by a pixel, too.
    """

    path: StrPath | None = None
    expanded: bool = False

    def __post_init__(self) -> None:
        if self.path is not None:  # a worker may have been started in another folder
            object.__setattr__(self, "path", os.path.abspath(self.path))

    def load(self) -> Data:
        """Load them.

        Raises
        ------
        OSError, DataError
            As `mnist_loader.load_data` does.
        """
        training, validation, test = mnist_loader.load_data_wrapper(self.path)
        return Data(expand_mnist.expand(training) if self.expanded else training, validation, test)


def given(value: object) -> Data | Source:
    """Return what a user gives as data: sets, a path, or nothing for MNIST.

    Raises
    ------
    TypeError, ValueError
        If it is nothing of that.
    """
    if isinstance(value, Source):
        return value
    if value is None or isinstance(value, (str, os.PathLike)):
        return Source(value)
    if not (isinstance(value, (tuple, list)) and len(value) in (2, 3)):
        raise TypeError(
            "data must be a path, or a tuple (training_data, validation_data, test_data), the last optional"
        )
    sets = []
    for each, name in zip(value, ("training_data", "validation_data", "test_data"), strict=False):
        with arguments.named(name):
            sets.append(as_dataset(each))
    return Data(*sets)


def at_hand(data: Data | Source, fingerprint: str) -> Data:
    """Return the data in a process that got a description of them, or themselves; they are loaded once.

    Raises
    ------
    ValueError
        If what lies there is something else than where the description comes from.
    """
    if isinstance(data, Data):
        return data
    with _loading:
        loaded = _load_once(data)
        found = loaded.fingerprint
    if found != fingerprint:
        raise ValueError("the data set on this worker is another one than where the sweep was started")
    return loaded


@lru_cache(maxsize=1)
def _load_once(source: Source) -> Data:
    return source.load()
